"""The rows of the patient's decisions, and the words they are made of."""

from enum import StrEnum

import sqlalchemy as sa

from consent.tables import GrantRow
from vault.database import Work
from vault.errors import NotThere
from vault.keyring import KeyClass

EVERYTHING = frozenset(KeyClass)
LONGEST_WORDS = 200


class For(StrEnum):
    """Who a grant is for."""

    CODE = "code"
    LINK = "link"
    PROVIDER = "provider"
    APP = "app"


def row_of(work: Work, grant_id: bytes) -> GrantRow:
    """The decision behind a grant. Raises `NotThere`."""
    row = work.session.get(GrantRow, grant_id)
    if row is None:
        raise NotThere
    return row


def rows_of(work: Work, vault_id: bytes) -> list[GrantRow]:
    """Every decision of a patient, newest first."""
    return list(
        work.session.scalars(sa.select(GrantRow).where(GrantRow.vault == vault_id).order_by(GrantRow.created.desc()))
    )
