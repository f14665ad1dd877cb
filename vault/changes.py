"""That something changed in what lists show: whoever changes it says so in the same transaction (docs/format.md 6).

What was prepared of a study says how often it had changed by then, and is believed only while that is so.
"""

from collections.abc import Collection

import sqlalchemy as sa

from vault.database import Work
from vault.tables import ScopeRow, SheetRow, StudyRow
from vault.tables_sharing import GrantStudyRow

_QUIETLY = {"synchronize_session": False}


def note_changed(work: Work, study_ids: Collection[bytes]) -> None:
    """What was prepared of these studies is out of date once the caller commits."""
    if not study_ids:
        return
    scopes = sa.select(StudyRow.scope).where(StudyRow.id.in_(study_ids))
    # Scope before study, the order in which everybody locks them.
    counted = sa.update(ScopeRow).where(ScopeRow.id.in_(scopes)).values(changes=ScopeRow.changes + 1)
    work.session.execute(counted, execution_options=_QUIETLY)
    changed = sa.update(StudyRow).where(StudyRow.id.in_(study_ids)).values(changed=StudyRow.changed + 1)
    work.session.execute(changed, execution_options=_QUIETLY)


def drop_sheets_of(work: Work, study_ids: Collection[bytes]) -> None:
    """No sheet names these studies any more, whoever's it was. Cards go with their studies by themselves."""
    owners = sa.select(ScopeRow.owner).join(StudyRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id.in_(study_ids))
    grants = sa.select(GrantStudyRow.grant).where(GrantStudyRow.study.in_(study_ids))
    gone = sa.delete(SheetRow).where(sa.or_(SheetRow.owner.in_(owners), SheetRow.owner.in_(grants)))
    work.session.execute(gone, execution_options=_QUIETLY)
