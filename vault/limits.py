"""What a grant gives and until when, as its rows say it (docs/format.md 8)."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from vault.database import Work
from vault.errors import Expired, NotThere
from vault.ids import Id
from vault.keyring import KeyClass, Owner, OwnerKind, canonical_json, check_row_mac, classes_from, row_mac
from vault.sealing import derive
from vault.sealing.suite import verify_signature
from vault.tables import EPOCH, ScopeRow, StudyRow, VaultRow
from vault.tables_sharing import GrantOwnerRow, GrantStudyRow

BITS = {KeyClass.META: 1, KeyClass.PICTURES: 2, KeyClass.REPORTS: 4}
VIEW_ONLY, STANDING = 1, 2


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
class GrantLimits:
    """A grant as it stands in the database."""

    grant_id: Id
    vault_id: Id
    study_ids: tuple[bytes, ...]
    classes: frozenset[KeyClass]
    view_only: bool
    standing: Standing | None
    not_before: datetime
    expires: datetime | None
    created: datetime
    ended: datetime | None


def limits(work: Work, grant_id: bytes) -> GrantLimits:
    """The grant as it stands, live or not. Raises `NotThere`."""
    row = work.session.get(GrantOwnerRow, grant_id)
    if row is None:
        raise NotThere
    return _limits(work, row)


def check_live(work: Work, grant_id: bytes) -> GrantLimits:
    """The grant's limits; raises `Expired` unless it opens something now."""
    found = limits(work, grant_id)
    over = found.expires is not None and work.now >= found.expires
    if found.ended is not None or over or work.now < found.not_before:
        raise Expired
    return found


def grants_of(work: Work, vault_id: bytes) -> list[GrantLimits]:
    """Every grant this vault ever gave, newest first."""
    rows = work.session.scalars(
        sa.select(GrantOwnerRow).where(GrantOwnerRow.vault == vault_id).order_by(GrantOwnerRow.created.desc())
    )
    return [_limits(work, row) for row in rows]


def check_grant(work: Work, row: GrantOwnerRow, vault: VaultRow) -> None:
    """Raise `BrokenRecord` or `Tampered` unless this server wrote the grant's row and the patient signed it."""
    check_row_mac(work, row.row_mac, "grant", row.id, *grant_fields(row))
    verify_signature(vault.sig_pk, derive.grant_statement(row.vault, row.statement.encode()), row.signature)


def vault_row(work: Work, vault_id: bytes) -> VaultRow:
    """The vault's row, believed only with its MAC. Raises `NotThere`, `BrokenRecord`."""
    row = work.session.get(VaultRow, vault_id)
    if row is None:
        raise NotThere
    check_row_mac(work, row.row_mac, "vault", row.id, row.vpk, row.sig_pk)
    return row


def owner_of_study(work: Work, study_id: bytes) -> Owner:
    """Who owns a study now. Raises `NotThere`."""
    row = work.session.scalar(
        sa.select(ScopeRow).join(StudyRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id == study_id)
    )
    if row is None:
        raise NotThere
    return Owner(OwnerKind(row.owner_kind), Id(row.owner))


def name_study(work: Work, grant_id: bytes, study_id: bytes) -> None:
    """The grant names this study from now on."""
    mac = row_mac(work, "grantstudy", grant_id, study_id)
    work.session.add(GrantStudyRow(grant=grant_id, study=study_id, row_mac=mac))
    work.session.flush()


def _limits(work: Work, row: GrantOwnerRow) -> GrantLimits:
    studies = work.session.scalars(sa.select(GrantStudyRow.study).where(GrantStudyRow.grant == row.id))
    return GrantLimits(
        grant_id=Id(row.id),
        vault_id=Id(row.vault),
        study_ids=tuple(studies),
        classes=frozenset(classes_from(row.classes)),
        view_only=bool(row.flags & VIEW_ONLY),
        standing=standing_of(row.rules),
        not_before=row.not_before,
        expires=row.expires,
        created=row.created,
        ended=row.ended,
    )


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
    return 0 if moment is None else int((moment - EPOCH).total_seconds() * 1_000_000)


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
