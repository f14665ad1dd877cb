"""The key side of grants: what a patient gives, who holds it, and how it ends (docs/format.md 8).

A grant is an owner like a vault: it has a key pair, class keys are wrapped for it or sealed to it, and holders open it.
Which person or program a grant is for, and why, is decided elsewhere; this module moves keys.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

import sqlalchemy as sa

from vault import attempts
from vault.database import Services, Work
from vault.errors import CodeSpent, Expired, NoKey, NotThere, WrongSecret
from vault.ids import Id, new_id
from vault.keyring import (
    GrantKeyring,
    KeyClass,
    Owner,
    OwnerKind,
    VaultKeyring,
    canonical_json,
    check_row_mac,
    classes_from,
    row_mac,
)
from vault.sealing import derive
from vault.sealing.codes import ShareCode
from vault.sealing.slow import stretch_share_code
from vault.sealing.suite import open_sealed, seal, unwrap, verify_signature, wrap
from vault.tables import EPOCH, BatchRow, ScopeRow, StudyRow, VaultRow
from vault.tables_sharing import GrantKeyRow, GrantOwnerRow, GrantStudyRow, HolderRow, TokenHolderRow

_BITS = {KeyClass.META: 1, KeyClass.PICTURES: 2, KeyClass.REPORTS: 4}
_VIEW_ONLY, _STANDING = 1, 2
CODE_PROFILE = 2


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


# --- giving ----------------------------------------------------------------------------------------------------------


def new_grant(work: Work, owner: VaultKeyring, terms: GrantTerms) -> GrantKeyring:
    """Make a grant of `terms` and wrap every key it needs; the owner keeps a holder of it.

    Raises `NotThere` where a study is not the owner's.
    """
    grant = GrantKeyring(new_id(), os.urandom(32))
    _check_owned(work, owner, terms.study_ids)
    row = _grant_row(work, owner, grant, terms)
    work.session.add(row)
    work.session.flush()
    holder = new_id()
    _add_holder(
        work,
        grant,
        holder,
        kind="owner",
        ref=owner.vault_id,
        ct=grant.wrap_key_under(owner.library_key, grant.grant_id, holder, "owner"),
        expires=None,
    )
    for study_id in terms.study_ids:
        _name_study(work, grant.grant_id, study_id)
        _wrap_study(work, owner, grant, study_id, terms.classes)
    return grant


def owner_opens(work: Work, owner: VaultKeyring, grant_id: bytes) -> GrantKeyring:
    """The grant, opened by the patient who gave it. Raises `NotThere`."""
    row = _holder(work, grant_id, "owner", owner.vault_id)
    return GrantKeyring(grant_id, unwrap(owner.library_key, row.ct, "holder", grant_id, row.id, "owner"))


def give_owed_keys(work: Work, owner: VaultKeyring) -> int:
    """Wrap what live grants should have and lack, because a push and a grant met; returns how many keys."""
    given = 0
    for limits in grants_of(work, owner.vault_id):
        if limits.ended is not None or (limits.expires is not None and work.now >= limits.expires):
            continue
        grant = owner_opens(work, owner, limits.grant_id)
        for study_id in limits.study_ids:
            given += _wrap_study(work, owner, grant, study_id, limits.classes)
    return given


def _grant_row(work: Work, owner: VaultKeyring, grant: GrantKeyring, terms: GrantTerms) -> GrantOwnerRow:
    flags = (_VIEW_ONLY if terms.view_only else 0) | (_STANDING if terms.standing else 0)
    rules = _rules_text(terms.standing)
    statement = canonical_json(
        {
            "grant": grant.grant_id.hex(),
            "gpk": sha256(grant.pair.public).hexdigest(),
            "studies": sorted(study.hex() for study in terms.study_ids),
            "classes": sum(_BITS[kind] for kind in terms.classes),
            "flags": flags,
            "rules": rules,
            "expires": _micros(terms.expires),
        }
    )
    row = GrantOwnerRow(
        id=grant.grant_id,
        vault=owner.vault_id,
        gpk=grant.pair.public,
        classes=sum(_BITS[kind] for kind in terms.classes),
        flags=flags,
        rules=rules,
        not_before=terms.not_before,
        expires=terms.expires,
        status="live",
        statement=statement,
        signature=owner.signing_key.sign(derive.grant_statement(owner.vault_id, statement.encode())),
        row_mac=b"",
        created=work.now,
        ended=None,
    )
    row.row_mac = row_mac(work, "grant", row.id, *_grant_fields(row))
    return row


def _check_owned(work: Work, owner: VaultKeyring, study_ids: Iterable[bytes]) -> None:
    mine = set(owner.study_ids(work))
    if not set(study_ids) <= mine:
        raise NotThere


def _name_study(work: Work, grant_id: bytes, study_id: bytes) -> None:
    mac = row_mac(work, "grantstudy", grant_id, study_id)
    work.session.add(GrantStudyRow(grant=grant_id, study=study_id, row_mac=mac))
    work.session.flush()


def _wrap_study(
    work: Work, owner: VaultKeyring, grant: GrantKeyring, study_id: bytes, classes: Iterable[KeyClass]
) -> int:
    given = 0
    for batch in work.session.scalars(sa.select(BatchRow.id).where(BatchRow.study == study_id)):
        for key_class in classes:
            if work.session.get(GrantKeyRow, (grant.grant_id, batch, key_class.value)) is not None:
                continue
            try:
                key = owner.class_key(work, batch, key_class)
            except NoKey:
                continue  # a push that has not been sealed to this vault yet cannot be given yet
            ct = wrap(grant.wrapping_key, key, "grant", grant.grant_id, batch, key_class)
            work.session.add(GrantKeyRow(grant=grant.grant_id, batch=batch, key_class=key_class.value, ct=ct))
            given += 1
    work.session.flush()
    return given


# --- what a push owes to grants, while the patient is away ------------------------------------------------------------


def seal_to_grants(work: Work, *, owner: Owner, site_id: bytes, study_id: bytes, batch: bytes, root_key: bytes) -> int:
    """Seal a new batch's class keys to every live grant that names its study or whose rule without modality fits.

    Rows are believed only with their MAC and the patient's signature (docs/format.md 5). Returns how many grants.
    """
    if owner.kind is not OwnerKind.VAULT:
        return 0
    sealed = 0
    for row in _live_rows(work, owner.id):
        named = work.session.get(GrantStudyRow, (row.id, study_id)) is not None
        if not named and not _rule_fits(row, site_id, None):
            continue
        _seal_batch(work, row, study_id, batch, root_key, named=named)
        sealed += 1
    return sealed


def seal_series_to_grants(
    work: Work, *, owner: Owner, site_id: bytes, study_id: bytes, batch: bytes, root_key: bytes, modality: str
) -> int:
    """As `seal_to_grants`, for rules that name a modality: called when a series of it first arrives."""
    if owner.kind is not OwnerKind.VAULT:
        return 0
    sealed = 0
    for row in _live_rows(work, owner.id):
        named = work.session.get(GrantStudyRow, (row.id, study_id)) is not None
        if named or not _rule_fits(row, site_id, modality):
            continue
        _seal_batch(work, row, study_id, batch, root_key, named=False)
        sealed += 1
    return sealed


def _live_rows(work: Work, vault_id: bytes) -> list[GrantOwnerRow]:
    live = sa.select(GrantOwnerRow).where(GrantOwnerRow.vault == vault_id, GrantOwnerRow.status == "live")
    rows = [row for row in work.session.scalars(live) if row.expires is None or work.now < row.expires]
    if rows:
        vault = vault_row(work, vault_id)
        for row in rows:
            check_grant(work, row, vault)
    return rows


def _seal_batch(work: Work, row: GrantOwnerRow, study_id: bytes, batch: bytes, root_key: bytes, *, named: bool) -> None:
    if not named:
        _name_study(work, row.id, study_id)
    for key_class in classes_from(row.classes):
        if work.session.get(GrantKeyRow, (row.id, batch, key_class.value)) is not None:
            continue
        ct = seal(row.gpk, derive.class_key(root_key, key_class.value), "grant", row.id, batch, key_class)
        mac = row_mac(work, "grantkey", row.id, batch, key_class.value, sha256(ct).digest())
        work.session.add(GrantKeyRow(grant=row.id, batch=batch, key_class=key_class.value, ct=ct, row_mac=mac))
    work.session.flush()


def _rule_fits(row: GrantOwnerRow, site_id: bytes, modality: str | None) -> bool:
    rule = _standing(row.rules)
    if rule is None or (rule.site_ids is not None and site_id not in rule.site_ids):
        return False
    if rule.modalities is None:
        return True
    return modality is not None and modality in rule.modalities


def check_grant(work: Work, row: GrantOwnerRow, vault: VaultRow) -> None:
    """Raise `BrokenRecord` or `Tampered` unless this server wrote the grant's row and the patient signed it."""
    check_row_mac(work, row.row_mac, "grant", row.id, *_grant_fields(row))
    verify_signature(vault.sig_pk, derive.grant_statement(row.vault, row.statement.encode()), row.signature)


