"""Taking what a site left: the PIN and the birth date open it once, for whoever comes first (docs/format.md 4.2, 4.3).

An unknown PIN, a wrong one and a wrong birth date are one answer after the same work. That a slip was used before or
has run out is told only to those who hold the right one.
"""

from dataclasses import dataclass, field

import sqlalchemy as sa

from vault import attempts, audit, root_keys
from vault.attempts import Limit, Try, source_prefix
from vault.audit import Actor, Did
from vault.database import Services, Work
from vault.errors import ClaimExpired, ClaimUsed, VaultError, WrongPin
from vault.ids import Id, new_id
from vault.keyring import Owner, OwnerKind, VaultKeyring, check_row_mac, row_mac
from vault.links import checked_scope, claim_fields, link_fields, lock_scope, move_scope
from vault.record import lock_vault, write_record
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.codes import ClaimPin
from vault.sealing.slow import PEOPLE, UNKNOWN_BIRTH, stretch_claim
from vault.sealing.suite import PUBLIC_LENGTH, KeyPair, open_sealed, wrap
from vault.sites import find_site
from vault.tables import ClaimRow, IngestRow, LinkRow, StudyRow

MANY_WRONG_TRIES = 100

_NO_PUBLIC_HALF = bytes(PUBLIC_LENGTH)  # which no PIN derives


@dataclass(frozen=True, slots=True)
class Taken:
    """What came into the vault, and from whom. `link_id` is None where another vault keeps the link."""

    study_ids: tuple[Id, ...]
    site_id: Id
    site_name: str
    link_id: Id | None


@dataclass(frozen=True, slots=True)
class _Slip:
    """A claim's row as a PIN is tried on it; for an unknown locator, one that nothing opens."""

    claim_id: bytes
    site_id: bytes
    salt: bytes
    profile: int
    cpk: bytes = field(repr=False)
    pepper: bytes = field(repr=False)
    asks_birth_date: bool = True


def take(
    services: Services, *, pin: ClaimPin, born: str, keyring: VaultKeyring, account_id: bytes, source: str
) -> Taken:
    """Everything the site left under this slip is the vault's, and its next pushes come straight to it.

    `born` is "YYYYMMDD", `source` the address that asks. Raises `WrongPin`, `ClaimUsed`, `ClaimExpired`, `Wait`,
    `Busy` of `vault.sealing`. A crash before the end leaves the claim open.
    """
    tries: tuple[Try, ...] = (
        (Limit.CLAIM_SLIP, pin.locator.to_bytes(4, "big"), account_id),
        (Limit.CLAIM_ACCOUNT, account_id),
        (Limit.CLAIM_SOURCE, source_prefix(source)),
    )
    left = attempts.spend_all(services, *tries)
    slip = _find_slip(services, pin)
    pair = _derive(slip, pin, born)
    if not pair.matches(slip.cpk):
        _record_wrong_try(services, slip, keyring)
        raise WrongPin(left[Limit.CLAIM_ACCOUNT])
    attempts.credit_all(services, *tries)
    try:
        with services.work() as work:
            claim = _win(work, slip.claim_id)
            return _hand_over(work, claim, pair, keyring, born)
    except ClaimUsed:
        _tell_of_second_try(services, slip, keyring)
        raise


# -- trying the PIN --------------------------------------------------------------------------------


def _find_slip(services: Services, pin: ClaimPin) -> _Slip:
    with services.reading() as work:
        found = sa.select(ClaimRow).where(ClaimRow.locator == pin.locator, ClaimRow.lane == 0)
        row = work.session.scalar(found)
    secrets = services.secrets
    pepper = None if row is None else secrets.peppers.get(row.pepper_id)
    if row is None or pepper is None:
        salt = derive.dummy_salt(secrets.index_key, pin.locator.to_bytes(4, "big"))
        return _Slip(bytes(16), bytes(16), salt, PEOPLE, _NO_PUBLIC_HALF, secrets.pepper)
    return _Slip(row.id, row.site, row.salt, row.kdf_id, row.cpk, pepper, row.dob_flag == 1)


def _derive(slip: _Slip, pin: ClaimPin, born: str) -> KeyPair:
    stretched = stretch_claim(
        pin.secret,
        born if slip.asks_birth_date else UNKNOWN_BIRTH,
        salt=slip.salt,
        pepper=slip.pepper,
        claim_id=slip.claim_id,
        profile=slip.profile,
    )
    return KeyPair.from_seed(derive.claim_kem_seed(stretched))


def _record_wrong_try(services: Services, slip: _Slip, keyring: VaultKeyring) -> None:
    by = Actor("patient", keyring.vault_id)
    with services.work() as work:
        counted = sa.update(ClaimRow).where(ClaimRow.id == slip.claim_id).values(fails=ClaimRow.fails + 1)
        work.session.execute(counted)
        fails = work.session.scalar(sa.select(ClaimRow.fails).where(ClaimRow.id == slip.claim_id))
        if fails == MANY_WRONG_TRIES:
            site = Owner(OwnerKind.SITE, Id(slip.site_id))
            audit.record(work, owner=site, did=Did.CLAIM_FAILED, by=Actor("guest"), to=slip.claim_id, tries=fails)
        audit.record(work, owner=keyring.owner, did=Did.CLAIM_FAILED, by=by)


