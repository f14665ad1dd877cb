"""What lists show, prepared: cards and sheets, and the counters that say whether they are still right."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scope", sa.Column("changes", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("study", sa.Column("changed", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_table(
        "card",
        sa.Column("owner", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("what", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_card_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "study", "what", name=op.f("pk_card")),
    )
    op.create_index(op.f("ix_card_study"), "card", ["study"], unique=False)
    op.create_table(
        "sheet",
        sa.Column("owner", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_sheet")),
    )