def vault_row(work: Work, vault_id: bytes) -> VaultRow:
    """The vault's row, believed only with its MAC. Raises `NotThere`, `BrokenRecord`."""
    row = work.session.get(VaultRow, vault_id)
    if row is None:
        raise NotThere
    check_row_mac(work, row.row_mac, "vault", row.id, row.vpk, row.sig_pk)
    return row


# --- holders ---------------------------------------------------------------------------------------------------------


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


def redeem_code(services: Services, code: ShareCode, *, source: str) -> GrantKeyring:
    """Open a grant with its share code, which is spent by this.

    Raises `WrongSecret` for a code that opens nothing, `CodeSpent` for the right code used before, `Wait` after too
    many tries. An unknown code costs the same work as a wrong one.
    """
    attempts.spend(services, attempts.Limit.CODE_SOURCE, source)
    with services.reading() as work:
        found = work.session.scalar(sa.select(HolderRow).where(HolderRow.locator == code.locator))
    salt, holder_id, pepper = _stretching(services, code, found)
    stretched = stretch_share_code(code.secret, "", salt=salt, pepper=pepper, holder_id=holder_id)
    right = found is not None and compare_digest(found.commitment or b"", derive.code_commitment(stretched))
    if found is None or not right:
        raise WrongSecret
    attempts.credit(services, attempts.Limit.CODE_SOURCE, source)
    with services.work() as work:
        return _spend(work, found.id, derive.code_key(stretched))


