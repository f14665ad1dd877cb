"""The key side of grants: what a patient gives, and how it ends (docs/format.md 8).

A grant is an owner like a vault: it has a key pair, class keys are wrapped for it or sealed to it, and holders open it.
Which person or program a grant is for, and why, is decided elsewhere; this module moves keys. It is also the door to
`limits` (what a grant gives) and `holders` (who opens it).
"""

import os
from collections.abc import Collection, Iterable

import sqlalchemy as sa

from vault import revocations, root_keys
from vault.database import Work
from vault.erasure import drop_catalogues
from vault.errors import NotThere
from vault.holders import (
    ProvedCode,
    add_owner,
    add_provider,
    add_share_code,
    grants_given_to,
    owner_opens,
    prove_code,
    provider_opens,
    redeem_code,
)
from vault.ids import new_id
from vault.journal import Revoked
from vault.keyring import GrantKeyring, KeyClass, VaultKeyring, canonical_json, row_mac
from vault.limits import (
    BITS,
    STANDING,
    VIEW_ONLY,
    GrantLimits,
    GrantTerms,
    Standing,
    check_live,
    grant_fields,
    grants_of,
    hold_grants,
    limits,
    limits_of,
    rules_text,
    statement_of,
    vault_row,
    whole_limits,
)
from vault.sealing import derive
from vault.sealing.suite import open_sealed, seal, wrap
from vault.tables import BatchRow
from vault.tables_sharing import (
    ExportRow,
    GrantKeyRow,
    GrantOwnerRow,
    GrantStudyRow,
    HealthLinkRow,
    HolderRow,
    TokenHolderRow,
)

__all__ = [
    "GrantLimits",
    "GrantTerms",
    "ProvedCode",
    "Standing",
    "add_provider",
    "add_share_code",
    "check_live",
    "end_grant",
    "give_owed_keys",
    "grants_given_to",
    "grants_of",
    "limits",
    "new_grant",
    "open_note",
    "owner_opens",
    "prove_code",
    "provider_opens",
    "redeem_code",
    "seal_note",
    "whole_limits",
]


def new_grant(work: Work, owner: VaultKeyring, terms: GrantTerms) -> GrantKeyring:
    """Make a grant of `terms` and wrap every key it needs; the owner keeps a holder of it.

    Raises `NotThere` where a study is not the owner's.
    """
    grant = GrantKeyring(new_id(), os.urandom(32))
    _check_owned(work, owner, terms.study_ids)
    row = _grant_row(work, owner, grant, terms)
    work.session.add(row)
    work.session.flush()
    add_owner(work, grant, owner)
    _name_studies(work, grant.grant_id, terms.study_ids)
    _wrap_owed(work, owner, grant, _owed(work, grant.grant_id, terms))
    return grant


def give_owed_keys(work: Work, owner: VaultKeyring) -> int:
    """Wrap what live grants should have and lack, because a push and a grant met; returns how many keys.

    Raises `BrokenRecord` or `Tampered` where a grant, or a study named by it, is not what its owner gave.
    """
    given = 0
    for row in hold_grants(work, owner.vault_id):
        owed = _owed(work, row.id, limits_of(work, row))
        if owed:
            given += _wrap_owed(work, owner, owner_opens(work, owner, row.id), owed)
            drop_catalogues(work, [row.id])  # which knew less
    return given


def end_grant(work: Work, grant_id: bytes) -> None:
    """After this no secret opens anything through the grant: its holders and its keys are gone."""
    row = work.session.get(GrantOwnerRow, grant_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotThere
    for table in (HolderRow, TokenHolderRow, HealthLinkRow, ExportRow, GrantKeyRow):
        work.session.execute(sa.delete(table).where(table.grant == grant_id))
    drop_catalogues(work, [grant_id])
    row.status, row.ended = "ended", row.ended or work.now
    work.session.flush()
    revocations.note(work, Revoked.GRANT, [grant_id])  # a restored backup does not bring it back


def seal_note(work: Work, *, vault_id: bytes, about: bytes, text: str) -> bytes:
    """Words for a patient who is away, sealed to the vault (kind "note")."""
    return seal(vault_row(work, vault_id).vpk, text.encode(), "note", vault_id, about)


def open_note(owner: VaultKeyring, *, about: bytes, ct: bytes) -> str:
    """Words that were sealed for this patient."""
    return open_sealed(owner.pair, ct, "note", owner.vault_id, about).decode()


def _grant_row(work: Work, owner: VaultKeyring, grant: GrantKeyring, terms: GrantTerms) -> GrantOwnerRow:
    flags = (VIEW_ONLY if terms.view_only else 0) | (STANDING if terms.standing else 0)
    row = GrantOwnerRow(
        id=grant.grant_id,
        vault=owner.vault_id,
        gpk=grant.pair.public,
        classes=sum(BITS[kind] for kind in terms.classes),
        flags=flags,
        rules=rules_text(terms.standing),
        not_before=terms.not_before,
        expires=terms.expires,
        status="live",
        created=work.now,
        ended=None,
    )
    studies = sorted(study.hex() for study in terms.study_ids)
    row.statement = canonical_json(statement_of(row, studies))
    row.signature = owner.signing_key.sign(derive.grant_statement(owner.vault_id, row.statement.encode()))
    row.row_mac = row_mac(work, "grant", row.id, *grant_fields(row))
    return row


def _check_owned(work: Work, owner: VaultKeyring, study_ids: Iterable[bytes]) -> None:
    mine = set(owner.study_ids(work))
    if not set(study_ids) <= mine:
        raise NotThere


def _name_studies(work: Work, grant_id: bytes, study_ids: Iterable[bytes]) -> None:
    rows = [
        {"grant": grant_id, "study": study_id, "row_mac": row_mac(work, "grantstudy", grant_id, study_id)}
        for study_id in study_ids
    ]
    if rows:
        work.session.execute(sa.insert(GrantStudyRow), rows)


def _owed(work: Work, grant_id: bytes, terms: GrantTerms | GrantLimits) -> list[tuple[bytes, KeyClass]]:
    """What a grant of these studies and classes should have and lacks: of which batches, which class."""
    batches = list[bytes]()
    for part in root_keys.in_parts(terms.study_ids):
        batches += work.session.scalars(sa.select(BatchRow.id).where(BatchRow.study.in_(part)))
    had = sa.select(GrantKeyRow.batch, GrantKeyRow.key_class).where(GrantKeyRow.grant == grant_id)
    has = {(batch, key_class) for batch, key_class in work.session.execute(had)}
    classes = sorted(terms.classes)
    return [(batch, one) for batch in batches for one in classes if (batch, one.value) not in has]


def _wrap_owed(work: Work, owner: VaultKeyring, grant: GrantKeyring, owed: Collection[tuple[bytes, KeyClass]]) -> int:
    """The grant has these keys; answers how many, as a push not yet sealed to this vault cannot be given yet."""
    opened = root_keys.opened(work, owner, dict.fromkeys(batch for batch, _ in owed))
    rows: list[dict[str, bytes | str]] = []
    for batch, key_class in owed:
        if batch not in opened:
            continue
        key = derive.class_key(opened[batch], key_class.value)
        ct = wrap(grant.wrapping_key, key, "grant", grant.grant_id, batch, key_class)
        rows.append({"grant": grant.grant_id, "batch": batch, "key_class": key_class.value, "ct": ct})
    if rows:
        work.session.execute(sa.insert(GrantKeyRow), rows)
    return len(rows)
