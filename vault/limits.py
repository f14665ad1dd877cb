"""What a grant gives and until when, as its rows say it (docs/format.md 8)."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from vault.database import Work
from vault.errors import BrokenRecord, Expired, NotThere
from vault.ids import Id
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import KeyClass, Owner, OwnerKind, canonical_json, check_row_mac, classes_from, row_mac
from vault.sealing import derive
from vault.sealing.suite import verify_signature
from vault.tables import EPOCH, ScopeRow, StudyRow, VaultRow
from vault.tables_sharing import GrantOwnerRow, GrantStudyRow, HolderRow

BITS = {KeyClass.META: 1, KeyClass.PICTURES: 2, KeyClass.REPORTS: 4}
VIEW_ONLY, STANDING = 1, 2


def _given(wanted: Found) -> Found:
    grant, holder = table_of(GrantOwnerRow), table_of(HolderRow)
    mine = (holder.c.kind == "provider", holder.c.ref == octets("provider"))
    given = holder.join(grant, grant.c.id == holder.c.grant)
    return wanted.select_from(given).where(*mine).order_by(holder.c.created.desc())


BOUNDS = Part(GrantOwnerRow, without={"statement", "signature"})  # which name every study
_GIVEN = Joined(BOUNDS, found=_given)


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule for what arrives later. None means any."""

    site_ids: tuple[bytes, ...] | None = None
    modalities: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What is given: these studies, these classes, until then."""

    study_ids: tuple[bytes, ...]
    classes: frozenset[KeyClass]
    view_only: bool
    standing: Standing | None
    not_before: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class GrantBounds:
    """A grant as it stands in the database, but for the studies it names: there may be thousands of them."""

    grant_id: Id
    vault_id: Id
    classes: frozenset[KeyClass]
    view_only: bool
    standing: Standing | None
    not_before: datetime
    expires: datetime | None
    created: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class GrantLimits(GrantBounds):
    """A grant as it stands in the database, with the studies it names."""

    study_ids: tuple[bytes, ...]


def limits(work: Work, grant_id: bytes) -> GrantBounds:
    """The grant as it stands, live or not. Raises `NotThere`; `BrokenRecord` for a row this server did not write."""
    return GrantBounds(**_bounds_in(_grant_row(work, grant_id, lock=None)))


def whole_limits(work: Work, grant_id: bytes) -> GrantLimits:
    """The same with its studies. Raises `NotThere`; `BrokenRecord`, also where somebody else named a study of it."""
    return limits_of(work, _grant_row(work, grant_id, lock=None))


def check_live(work: Work, grant_id: bytes) -> GrantBounds:
    """What the grant gives; raises `Expired` unless it opens something now."""
    return GrantBounds(**_bounds_in(live_grant(work, grant_id)))


def live_grant(work: Work, grant_id: bytes) -> GrantOwnerRow:
    """The row of a grant that opens something now. Raises `Expired`, `NotThere`, `BrokenRecord`."""
    row = _grant_row(work, grant_id, lock=None)
    if _is_over(row, work.now) or work.now < row.not_before:
        raise Expired
    return row


def bounds_of_live(work: Work, row: GrantOwnerRow | None) -> GrantBounds:
    """What a grant gives of which the row was just found. Raises as `check_live`."""
    if row is None:
        raise NotThere
    if _is_over(_believed(work, row), work.now) or work.now < row.not_before:
        raise Expired
    return GrantBounds(**_bounds_in(row))


def live_given_to(work: Work, provider_vault: bytes) -> list[GrantBounds]:
    """What each grant gives that a provider's vault can open now, the one given last first. Raises `BrokenRecord`.

    One that has ended has no holder left; one whose time has run out, or has not come, is left out.
    """
    live = list[GrantBounds]()
    for (row,) in _GIVEN.rows(work, provider=provider_vault):
        with suppress(Expired):
            live.append(bounds_of_live(work, row))
    return live


def hold_grant(work: Work, grant_id: bytes) -> GrantOwnerRow:
    """The row of a grant that has not ended, and cannot end before this transaction does.

    Whoever adds a holder or a key asks here first, or it would be left behind by an end in the same moment. Raises
    `Expired`, `NotThere`, `BrokenRecord`.
    """
    row = _grant_row(work, grant_id, lock={"read": True})
    if _is_over(row, work.now):
        raise Expired
    return row


def hold_grants(work: Work, vault_id: bytes) -> list[GrantOwnerRow]:
    """The vault's grants that have not ended, held like `hold_grant`'s, and signed by the vault's owner.

    Raises `BrokenRecord` or `Tampered` where a row is not what this server wrote and the owner signed.
    """
    live = sa.select(GrantOwnerRow).where(GrantOwnerRow.vault == vault_id, GrantOwnerRow.status == "live")
    held = live.order_by(GrantOwnerRow.id).with_for_update(read=True).execution_options(populate_existing=True)
    rows = [row for row in work.session.scalars(held) if not _is_over(row, work.now)]
    if rows:
        vault = vault_row(work, vault_id)
        for row in rows:
            check_grant(work, row, vault)
    return rows


def grants_of(work: Work, vault_id: bytes) -> list[GrantLimits]:
    """Every grant this vault ever gave, newest first. Raises `BrokenRecord`."""
    rows = work.session.scalars(
        sa.select(GrantOwnerRow).where(GrantOwnerRow.vault == vault_id).order_by(GrantOwnerRow.created.desc())
    )
    return [limits_of(work, _believed(work, row)) for row in rows]


def check_grant(work: Work, row: GrantOwnerRow, vault: VaultRow) -> None:
    """Raise `BrokenRecord` or `Tampered` unless this server wrote the grant's row and the patient signed just that."""
    _believed(work, row)
    verify_signature(vault.sig_pk, derive.grant_statement(row.vault, row.statement.encode()), row.signature)
    signed = json.loads(row.statement)
    if signed != statement_of(row, signed["studies"]):  # else a statement signed for another grant would do
        raise BrokenRecord("grant")