def _spend(work: Work, holder_id: bytes, key: bytes) -> GrantKeyring:
    row = work.session.get(HolderRow, holder_id, with_for_update=True, populate_existing=True)
    if row is None or not row.uses_left:
        raise CodeSpent
    check_live(work, row.grant)
    if row.expires is not None and work.now >= row.expires:
        raise Expired
    grant = GrantKeyring(row.grant, unwrap(key, row.ct, "holder", row.grant, row.id, "share"))
    row.uses_left -= 1
    if row.uses_left == 0:
        row.ct = b""
    work.session.flush()
    return grant


def _stretching(services: Services, code: ShareCode, found: HolderRow | None) -> tuple[bytes, bytes, bytes]:
    secrets = services.secrets
    if found is None or found.salt is None or found.pepper_id is None:
        salt = derive.dummy_salt(secrets.index_key, code.locator.to_bytes(4, "big"))
        return salt, bytes(16), secrets.pepper
    return found.salt, found.id, secrets.peppers[found.pepper_id]


def add_provider(work: Work, grant: GrantKeyring, provider_vault: bytes, *, expires: datetime | None) -> Id:
    """Let a registered provider open the grant with the provider's own vault. Raises `NotThere`, `BrokenRecord`."""
    provider, holder = vault_row(work, provider_vault), new_id()
    ct = grant.seal_key_to(provider.vpk, grant.grant_id, holder, "provider")
    _add_holder(work, grant, holder, kind="provider", ref=provider_vault, ct=ct, expires=expires)
    return holder


