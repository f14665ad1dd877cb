"""What a push owes to grants while the patient is away: class keys sealed to them (docs/format.md 5)."""

from hashlib import sha256

from vault.database import Work
from vault.keyring import Owner, OwnerKind, check_row_mac, classes_from, row_mac
from vault.limits import hold_grants, name_study, standing_of
from vault.sealing import derive
from vault.sealing.suite import seal
from vault.tables_sharing import GrantKeyRow, GrantOwnerRow, GrantStudyRow


def seal_to_grants(
    work: Work, *, owner: Owner, site_id: bytes | None, study_id: bytes, batch: bytes, root_key: bytes
) -> int:
    """Seal a new batch's class keys to every live grant that names its study or whose rule without modality fits.

    Rows are believed only with their MAC and the patient's signature (docs/format.md 5). What the patient adds
    (`site_id` None) fits no rule: rules speak of what scan centers send. Returns how many grants.
    """
    fitting = [
        row
        for row in _live_rows(work, owner)
        if _names(work, row, study_id) or _rule_fits(row, site_id=site_id, modality=None)
    ]
    for row in fitting:
        _seal_batch(work, row, study_id, batch, root_key)
    return len(fitting)


def seal_series_to_grants(
    work: Work, *, owner: Owner, site_id: bytes | None, study_id: bytes, batch: bytes, root_key: bytes, modality: str
) -> int:
    """As `seal_to_grants`, for rules that name a modality: called when a series of it first arrives."""
    fitting = [
        row
        for row in _live_rows(work, owner)
        if not _names(work, row, study_id) and _rule_fits(row, site_id=site_id, modality=modality)
    ]
    for row in fitting:
        _seal_batch(work, row, study_id, batch, root_key)
    return len(fitting)


def _live_rows(work: Work, owner: Owner) -> list[GrantOwnerRow]:
    return hold_grants(work, owner.id) if owner.kind is OwnerKind.VAULT else []


def _names(work: Work, row: GrantOwnerRow, study_id: bytes) -> bool:
    found = work.session.get(GrantStudyRow, (row.id, study_id))
    if found is not None:  # else whoever writes to the database would have the next push sealed to a grant of theirs
        check_row_mac(work, found.row_mac, "grantstudy", row.id, study_id)
    return found is not None


def _seal_batch(work: Work, row: GrantOwnerRow, study_id: bytes, batch: bytes, root_key: bytes) -> None:
    if work.session.get(GrantStudyRow, (row.id, study_id)) is None:
        name_study(work, row.id, study_id)
    for key_class in classes_from(row.classes):
        if work.session.get(GrantKeyRow, (row.id, batch, key_class.value)) is not None:
            continue
        ct = seal(row.gpk, derive.class_key(root_key, key_class.value), "grant", row.id, batch, key_class)
        mac = row_mac(work, "grantkey", row.id, batch, key_class.value, sha256(ct).digest())
        work.session.add(GrantKeyRow(grant=row.id, batch=batch, key_class=key_class.value, ct=ct, row_mac=mac))
    work.session.flush()


def _rule_fits(row: GrantOwnerRow, *, site_id: bytes | None, modality: str | None) -> bool:
    rule = standing_of(row.rules) if site_id is not None else None
    if rule is None or (rule.site_ids is not None and site_id not in rule.site_ids):
        return False
    if rule.modalities is None:
        return True
    return modality is not None and modality in rule.modalities
