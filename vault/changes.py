"""That something changed in what lists show: whoever changes it says so in the same transaction (docs/format.md 6).

What was prepared of a study says how often it had changed by then, and is believed only while that is so.
"""

from collections.abc import Collection

import sqlalchemy as sa

from vault.database import Work
from vault.joined import octets, table_of
from vault.tables import ScopeRow, SheetRow, StudyRow
from vault.tables_sharing import GrantStudyRow

_QUIETLY = {"synchronize_session": False}
_SCOPE, _STUDY = table_of(ScopeRow), table_of(StudyRow)
_NAMED = octets("named")
_ITS_SCOPE = sa.select(_STUDY.c.scope).where(_STUDY.c.id == _NAMED).scalar_subquery()
_OF_SCOPE = sa.update(_SCOPE).where(_SCOPE.c.id == _ITS_SCOPE).values(changes=_SCOPE.c.changes + 1)
_OF_STUDY = sa.update(_STUDY).where(_STUDY.c.id == _NAMED).values(changed=_STUDY.c.changed + 1)


def note_changed(work: Work, study_ids: Collection[bytes]) -> None:
    """What was prepared of these studies is out of date once the caller commits."""
    if not study_ids:
        return
    named = [{"named": study_id} for study_id in sorted(study_ids)]
    # Scope before study, the order in which everybody locks them.
    work.session.connection().execute(_OF_SCOPE, named)
    work.session.connection().execute(_OF_STUDY, named)


def drop_sheets_of(work: Work, study_ids: Collection[bytes]) -> None:
    """No sheet names these studies any more, whoever's it was. Cards go with their studies by themselves."""
    owners = sa.select(ScopeRow.owner).join(StudyRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id.in_(study_ids))
    grants = sa.select(GrantStudyRow.grant).where(GrantStudyRow.study.in_(study_ids))
    gone = sa.delete(SheetRow).where(sa.or_(SheetRow.owner.in_(owners), SheetRow.owner.in_(grants)))
    work.session.execute(gone, execution_options=_QUIETLY)