def _tell_of_second_try(services: Services, slip: _Slip, keyring: VaultKeyring) -> None:
    """Two people knew one slip: its site and the vault that was first are told."""
    with services.work() as work:
        claim = work.session.get_one(ClaimRow, slip.claim_id)
        scope = checked_scope(work, claim.scope)
        if scope.owner == keyring.vault_id:
            return
        told = [Owner(OwnerKind.SITE, Id(claim.site))]
        if scope.owner_kind == OwnerKind.VAULT.value:
            told.append(Owner(OwnerKind.VAULT, Id(scope.owner)))
        for owner in told:
            audit.record(work, owner=owner, did=Did.CLAIM_FAILED, by=Actor("guest"), to=claim.id, used_before=1)


# -- the claim transaction -------------------------------------------------------------------------


def _win(work: Work, claim_id: bytes) -> ClaimRow:
    """The claim, taken by this transaction and no other."""
    taken = sa.update(ClaimRow).where(
        ClaimRow.id == claim_id,
        ClaimRow.state == "open",
        ClaimRow.expires > work.now,
        ClaimRow.not_before <= work.now,
    )
    won = changed_rows(work.session, taken.values(state="claimed", closed=work.now)) == 1
    row = work.session.get(ClaimRow, claim_id, populate_existing=True)
    if row is None:
        raise ClaimExpired
    if not won:
        raise _why_not(row)
    check_row_mac(work, row.row_mac, "claim", row.id, *claim_fields(row))
    return row


def _why_not(row: ClaimRow) -> VaultError:
    if row.state == "claimed" and row.closed is not None:
        return ClaimUsed(row.closed.date().isoformat(), row.site)
    return ClaimExpired()


def _hand_over(work: Work, claim: ClaimRow, pair: KeyPair, keyring: VaultKeyring, born: str) -> Taken:
    lock_vault(work, keyring.vault_id)
    lock_scope(work, claim.scope)
    _rewrap_keys(work, claim, pair, keyring)
    move_scope(work, checked_scope(work, claim.scope), keyring.owner)
    link_id = _put_link(work, claim, keyring)
    if link_id is not None:
        # Compared in full when the owner is back; the link itself has one octet of the date.
        keyring.keep_field(work, "born", born if claim.dob_flag else "", subject=link_id)
        keyring.keep_field(work, "name", keyring.field(work, "name") or "", subject=link_id)
    studies = tuple(Id(one) for one in work.session.scalars(_studies_of(claim.scope)))
    _record(work, claim, keyring, link_id, len(studies))
    write_record(work, keyring)
    return Taken(studies, Id(claim.site), find_site(work, claim.site).details.name, link_id)


def _studies_of(scope_id: bytes) -> sa.Select[bytes]:
    return sa.select(StudyRow.id).where(StudyRow.scope == scope_id).order_by(StudyRow.created, StudyRow.id)


def _rewrap_keys(work: Work, claim: ClaimRow, pair: KeyPair, keyring: VaultKeyring) -> None:
    """Each batch's root key leaves the claim's and the site's seals and is wrapped under the vault's own key."""
    cts = dict[bytes, bytes]()
    for batch, sealed in root_keys.sealed_to(work, Owner(OwnerKind.CLAIM, Id(claim.id))).items():
        root_key = open_sealed(pair, sealed, "claim", claim.id, batch)
        cts[batch] = wrap(keyring.library_key, root_key, "vault", keyring.vault_id, batch)
    root_keys.drop(work, cts, OwnerKind.CLAIM, OwnerKind.SITE)
    for part in root_keys.in_parts(cts):
        # The site's next push begins a batch that is the vault's from the start.
        work.session.execute(sa.delete(IngestRow).where(IngestRow.batch.in_(part)))
    root_keys.put(work, owner=keyring.owner, cts=cts)


def _put_link(work: Work, claim: ClaimRow, keyring: VaultKeyring) -> Id | None:
    """The site's next pushes come to this vault, unless another vault has the patient's live link."""
    unknown = claim.dob_check is None
    same_birth = LinkRow.dob_check.is_(None) if unknown else LinkRow.dob_check == claim.dob_check
    same = sa.select(LinkRow).where(LinkRow.bi == claim.patient_bi, same_birth)
    for row in work.session.scalars(same).all():
        if row.state == "live":
            return Id(row.id) if row.vault == keyring.vault_id else None
        work.session.delete(row)
    work.session.flush()
    link = LinkRow(
        id=new_id(),
        bi=claim.patient_bi,
        dob_check=claim.dob_check,
        vault=keyring.vault_id,
        site=claim.site,
        scope=claim.scope,
        state="live",
        created=work.now,
    )
    link.row_mac = row_mac(work, "link", link.id, *link_fields(link))
    work.session.add(link)
    work.session.flush()
    return Id(link.id)


def _record(work: Work, claim: ClaimRow, keyring: VaultKeyring, link_id: Id | None, studies: int) -> None:
    """Claim and site learn that it was taken, never by whom; the vault's chain goes on from the claim's."""
    owner, somebody = Owner(OwnerKind.CLAIM, Id(claim.id)), Actor("patient")
    site, patient = Owner(OwnerKind.SITE, Id(claim.site)), Actor("patient", keyring.vault_id)
    audit.record(work, owner=owner, did=Did.CLAIMED, by=somebody)
    n, h = audit.head(work, owner)
    told: dict[str, str | int] = {} if link_id is not None else {"linked_elsewhere": 1}
    audit.record(work, owner=site, did=Did.CLAIMED, by=somebody, to=claim.id, **told)
    from_claim: dict[str, str | int] = {"site": claim.site.hex(), "claim_n": n, "claim_h": h.hex(), "studies": studies}
    audit.record(work, owner=keyring.owner, did=Did.CLAIMED, by=patient, to=claim.id, **from_claim)
    if link_id is not None:
        audit.record(work, owner=keyring.owner, did=Did.LINKED, by=patient, to=link_id, site=claim.site.hex())
