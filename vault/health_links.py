"""SMART Health Links: the keys behind a link that a patient hands out (docs/format.md 8).

The link's address holds 32 random octets that the server sees only while it answers whoever asks there. What they
derive, together with the passcode where there is one, opens the grant and the link's own key; neither is written down
readable. So each answer is encrypted anew, and a thief of the rows has nothing to do it with.
"""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest

import sqlalchemy as sa

from vault.database import Services, Work
from vault.errors import Expired, NotThere, WrongPasscode
from vault.ids import Id
from vault.keyring import GrantKeyring, VaultKeyring, canonical_json, check_row_mac, row_mac
from vault.limits import hold_grant, live_grant
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.errors import Busy
from vault.sealing.slow import INDEX, stretch_passcode
from vault.sealing.suite import unwrap, wrap
from vault.sealing.unprintable import Unprintable
from vault.tables_sharing import HealthFileRow, HealthLinkRow

LONG_TERM, PASSCODE, SINGLE_FILE = "L", "P", "U"
TRIES = 5  # wrong passcodes in a link's whole life


@dataclass(frozen=True, slots=True, repr=False)
class HealthLink(Unprintable):
    """A link as its patient has it: everything that whoever gets it needs."""

    address: bytes
    key: bytes
    flags: str
    label: str
    passcode: str

    @classmethod
    def new(cls, *, flags: str, label: str) -> "HealthLink":
        """Fresh secrets; six numbers as passcode where the flags say that there is one."""
        passcode = f"{secrets.randbelow(1_000_000):06d}" if PASSCODE in flags else ""
        return cls(os.urandom(32), os.urandom(32), "".join(sorted(set(flags))), label, passcode)

    @property
    def id(self) -> Id:
        """What its row is found by."""
        return link_id(self.address)


@dataclass(frozen=True, slots=True, repr=False)
class OpenedLink(Unprintable):
    """A link in the middle of a request: its grant and its key, opened."""

    link_id: Id
    flags: str
    created: datetime
    grant: GrantKeyring
    key: bytes
    opening: bytes

    @property
    def token(self) -> bytes:
        """The 32 octets of the link's one access token: the same each time, so none needs to be kept."""
        return derive.link_token(self.opening)

    def reader_id(self, name: str) -> Id:
        """What whoever opens the link under this name is known by; nobody without the link can try names on it."""
        return Id(derive.link_reader(self.opening, name))


def link_id(address: bytes) -> Id:
    """What the row of a link is found by, from the 32 octets of its address."""
    return Id(derive.token_id(address, "shl"))


# --- making, and showing again ---------------------------------------------------------------------------------------


def add_health_link(work: Work, owner: VaultKeyring, grant: GrantKeyring, link: HealthLink) -> OpenedLink:
    """Whoever has the link (and its passcode) opens the grant through it until the grant ends; the owner sees it again.

    Raises `Expired` for a grant that has ended.
    """
    hold_grant(work, grant.grant_id)
    salt, stretched = None, b""
    if link.passcode:
        salt = os.urandom(16)
        stretched = stretch_passcode(link.passcode, salt=salt, pepper=work.secrets.pepper, link_id=link.id)
    opening = derive.link_opening(link.address, stretched)
    kept = {"a": link.address.hex(), "k": link.key.hex(), "f": link.flags, "l": link.label, "p": link.passcode}
    row = HealthLinkRow(
        id=link.id,
        grant=grant.grant_id,
        flags=link.flags,
        owner_ct=wrap(owner.library_key, canonical_json(kept).encode(), "shl", owner.vault_id, link.id),
        grant_ct=grant.wrap_key_under(opening, grant.grant_id, link.id, "shl"),
        key_ct=wrap(opening, link.key, "shl-key", link.id),
        commitment=derive.link_commitment(opening),
        salt=salt,
        pepper_id=work.secrets.pepper_id if link.passcode else None,
        kdf_id=INDEX if link.passcode else None,
        tries_left=TRIES if link.passcode else None,
        created=work.now,
    )
    row.row_mac = _mac(work, row)
    work.session.add(row)
    work.session.flush()
    return _opened(row, opening)


def link_of_grant(work: Work, owner: VaultKeyring, grant_id: bytes) -> HealthLink:
    """The link that its patient made over this grant. Raises `NotThere` once it is dead."""
    row = work.session.scalar(sa.select(HealthLinkRow).where(HealthLinkRow.grant == grant_id))
    if row is None or not _is_alive(work, row):
        raise NotThere
    kept = json.loads(unwrap(owner.library_key, row.owner_ct, "shl", owner.vault_id, row.id))
    return HealthLink(bytes.fromhex(kept["a"]), bytes.fromhex(kept["k"]), kept["f"], kept["l"], kept["p"])


# --- opening ---------------------------------------------------------------------------------------------------------


def flags_at(work: Work, address: bytes) -> str:
    """The letters of a live link. Raises `NotThere` for one that is unknown, ended, run out or guessed at too often."""
    return _alive(work, link_id(address)).flags


def grant_of(work: Work, address: bytes) -> Id:
    """The grant of a link, dead or alive. Raises `NotThere` where there is no row of it any more."""
    return Id(_believed(work, link_id(address)).grant)


