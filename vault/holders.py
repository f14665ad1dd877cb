"""Who can open a grant for long: its owner, a registered provider, whoever has its printed share code."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest

import sqlalchemy as sa

from vault import attempts
from vault.attempts import Limit, Try
from vault.database import Services, Work
from vault.errors import BrokenRecord, CodeSpent, Expired, NotThere, WrongSecret
from vault.ids import Id, new_id
from vault.keyring import GrantKeyring, VaultKeyring
from vault.limits import hold_grant, live_grant, vault_row
from vault.sealing import derive
from vault.sealing.codes import ShareCode
from vault.sealing.slow import INDEX, stretch_share_code
from vault.sealing.suite import open_sealed, unwrap
from vault.tables_sharing import HolderRow

CODE_PROFILE = INDEX

_NO_COMMITMENT = bytes(16)  # which no code derives


def add_owner(work: Work, grant: GrantKeyring, owner: VaultKeyring) -> None:
    """The patient who gave the grant can open it again later."""
    holder = new_id()
    ct = grant.wrap_key_under(owner.library_key, grant.grant_id, holder, "owner")
    _add_holder(work, grant, holder, kind="owner", ref=owner.vault_id, ct=ct, expires=None)


def owner_opens(work: Work, owner: VaultKeyring, grant_id: bytes) -> GrantKeyring:
    """The grant, opened by the patient who gave it. Raises `NotThere`."""
    row = _holder(work, grant_id, "owner", owner.vault_id)
    return GrantKeyring(grant_id, unwrap(owner.library_key, row.ct, "holder", grant_id, row.id, "owner"))


def add_share_code(work: Work, grant: GrantKeyring, *, expires: datetime | None) -> ShareCode:
    """A printed code that opens the grant once. It is returned here and can never be read again."""
    code = ShareCode.new(_free_locator(work))
    holder, salt = new_id(), os.urandom(16)
    stretched = stretch_share_code(code.secret, "", salt=salt, pepper=work.secrets.pepper, holder_id=holder)
    row = _add_holder(
        work,
        grant,
        holder,
        kind="share",
        ref=None,
        ct=grant.wrap_key_under(derive.code_key(stretched), grant.grant_id, holder, "share"),
        expires=expires,
    )
    row.uses_left, row.locator, row.salt = 1, code.locator, salt
    row.pepper_id, row.kdf_id = work.secrets.pepper_id, CODE_PROFILE
    row.commitment = derive.code_commitment(stretched)
    work.session.flush()
    return code


@dataclass(frozen=True, slots=True)
class _Printed:
    """A share code's row as a code is tried on it; for an unknown locator, one that nothing opens."""

    holder_id: bytes
    grant_id: bytes
    salt: bytes
    profile: int
    pepper: bytes = field(repr=False)
    commitment: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProvedCode:
    """A share code that was found to be right, and is not spent yet."""

    _printed: "_Printed" = field(repr=False)
    _key: bytes = field(repr=False)

    def spend(self, work: Work) -> GrantKeyring:
        """The grant, opened; the code is spent with the caller's transaction: all it gives is given, or none.

        Raises `CodeSpent` when it was used before, `Expired` when it or its sharing is over.
        """
        return _spend(work, self._printed, self._key)


def redeem_code(services: Services, code: ShareCode, *, source: str) -> GrantKeyring:
    """Open a grant with its share code, which is spent by this. Raises what both halves raise."""
    proved = prove_code(services, code, source=source)
    with services.work() as work:
        return proved.spend(work)


def prove_code(services: Services, code: ShareCode, *, source: str) -> ProvedCode:
    """Find out whether a code is right, which is slow and needs no transaction. Ten wrong guesses spend it.

    Raises `WrongSecret` for a code that opens nothing, `Wait` after too many tries, `Busy` of `vault.sealing`. An
    unknown code costs the same work as a wrong one.
    """
    locator = code.locator.to_bytes(4, "big")
    tries: tuple[Try, ...] = ((Limit.CODE_SOURCE, source), (Limit.CODE_GUESS, locator))
    left = attempts.spend_all(services, *tries)
    printed = _find_code(services, code.locator, locator)
    stretched = stretch_share_code(
        code.secret,
        "",
        salt=printed.salt,
        pepper=printed.pepper,
        holder_id=printed.holder_id,
        profile=printed.profile,
    )
    if not compare_digest(printed.commitment, derive.code_commitment(stretched)):
        if left[Limit.CODE_GUESS] == 0:
            _use_up(services, printed.holder_id)
        raise WrongSecret
    attempts.credit_all(services, *tries)
    return ProvedCode(printed, derive.code_key(stretched))


