"""SMART Health Links: the links, their files, and who opened them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "healthlink",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("flags", sa.String(), nullable=False),
        sa.Column("owner_ct", sa.LargeBinary(), nullable=False),
        sa.Column("grant_ct", sa.LargeBinary(), nullable=False),
        sa.Column("key_ct", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("pepper_id", sa.Integer(), nullable=True),
        sa.Column("kdf_id", sa.Integer(), nullable=True),
        sa.Column("tries_left", sa.Integer(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_healthlink_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_healthlink")),
    )
    op.create_index(op.f("ix_healthlink_grant"), "healthlink", ["grant"], unique=False)
    op.create_table(
        "healthfile",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("link", sa.LargeBinary(length=16), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["link"], ["healthlink.id"], name=op.f("fk_healthfile_link_healthlink"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_healthfile")),
    )
    op.create_index(op.f("ix_healthfile_expires"), "healthfile", ["expires"], unique=False)
    op.create_index(op.f("ix_healthfile_link"), "healthfile", ["link"], unique=False)
    op.create_table(
        "linkreader",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_linkreader_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkreader")),
    )
    op.create_index(op.f("ix_linkreader_grant"), "linkreader", ["grant"], unique=False)