def statement_of(row: GrantOwnerRow, studies: Sequence[str]) -> dict[str, str | int | Sequence[str] | None]:
    """What the patient signs of a grant; `studies` in hexadecimal digits, those named when it was made."""
    return {
        "grant": row.id.hex(),
        "gpk": sha256(row.gpk).hexdigest(),
        "studies": studies,
        "classes": row.classes,
        "flags": row.flags,
        "rules": row.rules,
        "expires": micros(row.expires),
    }


def vault_row(work: Work, vault_id: bytes) -> VaultRow:
    """The vault's row, believed only with its MAC. Raises `NotThere`, `BrokenRecord`."""
    row = work.session.get(VaultRow, vault_id)
    if row is None:
        raise NotThere
    check_row_mac(work, row.row_mac, "vault", row.id, row.vpk, row.sig_pk)
    return row


def owner_of_study(work: Work, study_id: bytes) -> Owner:
    """Who owns a study now. Raises `NotThere`; `BrokenRecord` for a scope that somebody else moved."""
    scope = sa.select(ScopeRow).join(StudyRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id == study_id)
    row = work.session.scalar(scope.execution_options(populate_existing=True))
    if row is None:
        raise NotThere
    check_row_mac(work, row.row_mac, "scope", row.id, row.owner_kind, row.owner)
    return Owner(OwnerKind(row.owner_kind), Id(row.owner))


def name_study(work: Work, grant_id: bytes, study_id: bytes) -> None:
    """The grant names this study from now on."""
    mac = row_mac(work, "grantstudy", grant_id, study_id)
    work.session.add(GrantStudyRow(grant=grant_id, study=study_id, row_mac=mac))
    work.session.flush()


def limits_of(work: Work, row: GrantOwnerRow) -> GrantLimits:
    """A grant's row in our own words. Raises `BrokenRecord` where somebody else named a study of it."""
    named = sa.select(GrantStudyRow).where(GrantStudyRow.grant == row.id)
    studies = list(work.session.scalars(named))
    for study in studies:
        check_row_mac(work, study.row_mac, "grantstudy", row.id, study.study)
    return GrantLimits(**_bounds_in(row), study_ids=tuple(study.study for study in studies))


def _bounds_in(row: GrantOwnerRow) -> dict[str, Any]:
    return {
        "grant_id": Id(row.id),
        "vault_id": Id(row.vault),
        "classes": frozenset(classes_from(row.classes)),
        "view_only": bool(row.flags & VIEW_ONLY),
        "standing": standing_of(row.rules),
        "not_before": row.not_before,
        "expires": row.expires,
        "created": row.created,
        "ended": row.ended,
    }


def _grant_row(work: Work, grant_id: bytes, *, lock: dict[str, bool] | None) -> GrantOwnerRow:
    row = work.session.get(GrantOwnerRow, grant_id, with_for_update=lock, populate_existing=lock is not None)
    if row is None:
        raise NotThere
    return _believed(work, row)


def _believed(work: Work, row: GrantOwnerRow) -> GrantOwnerRow:
    check_row_mac(work, row.row_mac, "grant", row.id, *grant_fields(row))
    return row


def _is_over(row: GrantOwnerRow, now: datetime) -> bool:
    return row.status != "live" or (row.expires is not None and now >= row.expires)


def grant_fields(row: GrantOwnerRow) -> tuple[bytes | str | int, ...]:
    """What a grant's row MAC covers, in order."""
    return (
        row.vault,
        row.gpk,
        row.classes,
        row.flags,
        micros(row.not_before),
        micros(row.expires),
        row.rules or "",
    )


def micros(moment: datetime | None) -> int:
    """Microseconds since 1970; 0 for never."""
    return 0 if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def rules_text(rule: Standing | None) -> str | None:
    """A standing rule as its row keeps it."""
    if rule is None:
        return None
    sites = None if rule.site_ids is None else sorted(site.hex() for site in rule.site_ids)
    kinds = None if rule.modalities is None else sorted(rule.modalities)
    return canonical_json({"sites": sites, "modalities": kinds})


def standing_of(text: str | None) -> Standing | None:
    """The reverse."""
    if text is None:
        return None
    rule = json.loads(text)
    return Standing(
        site_ids=None if rule["sites"] is None else tuple(bytes.fromhex(site) for site in rule["sites"]),
        modalities=None if rule["modalities"] is None else tuple(rule["modalities"]),
    )