def _find_code(services: Services, locator: int, octets: bytes) -> _Printed:
    with services.reading() as work:
        row = work.session.scalar(sa.select(HolderRow).where(HolderRow.locator == locator))
    secrets = services.secrets
    pepper = None if row is None else secrets.peppers.get(row.pepper_id or 0)
    if row is None or pepper is None or row.salt is None or row.commitment is None:
        salt = derive.dummy_salt(secrets.index_key, octets)
        return _Printed(bytes(16), bytes(16), salt, CODE_PROFILE, secrets.pepper, _NO_COMMITMENT)
    return _Printed(row.id, row.grant, row.salt, row.kdf_id or CODE_PROFILE, pepper, row.commitment)


def _use_up(services: Services, holder_id: bytes) -> None:
    with services.work() as work:
        guessed = sa.update(HolderRow).where(HolderRow.id == holder_id, HolderRow.kind == "share")
        work.session.execute(guessed.values(uses_left=0, ct=b""))


def _spend(work: Work, printed: _Printed, key: bytes) -> GrantKeyring:
    hold_grant(work, printed.grant_id)
    row = work.session.get(HolderRow, printed.holder_id, with_for_update=True, populate_existing=True)
    if row is None or not row.uses_left:
        raise CodeSpent
    _check_time(work, row)
    grant = GrantKeyring(row.grant, unwrap(key, row.ct, "holder", row.grant, row.id, "share"))
    row.uses_left -= 1
    if row.uses_left == 0:
        row.ct = b""
    work.session.flush()
    return grant


def add_provider(work: Work, grant: GrantKeyring, provider_vault: bytes, *, expires: datetime | None) -> Id:
    """Let a registered provider open the grant with the provider's own vault. Raises `NotThere`, `BrokenRecord`."""
    provider, holder = vault_row(work, provider_vault), new_id()
    ct = grant.seal_key_to(provider.vpk, grant.grant_id, holder, "provider")
    _add_holder(work, grant, holder, kind="provider", ref=provider_vault, ct=ct, expires=expires)
    return holder


def provider_opens(work: Work, provider: VaultKeyring, grant_id: bytes) -> GrantKeyring:
    """A grant given to this provider.

    Raises `NotThere`, `Expired` when it has ended or run out, `BrokenRecord` when it was not the patient's server that
    sealed it.
    """
    row = _holder(work, grant_id, "provider", provider.vault_id)
    public = live_grant(work, grant_id).gpk
    _check_time(work, row)
    grant = GrantKeyring(grant_id, open_sealed(provider.pair, row.ct, "holder", grant_id, row.id, "provider"))
    if not grant.pair.matches(public):  # a seal names no sender: anyone who writes rows could have made this one
        raise BrokenRecord("holder")
    return grant


def grants_given_to(work: Work, provider_vault: bytes) -> list[Id]:
    """The grants a provider's vault can open, newest first; ended ones have no holder left and are not among them."""
    found = (
        sa.select(HolderRow.grant)
        .where(HolderRow.kind == "provider", HolderRow.ref == provider_vault)
        .order_by(HolderRow.created.desc())
    )
    return [Id(grant) for grant in work.session.scalars(found)]


def _add_holder(
    work: Work, grant: GrantKeyring, holder: Id, *, kind: str, ref: bytes | None, ct: bytes, expires: datetime | None
) -> HolderRow:
    ends = hold_grant(work, grant.grant_id).expires
    row = HolderRow(
        id=holder,
        grant=grant.grant_id,
        kind=kind,
        ref=ref,
        ct=ct,
        expires=min((moment for moment in (expires, ends) if moment is not None), default=None),
        created=work.now,
    )
    work.session.add(row)
    work.session.flush()
    return row


def _check_time(work: Work, row: HolderRow) -> None:
    if row.expires is not None and work.now >= row.expires:
        raise Expired


def _holder(work: Work, grant_id: bytes, kind: str, ref: bytes) -> HolderRow:
    row = work.session.scalar(
        sa.select(HolderRow)
        .where(HolderRow.grant == grant_id, HolderRow.kind == kind, HolderRow.ref == ref)
        .order_by(HolderRow.created.desc(), HolderRow.id)
    )
    if row is None:
        raise NotThere
    return row


def _free_locator(work: Work) -> int:
    while True:
        locator = int.from_bytes(os.urandom(3), "big") & 0xFFFFF
        if work.session.scalar(sa.select(HolderRow.id).where(HolderRow.locator == locator)) is None:
            return locator
