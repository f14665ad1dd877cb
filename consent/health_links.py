"""SMART Health Links as the patient's decisions: made, shown again, opened by whoever has one (SMART Health Links 1.0).

A link is a grant with a way in of its own. Everybody who opens it says who they are, which the patient sees; its one
access token lives as long as the link and dies with it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from consent import grants, sessions, tokens
from consent.access import Access
from consent.cookies import Cookie
from consent.decisions import LONGEST_WORDS, For
from consent.errors import NotYours
from consent.grants import Offer
from consent.guests import begin_guest
from consent.receipts import count_opening
from consent.tables import LinkReaderRow, TokenRow
from consent.tokens import Bearer, Kind, Line
from vault import audit, health_links, openers, sharing
from vault.attempts import Limit, within
from vault.audit import Actor, Did
from vault.database import Services, Work
from vault.errors import NotThere, WrongPasscode
from vault.health_links import HealthLink, OpenedLink
from vault.ids import Id
from vault.keyring import GrantKeyring, KeyClass, Owner, OwnerKind
from vault.limits import GrantBounds
from vault.rows import insert_unless_there

FILE_SECONDS = 3600
UNTIL_STOPPED = timedelta(days=3650)  # how long a token is good for where the link has no end of its own
MOST_READERS = 100  # names the patient is told; whoever comes after them counts without a name
ONE_OPENING = 900  # seconds in which the same reader counts once


@dataclass(frozen=True, slots=True)
class LinkReader:
    """What somebody who opens a link says: who they are, and the passcode where there is one."""

    recipient: str
    passcode: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """A link in the middle of a request: its keys, and what may be seen through it."""

    link: OpenedLink
    access: Access
    limits: GrantBounds

    @property
    def has_pictures(self) -> bool:
        """Whether pictures can be looked at, with the link's token; else it is reports alone."""
        return KeyClass.PICTURES in self.limits.classes

    @property
    def bearer(self) -> Bearer:
        """The link's token."""
        return Bearer(Kind.LINK, self.link.token)


# --- the patient's side ----------------------------------------------------------------------------------------------


def give_link(work: Work, access: Access, offer: Offer, link: HealthLink) -> Id:
    """The link opens what is offered, from now until the grant ends. Raises what `grants.give` raises."""
    given = grants.give(work, access, replace(offer, kind=For.LINK, label=link.label))
    opening = _opening(work, health_links.add_health_link(work, access.own_vault(), given.keyring, link))
    if opening.has_pictures:
        _add_token(work, opening)
    return given.grant_id


def link_again(work: Work, access: Access, grant_id: bytes) -> HealthLink:
    """The link, for the patient who made it. Raises `NotThere` for anyone else's, and once it is dead."""
    own = access.check_can_give()
    if sharing.limits(work, grant_id).vault_id != own.vault_id:
        raise NotThere
    return health_links.link_of_grant(work, own, grant_id)


def readers_of(work: Work, access: Access) -> Mapping[bytes, str]:
    """What those who opened the patient's links called themselves, by the identifier that events name."""
    own = access.check_can_give()
    rows = sa.select(LinkReaderRow).where(
        LinkReaderRow.grant.in_([one.grant_id for one in sharing.grants_of(work, own.vault_id)])
    )
    return {row.id: sharing.open_note(own, about=row.id, ct=row.ct) for row in work.session.scalars(rows)}


# --- whoever has it --------------------------------------------------------------------------------------------------


def flags_of(services: Services, address: bytes) -> str:
    """The letters of a live link; asking counts. Raises `NotThere`, and `Wait` for who asks too often."""
    with services.reading() as work:
        flags = health_links.flags_at(work, address)
    within(services, Limit.HEALTH_LINK, health_links.link_id(address))
    return flags


def open_for(services: Services, address: bytes, reader: LinkReader) -> Opening:
    """The link, opened for somebody whose name the patient now finds in their history.

    Raises `NotThere` for a link that is unknown or dead, `WrongPasscode`. The last wrong passcode ends the grant.
    """
    try:
        opened = health_links.open_link(services, address, reader.passcode)
    except WrongPasscode as wrong:
        if reader.passcode:
            _note_guess(services, address, wrong.tries_left)
        raise
    with services.work() as work:
        opening = _opening(work, opened)
        if opening.has_pictures and not openers.has_token_holder(work, opening.bearer.id):
            _add_token(work, opening)  # a backup leaves openers out
        _note_reader(work, opening, reader.recipient)
    return opening


