"""Which studies an owner's rows say are theirs: asked at every request, by statements that are made once."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from vault.database import Work
from vault.joined import Found, Joined, Part, octets, one_of, table_of
from vault.owners import OwnerKind
from vault.tables import ScopeRow, StudyRow
from vault.tables_sharing import GrantStudyRow

_SCOPE, _STUDY, _NAMED = table_of(ScopeRow), table_of(StudyRow), table_of(GrantStudyRow)
_MEANT = _STUDY.alias("meant")
_OWNER, _ONE = octets("owner"), octets("study")


def _in_vault(wanted: Found) -> Found:
    lying = _STUDY.join(_SCOPE, _STUDY.c.scope == _SCOPE.c.id)
    mine = wanted.select_from(lying).where(_SCOPE.c.owner_kind == OwnerKind.VAULT.value, _SCOPE.c.owner == _OWNER)
    return mine.order_by(_STUDY.c.created.desc())


def _in_grant(wanted: Found) -> Found:
    lying = _NAMED.join(_STUDY, _NAMED.c.study == _STUDY.c.id)
    return wanted.select_from(lying).where(_NAMED.c.grant == _OWNER).order_by(_STUDY.c.created.desc())


def named_under(owner: sa.BindParameter[bytes], sought: Sequence[sa.BindParameter[bytes]]) -> sa.ColumnElement[bool]:
    """Joins a study under one of these blind indexes with what the grant says of it.

    Where there are several of them, which studies are meant is said once more: SQLite would otherwise begin with all
    that the grant names.
    """
    named = sa.and_(_NAMED.c.study == _STUDY.c.id, _NAMED.c.grant == owner)
    if len(sought) == 1:
        return named
    return sa.and_(named, _NAMED.c.study.in_(sa.select(_MEANT.c.id).where(one_of(_MEANT.c.uid_bi, sought))))


_ID, _BELIEVED = Part(StudyRow, only={"id"}), Part(GrantStudyRow, only={"study", "row_mac"})
_ALL_IN_VAULT, _ALL_IN_GRANT = Joined(_ID, found=_in_vault), Joined(_BELIEVED, found=_in_grant)
_ONE_IN_VAULT = Joined(_ID, found=lambda wanted: _in_vault(wanted).where(_STUDY.c.id == _ONE))
_ONE_IN_GRANT = Joined(_BELIEVED, found=lambda wanted: _in_grant(wanted).where(_NAMED.c.study == _ONE))


def in_vault(work: Work, vault_id: bytes) -> list[bytes]:
    """The studies that lie in one of the vault's scopes, the newest row first."""
    return [study_id for (study_id,) in _ALL_IN_VAULT.columns(work, owner=vault_id)]


def lies_in_vault(work: Work, vault_id: bytes, study_id: bytes) -> bool:
    """Whether the study is among them."""
    return any(_ONE_IN_VAULT.columns(work, owner=vault_id, study=study_id))


def named_in_grant(work: Work, grant_id: bytes) -> Iterable[Sequence[Any]]:
    """The studies that rows say the grant names, each with its row's MAC, which was not checked; newest row first."""
    return _ALL_IN_GRANT.columns(work, owner=grant_id)


def naming_in_grant(work: Work, grant_id: bytes, study_id: bytes) -> Iterable[Sequence[Any]]:
    """The same of one study: one row, or none."""
    return _ONE_IN_GRANT.columns(work, owner=grant_id, study=study_id)
