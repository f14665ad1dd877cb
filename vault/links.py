"""Whose a site's patient number is: links, claims, and where a push belongs (docs/format.md 4.4, 5).

Row MACs checked and made here, in the order of docs/format.md 3: link (bi, dob_check, vault, site, scope); claim
(site, patient_bi, dob_check, scope, cpk); scope (owner kind, owner). A `dob_check` that is absent, since no full birth
date was known, numbers as 256.

A patient at a site has one scope for life, and its row is the lock that pushes, claims and erasures share: whoever
seals to its owner, or changes that owner, holds it until the transaction ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

import sqlalchemy as sa

from vault import audit
from vault.audit import Actor, Did
from vault.database import Work
from vault.errors import AmbiguousPatient, NotThere, WrongBirthDate
from vault.ids import Id, new_id
from vault.journal import Revoked
from vault.keyring import Owner, OwnerKind, VaultKeyring, check_row_mac, row_mac
from vault.patients import SitePatient, identify
from vault.record import lock_vault, write_record
from vault.revocations import note
from vault.tables import ClaimRow, FieldRow, LinkRow, ScopeRow, SiteRow, VaultRow

__all__ = ["Link", "Place", "SitePatient", "identify", "links_of", "place_for", "unlink"]

UNKNOWN_DOB_CHECK: Final = 256


@dataclass(frozen=True, slots=True)
class Place:
    """Where a push belongs: who is sealed to, under which public half, and in which scope it is found."""

    owner: Owner
    scope_id: Id
    public: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A site that sends straight to a vault."""

    id: Id
    site_id: Id
    scope_id: Id
    since: datetime


# -- where a push belongs --------------------------------------------------------------------------


def place_for(work: Work, patient: SitePatient) -> Place:
    """The owner of what is pushed now for this patient; its scope is there, and locked until the transaction ends.

    A live link leads to its vault, else an open claim to itself, else the site keeps it. Raises `AmbiguousPatient`
    where no birth date came and several fit, `WrongBirthDate` where the open claim has another, `BrokenRecord`.
    """
    scope = _find_scope(work, patient) or make_scope(work, patient)
    lock_scope(work, scope.id)
    # While this waited for the lock a claim may have been taken: it is the state behind the lock that counts.
    settled = _find_scope(work, patient)
    if settled is None or settled is not scope:
        return place_for(work, patient)
    return _place_in(work, patient, settled)


def _find_scope(work: Work, patient: SitePatient) -> ScopeRow | None:
    link = find_link(work, patient)
    if link is not None:
        if patient.dob_check is None and _live_claim(work, patient) is not None:
            raise AmbiguousPatient
        return checked_scope(work, link.scope)
    claim = find_open_claim(work, patient)
    return find_waiting_scope(work, patient) if claim is None else checked_scope(work, claim.scope)


def _place_in(work: Work, patient: SitePatient, scope: ScopeRow) -> Place:
    link = find_link(work, patient)
    if link is not None:
        row = work.session.get_one(VaultRow, link.vault, populate_existing=True)
        check_row_mac(work, row.row_mac, "vault", row.id, row.vpk, row.sig_pk)
        return Place(Owner(OwnerKind.VAULT, Id(row.id)), Id(scope.id), row.vpk)
    claim = find_open_claim(work, patient)
    if claim is not None:
        return Place(Owner(OwnerKind.CLAIM, Id(claim.id)), Id(scope.id), claim.cpk)
    site = work.session.get_one(SiteRow, patient.site_id, populate_existing=True)
    check_row_mac(work, site.row_mac, "site", site.id, site.seal_pk)
    move_scope(work, scope, Owner(OwnerKind.SITE, patient.site_id))  # back from a claim that has run out
    if scope.dob_check is None:
        scope.dob_check = patient.dob_check
    return Place(Owner(OwnerKind.SITE, patient.site_id), Id(scope.id), site.seal_pk)


# -- links and claims that fit a patient -----------------------------------------------------------


def find_link(work: Work, patient: SitePatient) -> LinkRow | None:
    """The live link that fits: the same birth check, else the only one where either side has none."""
    found = sa.select(LinkRow).where(LinkRow.bi == patient.bi, LinkRow.state == "live")
    rows = list(work.session.scalars(found.execution_options(populate_existing=True)))
    for row in rows:
        check_row_mac(work, row.row_mac, "link", row.id, *link_fields(row))
    return _fitting(rows, patient.dob_check)


def find_open_claim(work: Work, patient: SitePatient) -> ClaimRow | None:
    """The claim that is open and has time left. Raises `WrongBirthDate` where it carries another birth date."""
    row = _live_claim(work, patient)
    if row is not None and None not in (row.dob_check, patient.dob_check) and row.dob_check != patient.dob_check:
        raise WrongBirthDate
    return row


def open_claim_of(work: Work, patient: SitePatient) -> ClaimRow | None:
    """The claim in state open, whatever its birth date and however late."""
    found = sa.select(ClaimRow).where(
        ClaimRow.site == patient.site_id, ClaimRow.patient_bi == patient.bi, ClaimRow.state == "open"
    )
    row = work.session.scalar(found.execution_options(populate_existing=True))
    if row is not None:
        check_row_mac(work, row.row_mac, "claim", row.id, *claim_fields(row))
    return row