def file_opening(work: Work, secret: bytes) -> tuple[Opening, str]:
    """The link behind the address of a file, and which file. Raises `NotThere`."""
    opened, what = health_links.open_file(work, secret)
    return _opening(work, opened), what


def live_token(work: Work, opening: Opening) -> dict[str, Any]:
    """The link's token as a token answer (SMART App Launch 2.2), to be put into the link's file alone."""
    row = work.session.get_one(TokenRow, opening.bearer.id)
    return {
        "access_token": opening.bearer.reveal(),
        "token_type": "Bearer",
        "expires_in": int((row.expires - work.now).total_seconds()),
        "scope": str(opening.access.scopes),
        "patient": opening.limits.vault_id.hex(),
        "need_patient_banner": True,
    }


def begin_visit(work: Work, access: Access) -> Cookie:
    """Whoever has a link's token looks on with our own pages, as a guest. Raises `NotYours` for every other token."""
    grant = access.keyring
    if access.token_id is None or access.actor.kind != "guest" or not isinstance(grant, GrantKeyring):
        raise NotYours("only a health link begins a visit")
    return begin_guest(work, grant)


# --- below -----------------------------------------------------------------------------------------------------------


def _opening(work: Work, opened: OpenedLink) -> Opening:
    health_links.live_or_gone(work, opened.grant.grant_id)
    limits = sharing.limits(work, opened.grant.grant_id)
    actor = Actor("guest", None, opened.grant.grant_id)
    access = sessions.under_grant(actor, limits, opened.grant, session_id=None)
    return Opening(opened, replace(access, token_id=Bearer(Kind.LINK, opened.token).id), limits)


def _add_token(work: Work, opening: Opening) -> None:
    """The link's token opens its grant. It is the same 32 octets whenever it is made."""
    work.session.execute(sa.delete(TokenRow).where(TokenRow.id == opening.bearer.id))
    expires = opening.limits.expires or work.now + UNTIL_STOPPED
    seconds = int((expires - work.now).total_seconds())
    line, scopes = Line.begins(None, opening.link.grant), opening.access.scopes
    tokens.issue(work, Kind.LINK, line, scopes=scopes, seconds=seconds, bearer=opening.bearer)


def _note_reader(work: Work, opening: Opening, recipient: str) -> None:
    """Once in a quarter of an hour for each name; the words themselves are sealed to the patient."""
    grant_id, name = opening.limits.grant_id, " ".join(recipient.split())[:LONGEST_WORDS]
    count_opening(work, grant_id)
    reader_id = opening.link.reader_id(name)
    known = _kept_reader(work, opening, reader_id, name)
    audit.record_once(
        work,
        owner=opening.access.owner,
        did=Did.OPENED,
        by=opening.access.actor,
        to=grant_id,
        key=f"link {(reader_id if known else grant_id).hex()}",
        seconds=ONE_OPENING,
        **({"reader": reader_id.hex()} if known else {}),
    )


def _kept_reader(work: Work, opening: Opening, reader_id: bytes, name: str) -> bool:
    if work.session.get(LinkReaderRow, reader_id) is None:
        grant_id = opening.limits.grant_id
        mine = sa.select(sa.func.count()).select_from(LinkReaderRow).where(LinkReaderRow.grant == grant_id)
        if (work.session.scalar(mine) or 0) >= MOST_READERS:
            return False
        note = sharing.seal_note(work, vault_id=opening.limits.vault_id, about=reader_id, text=name)
        times = {"first": work.now, "last": work.now, "opens": 0}
        insert_unless_there(work.session, LinkReaderRow, id=reader_id, grant=grant_id, ct=note, **times)
    again = sa.update(LinkReaderRow).where(LinkReaderRow.id == reader_id)
    work.session.execute(again.values(last=work.now, opens=LinkReaderRow.opens + 1))
    return True


def _note_guess(services: Services, address: bytes, left: int) -> None:
    # Another guess at the same moment may have been the last, and its end taken the link away.
    with suppress(NotThere), services.work() as work:
        grant_id = health_links.grant_of(work, address)
        owner = Owner(OwnerKind.VAULT, sharing.limits(work, grant_id).vault_id)
        if left == 0:
            grants.end_guessed(work, grant_id)
        audit.record(work, owner=owner, did=Did.PASSCODE_FAILED, by=Actor("guest", None, grant_id), to=grant_id)
