"""The client that every store knows: `phr pull`, which runs at other people's places and redeems a patient's code.

It is public (anybody may use its name), returns nowhere, and opens nothing without a code.
"""

from typing import Final

import sqlalchemy as sa

from consent.registered import APP, PUBLIC, client_mac
from consent.tables import ClientRow
from vault import audit
from vault.audit import SYSTEM_ACTOR, Did
from vault.database import Work
from vault.ids import new_id
from vault.keyring import SYSTEM

PULL: Final = "keepray-pull"
_SCOPES = "offline_access patient/*.rs"


def add_ready_made(work: Work) -> None:
    """The client is registered; one that the operator switched off stays off."""
    if work.session.scalar(sa.select(ClientRow.id).where(ClientRow.client_id == PULL)) is not None:
        return
    row = ClientRow(
        id=new_id(),
        client_id=PULL,
        kind=APP,
        name="phr pull",
        maker="",
        auth=PUBLIC,
        scopes=_SCOPES,
        redirect_uris="[]",
        origins="[]",
        rights="[]",
        active=True,
        created=work.now,
    )
    row.row_mac = client_mac(work, row)
    work.session.add(row)
    work.session.flush()
    audit.record(work, owner=SYSTEM, did=Did.CLIENT_ADDED, by=SYSTEM_ACTOR, to=row.id)
