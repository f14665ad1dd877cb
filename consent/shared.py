"""What a patient sees of what they gave, and a provider of what they were given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from consent import clients, tokens
from consent.access import Access
from consent.decisions import For, row_of, rows_of
from consent.scopes import Scopes
from consent.sees import Sees, sees
from consent.tables import GrantRow
from vault import sharing
from vault.database import Work
from vault.errors import NotThere
from vault.ids import Id
from vault.keyring import VaultKeyring
from vault.limits import GrantBounds, GrantLimits


class Stage(StrEnum):
    """How far a sharing has come, in the order in which it goes."""

    SENT = "sent"
    OPENED = "opened"
    SAVED = "saved"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Shared:
    """One sharing, as the patient who gave it sees it.

    `who` is what the redeemer said, else the app's name, else the patient's own words; "" for a code that nobody has
    typed yet. `waits` is true for such a code. `sees` is what an app was let in to.
    """

    grant_id: Id
    kind: For
    who: str
    clinic: str
    label: str
    limits: GrantLimits
    created: datetime
    until: datetime | None
    waits: bool
    redeemed_by: str | None
    first_opened: datetime | None
    last_opened: datetime | None
    opens: int
    saved_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    sees: Sees | None

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        if self.ended_at is not None:
            return Stage.ENDED
        if self.saved_at is not None:
            return Stage.SAVED
        return Stage.SENT if self.first_opened is None else Stage.OPENED


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One sharing, as the provider it was given to sees it. `access` opens its studies."""

    grant_id: Id
    access: Access
    limits: GrantBounds
    given: datetime
    until: datetime | None
    first_opened: datetime | None
    last_opened: datetime | None
    saved_at: datetime | None


def live_for(work: Work, access: Access) -> list[Shared]:
    """Who can see something of this patient's now, newest first."""
    return [one for one in _all_of(work, access) if one.ended_at is None]


def history_of(work: Work, access: Access) -> list[Shared]:
    """What the patient gave and what has ended since, newest first."""
    return [one for one in _all_of(work, access) if one.ended_at is not None]


def shared(work: Work, access: Access, grant_id: bytes) -> Shared:
    """One sharing of this patient's, live or ended. Raises `NotThere`."""
    own = access.check_can_give()
    row, limits = row_of(work, grant_id), sharing.whole_limits(work, grant_id)
    if not own.vault_id == row.vault == limits.vault_id:
        raise NotThere
    label = own.field(work, "label", subject=grant_id)
    apps = clients.names_of(work, [] if row.client is None else [row.client])
    return _seen(work, own, row, limits, {grant_id: label or ""}, apps)


def names_for(work: Work, access: Access) -> dict[bytes, str]:
    """What to call whoever acted through each grant, for the patient's history: grant to name."""
    return {bytes(one.grant_id): one.who for one in _all_of(work, access)}


def inbox(work: Work, access: Access) -> list[InboxRow]:
    """What this provider was given and can still see, newest first."""
    found: list[InboxRow] = []
    for one in access.each:
        row = None if one.grant is None else work.session.get(GrantRow, one.grant.grant_id)
        if row is None or one.grant is None or one.actor.kind != "provider":
            continue
        found.append(
            InboxRow(
                grant_id=one.grant.grant_id,
                access=one,
                limits=one.grant,
                given=row.redeemed_at or row.created,
                until=one.grant.expires,
                first_opened=row.first_opened,
                last_opened=row.last_opened,
                saved_at=row.saved_at,
            )
        )
    return found


def ended_of(work: Work, grant_ids: Sequence[Id]) -> dict[Id, datetime]:
    """When each of these sharings ended, for whoever they had been given to; those that go on are left out."""
    rows = work.session.execute(sa.select(GrantRow.id, GrantRow.ended_at).where(GrantRow.id.in_(grant_ids)))
    return {Id(grant_id): ended for grant_id, ended in rows if ended is not None}


def _all_of(work: Work, access: Access) -> list[Shared]:
    own = access.check_can_give()
    rows = {row.id: row for row in rows_of(work, own.vault_id)}
    labels = own.fields(work, "label")
    apps = clients.names_of(work, [row.client for row in rows.values() if row.client is not None])
    return [
        _seen(work, own, rows[limits.grant_id], limits, labels, apps)
        for limits in sharing.grants_of(work, own.vault_id)
        if limits.grant_id in rows
    ]


def _seen(
    work: Work,
    own: VaultKeyring,
    row: GrantRow,
    limits: GrantLimits,
    labels: dict[bytes, str],
    apps: dict[bytes, str],
) -> Shared:
    name, clinic = _redeemer(own, row)
    label = labels.get(row.id, "")
    ended_at, ended_by = _end_of(work, row, limits)
    return Shared(
        grant_id=Id(row.id),
        kind=For(row.kind),
        who=name or apps.get(row.client or b"", "") or label,
        clinic=clinic,
        label=label,
        limits=limits,
        created=row.created,
        until=limits.expires,
        waits=row.kind == For.CODE and row.redeemed_at is None and ended_at is None,
        redeemed_by=row.redeemed_by,
        first_opened=row.first_opened,
        last_opened=row.last_opened,
        opens=row.opens,
        saved_at=row.saved_at,
        ended_at=ended_at,
        ended_by=ended_by,
        sees=sees(Scopes.asked(row.scope)) if row.kind == For.APP else None,
    )


def _redeemer(own: VaultKeyring, row: GrantRow) -> tuple[str, str]:
    if row.redeemer is None:
        return "", ""
    name, clinic = json.loads(sharing.open_note(own, about=row.id, ct=row.redeemer))
    return str(name), str(clinic)


def _end_of(work: Work, row: GrantRow, limits: GrantLimits) -> tuple[datetime | None, str | None]:
    """When it ended and by whom; an app whose last token has run out can see nothing either."""
    if limits.expires is not None and row.ended_by in {None, "time"} and work.now >= limits.expires:
        return limits.expires, "time"
    if limits.ended is not None:
        return limits.ended, row.ended_by or "patient"
    if row.kind == For.APP and not tokens.is_alive(work, row.id):
        return tokens.last_end(work, row.id) or row.created, "time"
    return None, None