def provider_opens(work: Work, provider: VaultKeyring, grant_id: bytes) -> GrantKeyring:
    """A grant given to this provider. Raises `NotThere`, and `Expired` when it has ended or run out."""
    row = _holder(work, grant_id, "provider", provider.vault_id)
    check_live(work, grant_id)
    if row.expires is not None and work.now >= row.expires:
        raise Expired
    return GrantKeyring(grant_id, open_sealed(provider.pair, row.ct, "holder", grant_id, row.id, "provider"))


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
    row = HolderRow(id=holder, grant=grant.grant_id, kind=kind, ref=ref, ct=ct, expires=expires, created=work.now)
    work.session.add(row)
    work.session.flush()
    return row


def _holder(work: Work, grant_id: bytes, kind: str, ref: bytes) -> HolderRow:
    row = work.session.scalar(
        sa.select(HolderRow).where(HolderRow.grant == grant_id, HolderRow.kind == kind, HolderRow.ref == ref)
    )
    if row is None:
        raise NotThere
    return row


def _free_locator(work: Work) -> int:
    while True:
        locator = int.from_bytes(os.urandom(3), "big") & 0xFFFFF
        if work.session.scalar(sa.select(HolderRow.id).where(HolderRow.locator == locator)) is None:
            return locator


# --- limits and the end ----------------------------------------------------------------------------------------------


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


def end_grant(work: Work, grant_id: bytes) -> None:
    """After this no secret opens anything through the grant: its holders and its keys are gone."""
    row = work.session.get(GrantOwnerRow, grant_id, with_for_update=True)
    if row is None:
        raise NotThere
    for table in (HolderRow, TokenHolderRow, GrantKeyRow):
        work.session.execute(sa.delete(table).where(table.grant == grant_id))
    row.status, row.ended = "ended", work.now
    work.session.flush()


def seal_note(work: Work, *, vault_id: bytes, about: bytes, text: str) -> bytes:
    """Words for a patient who is away, sealed to the vault (kind "note")."""
    return seal(vault_row(work, vault_id).vpk, text.encode(), "note", vault_id, about)


def open_note(owner: VaultKeyring, *, about: bytes, ct: bytes) -> str:
    """Words that were sealed for this patient."""
    return open_sealed(owner.pair, ct, "note", owner.vault_id, about).decode()


def owner_of_study(work: Work, study_id: bytes) -> Owner:
    """Who owns a study now. Raises `NotThere`."""
    row = work.session.scalar(
        sa.select(ScopeRow).join(StudyRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id == study_id)
    )
    if row is None:
        raise NotThere
    return Owner(OwnerKind(row.owner_kind), Id(row.owner))


def _limits(work: Work, row: GrantOwnerRow) -> GrantLimits:
    studies = work.session.scalars(sa.select(GrantStudyRow.study).where(GrantStudyRow.grant == row.id))
    return GrantLimits(
        grant_id=Id(row.id),
        vault_id=Id(row.vault),
        study_ids=tuple(studies),
        classes=frozenset(classes_from(row.classes)),
        view_only=bool(row.flags & _VIEW_ONLY),
        standing=_standing(row.rules),
        not_before=row.not_before,
        expires=row.expires,
        created=row.created,
        ended=row.ended,
    )


def _grant_fields(row: GrantOwnerRow) -> tuple[bytes | str | int, ...]:
    return (
        row.vault,
        row.gpk,
        row.classes,
        row.flags,
        _micros(row.not_before),
        _micros(row.expires),
        row.rules or "",
    )


def _micros(moment: datetime | None) -> int:
    return 0 if moment is None else int((moment - EPOCH).total_seconds() * 1_000_000)


def _rules_text(rule: Standing | None) -> str | None:
    if rule is None:
        return None
    sites = None if rule.site_ids is None else sorted(site.hex() for site in rule.site_ids)
    kinds = None if rule.modalities is None else sorted(rule.modalities)
    return canonical_json({"sites": sites, "modalities": kinds})


def _standing(text: str | None) -> Standing | None:
    if text is None:
        return None
    rule = json.loads(text)
    return Standing(
        site_ids=None if rule["sites"] is None else tuple(bytes.fromhex(site) for site in rule["sites"]),
        modalities=None if rule["modalities"] is None else tuple(rule["modalities"]),
    )
