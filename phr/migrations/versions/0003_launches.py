"""What an app was launched with, the keys of id tokens, and apps that registered themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "launch",
        sa.Column("family", sa.LargeBinary(length=16), nullable=False),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("study", sa.LargeBinary(length=16), nullable=True),
        sa.Column("auth_time", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_launch_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("family", name=op.f("pk_launch")),
    )
    op.create_index(op.f("ix_launch_grant"), "launch", ["grant"], unique=False)
    op.create_table(
        "signingkey",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("public", sa.String(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("retires", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signingkey")),
    )
    op.create_index(op.f("ix_signingkey_created"), "signingkey", ["created"], unique=False)
    op.add_column("client", sa.Column("registration", sa.LargeBinary(length=16), nullable=True))
    op.add_column("client", sa.Column("about", sa.String(), nullable=True))
