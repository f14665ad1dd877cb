"""Indexes for what is swept every minute and for what a deleted row may take with it: nobody is looked for in all."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_account_erase_after", "account", ["erase_after"]),
    ("ix_audit_head_checkpoint", "audit_head", ["checkpoint"]),
    ("ix_batch_created", "batch", ["created"]),
    ("ix_batch_token_id", "batch", ["token_id"]),
    ("ix_blob_state", "blob", ["state", "since"]),
    ("ix_claim_closed", "claim", ["closed"]),
    ("ix_claim_expires", "claim", ["expires"]),
    ("ix_grant_client", "grant", ["client"]),
    ("ix_holder_expires", "holder", ["expires"]),
    ("ix_session_account", "session", ["account"]),
    ("ix_session_seen", "session", ["seen"]),
)
PARTIAL = (
    ("ix_claim_open_expires", "claim", "state = 'open'"),
    ("ix_grantowner_live_expires", "grantowner", "status = 'live'"),
)


def upgrade() -> None:
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns, unique=False)
    for name, table, which in PARTIAL:
        where = sa.text(which)
        op.create_index(name, table, ["expires"], unique=False, sqlite_where=where, postgresql_where=where)