def open_link(services: Services, address: bytes, passcode: str) -> OpenedLink:
    """The link, opened. A try with a passcode is counted before it is looked at, and given back if it was right.

    Raises `NotThere` as `flags_at` does, `WrongPasscode` with the tries left, `Busy` of `vault.sealing`.
    """
    wanted = link_id(address)
    with services.reading() as work:
        row = _alive(work, wanted)
        left, salt, pepper_id, profile = row.tries_left, row.salt, row.pepper_id, row.kdf_id
    stretched = b""
    if left is not None:
        if not passcode:
            raise WrongPasscode(left)  # nothing was guessed
        left = _count(services, wanted, -1)
        pepper = services.secrets.peppers.get(pepper_id or 0, bytes(32))
        try:
            stretched = stretch_passcode(
                passcode[:256], salt=salt or bytes(16), pepper=pepper, link_id=wanted, profile=profile or INDEX
            )
        except Busy:
            _count(services, wanted, +1)  # nothing was looked at, and five crowded moments must not end a link
            raise
    opening = derive.link_opening(address, stretched)
    with services.reading() as work:
        # Not asked whether tries are left: the last of them is this one.
        row = _believed(work, wanted)
        live_or_gone(work, row.grant)
        right = compare_digest(row.commitment, derive.link_commitment(opening))
        opened = _opened(row, opening) if right else None
    if opened is None:
        raise NotThere if left is None else WrongPasscode(left)
    if left is not None:
        _count(services, wanted, +1)
    return opened


def live_or_gone(work: Work, grant_id: bytes) -> None:
    """Raise `NotThere` unless the grant opens something now: why is nobody's business who holds a dead link."""
    try:
        live_grant(work, grant_id)
    except Expired:
        raise NotThere from None


# --- files fetched apart ---------------------------------------------------------------------------------------------


def add_file(work: Work, opened: OpenedLink, what: str, *, seconds: int) -> bytes:
    """An address of its own for one file of the link, good once and for so long; answers its 32 octets."""
    secret = os.urandom(32)
    row_id = derive.token_id(secret, "shl-file")
    ct = wrap(derive.token_key(secret, "shl-file"), opened.opening, "shl-file", opened.link_id, row_id, what)
    expires = work.now + timedelta(seconds=seconds)
    work.session.add(HealthFileRow(id=row_id, link=opened.link_id, what=what, ct=ct, expires=expires))
    work.session.flush()
    return secret


def open_file(work: Work, secret: bytes) -> tuple[OpenedLink, str]:
    """The link behind a file's address, and which file.

    Raises `NotThere` where it was fetched before, is too old, or its link is dead.
    """
    row_id = derive.token_id(secret, "shl-file")
    row = work.session.get(HealthFileRow, row_id)
    if row is None or work.now >= row.expires:
        raise NotThere
    link = _alive(work, row.link)
    opening = unwrap(derive.token_key(secret, "shl-file"), row.ct, "shl-file", row.link, row_id, row.what)
    return _opened(link, opening), row.what


def spend_file(work: Work, secret: bytes) -> None:
    """The address is used up. Raises `NotThere` for whoever comes second."""
    spent = sa.delete(HealthFileRow).where(HealthFileRow.id == derive.token_id(secret, "shl-file"))
    if changed_rows(work.session, spent) != 1:
        raise NotThere


# --- rows ------------------------------------------------------------------------------------------------------------


def _opened(row: HealthLinkRow, opening: bytes) -> OpenedLink:
    grant_key = unwrap(opening, row.grant_ct, "holder", row.grant, row.id, "shl")
    key = unwrap(opening, row.key_ct, "shl-key", row.id)
    return OpenedLink(Id(row.id), row.flags, row.created, GrantKeyring(row.grant, grant_key), key, opening)


def _alive(work: Work, wanted: bytes) -> HealthLinkRow:
    row = _believed(work, wanted)
    if not _is_alive(work, row):
        raise NotThere
    return row


def _is_alive(work: Work, row: HealthLinkRow) -> bool:
    if row.tries_left == 0:
        return False
    try:
        live_or_gone(work, row.grant)
    except NotThere:
        return False
    return True


def _believed(work: Work, wanted: bytes, *, lock: bool = False) -> HealthLinkRow:
    row = work.session.get(HealthLinkRow, wanted, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise NotThere
    check_row_mac(work, row.row_mac, "healthlink", row.id, *_fields(row))
    return row


def _count(services: Services, wanted: bytes, change: int) -> int:
    """The tries left once this one is counted or given back, committed. Raises `NotThere` where none is left."""
    with services.work() as work:
        row = _believed(work, wanted, lock=True)
        left = (row.tries_left or 0) + change
        if left < 0:
            raise NotThere
        row.tries_left = min(TRIES, left)
        row.row_mac = _mac(work, row)
        return left


def _mac(work: Work, row: HealthLinkRow) -> bytes:
    return row_mac(work, "healthlink", row.id, *_fields(row))


def _fields(row: HealthLinkRow) -> tuple[bytes | str | int, ...]:
    """What the row's MAC covers: else whoever writes rows gives a guesser more tries, or a link another grant."""
    sealed = sha256(row.owner_ct + row.grant_ct + row.key_ct).digest()
    tries = 0 if row.tries_left is None else 1 + row.tries_left
    return (row.grant, row.flags, tries, row.salt or b"", row.commitment, sealed)