def _live_claim(work: Work, patient: SitePatient) -> ClaimRow | None:
    row = open_claim_of(work, patient)
    return None if row is None or work.now >= row.expires else row


_Row = TypeVar("_Row", LinkRow, ScopeRow)


def _fitting(rows: Sequence[_Row], dob_check: int | None) -> _Row | None:
    same = [row for row in rows if row.dob_check == dob_check] if dob_check is not None else []
    near = same or [row for row in rows if dob_check is None or row.dob_check is None]
    if len(near) > 1:
        raise AmbiguousPatient
    return near[0] if near else None


def link_fields(row: LinkRow) -> tuple[bytes | int, ...]:
    """What a link's row MAC covers, in order."""
    return row.bi, dob_number(row.dob_check), row.vault, row.site, row.scope


def claim_fields(row: ClaimRow) -> tuple[bytes | int, ...]:
    """What a claim's row MAC covers, in order."""
    return row.site, row.patient_bi, dob_number(row.dob_check), row.scope, row.cpk


def dob_number(dob_check: int | None) -> int:
    """As it stands in a row MAC: 256 for none."""
    return UNKNOWN_DOB_CHECK if dob_check is None else dob_check


# -- scopes ----------------------------------------------------------------------------------------


def find_waiting_scope(work: Work, patient: SitePatient) -> ScopeRow | None:
    """The scope of this patient that no vault has. Raises `AmbiguousPatient`."""
    found = sa.select(ScopeRow).where(
        ScopeRow.site == patient.site_id,
        ScopeRow.patient_bi == patient.bi,
        ScopeRow.owner_kind != OwnerKind.VAULT.value,
    )
    rows = list(work.session.scalars(found.execution_options(populate_existing=True)))
    scope = _fitting(rows, patient.dob_check)
    return None if scope is None else checked_scope(work, scope.id)


def make_scope(work: Work, patient: SitePatient) -> ScopeRow:
    """The patient's scope, the site's for now; one that another push made in this moment is taken instead."""
    work.session.get_one(SiteRow, patient.site_id, with_for_update={"key_share": True}, populate_existing=True)
    found = _find_scope(work, patient)
    if found is not None:
        return found
    row = ScopeRow(id=new_id(), site=patient.site_id, patient_bi=patient.bi, dob_check=patient.dob_check, row_mac=b"")
    move_scope(work, row, Owner(OwnerKind.SITE, patient.site_id))
    work.session.add(row)
    work.session.flush()
    return row


def lock_scope(work: Work, scope_id: bytes) -> None:
    """Nobody else seals to the scope's owner, or changes it, until the transaction ends."""
    work.session.execute(sa.select(ScopeRow.id).where(ScopeRow.id == scope_id).with_for_update(key_share=True))


def checked_scope(work: Work, scope_id: bytes) -> ScopeRow:
    """The scope as this server wrote it, read anew. Raises `BrokenRecord`."""
    row = work.session.get_one(ScopeRow, scope_id, populate_existing=True)
    check_row_mac(work, row.row_mac, "scope", row.id, row.owner_kind, row.owner)
    return row


def move_scope(work: Work, row: ScopeRow, owner: Owner) -> None:
    """What is found in the scope belongs to `owner` from now on; its keys are moved by whoever calls this."""
    if (row.owner_kind, row.owner) == (owner.kind.value, owner.id):
        return
    row.owner_kind, row.owner = owner.kind.value, owner.id
    row.row_mac = row_mac(work, "scope", row.id, row.owner_kind, row.owner)


# -- the owner's view ------------------------------------------------------------------------------


def links_of(work: Work, vault_id: bytes) -> list[Link]:
    """The sites that send straight to this vault, oldest first. Raises `BrokenRecord`."""
    found = sa.select(LinkRow).where(LinkRow.vault == vault_id, LinkRow.state == "live").order_by(LinkRow.created)
    rows = list(work.session.scalars(found))
    for row in rows:
        check_row_mac(work, row.row_mac, "link", row.id, *link_fields(row))
    return [Link(Id(row.id), Id(row.site), Id(row.scope), row.created) for row in rows]


def unlink(work: Work, keyring: VaultKeyring, link_id: bytes) -> None:
    """The site's next push waits for a new slip; what came before stays in the vault. Raises `NotThere`."""
    lock_vault(work, keyring.vault_id)
    row = work.session.get(LinkRow, link_id)
    if row is None or row.vault != keyring.vault_id:
        raise NotThere
    lock_scope(work, row.scope)
    site_id = row.site
    note(work, Revoked.LINK, [link_id])
    work.session.delete(row)
    work.session.execute(sa.delete(FieldRow).where(FieldRow.vault == keyring.vault_id, FieldRow.subject == link_id))
    work.session.flush()
    by = Actor("patient", keyring.vault_id)
    audit.record(work, owner=keyring.owner, did=Did.UNLINKED, by=by, to=link_id, site=site_id.hex())
    write_record(work, keyring)
