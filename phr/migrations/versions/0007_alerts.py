"""Which letters an account gets, and which it is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("account", sa.LargeBinary(length=16), nullable=False),
        sa.Column("new_scan", sa.Boolean(), nullable=False),
        sa.Column("not_opened", sa.Boolean(), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("scan_owed", sa.BigInteger(), nullable=True),
        sa.Column("share_owed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_alert_account_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_alert")),
    )
    op.create_index(op.f("ix_alert_scan_owed"), "alert", ["scan_owed"], unique=False)
    op.create_index(op.f("ix_alert_share_owed"), "alert", ["share_owed"], unique=False)
    op.create_index(op.f("ix_grant_created"), "grant", ["created"], unique=False)
