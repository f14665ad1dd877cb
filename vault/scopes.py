"""The scopes an owner may look into: blind indexes are made with them, so that every question for a UID begins here."""

from vault.database import Work
from vault.joined import Found, Joined, Part, octets, table_of
from vault.owners import OwnerKind
from vault.tables import ScopeRow
from vault.tables_sharing import GrantOwnerRow

_SCOPE, _GRANT = table_of(ScopeRow), table_of(GrantOwnerRow)
_OWNER = octets("owner")
_OF_A_VAULT = _SCOPE.c.owner_kind == OwnerKind.VAULT.value


def _in_vault(wanted: Found) -> Found:
    return wanted.where(_OF_A_VAULT, _SCOPE.c.owner == _OWNER)


def _in_grant(wanted: Found) -> Found:
    given = _SCOPE.join(_GRANT, _GRANT.c.vault == _SCOPE.c.owner)
    return wanted.select_from(given).where(_OF_A_VAULT, _GRANT.c.id == _OWNER)


_ID = Part(ScopeRow, only={"id"})
_VAULTS, _GRANTS = Joined(_ID, found=_in_vault), Joined(_ID, found=_in_grant)


def scopes_of_vault(work: Work, vault_id: bytes) -> list[bytes]:
    """Those that point at the vault."""
    return [scope.id for (scope,) in _VAULTS.rows(work, owner=vault_id)]


def scopes_of_grant(work: Work, grant_id: bytes) -> list[bytes]:
    """Those of the vault that gave the grant."""
    return [scope.id for (scope,) in _GRANTS.rows(work, owner=grant_id)]
