"""That a doctor said they reviewed a report, a letter that somebody asked for on a day, and one owed for a new report."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review",
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant"], ["grant.id"], name=op.f("fk_review_grant_grant"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_review_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("grant", "study", name=op.f("pk_review")),
    )
    op.create_index(op.f("ix_review_study"), "review", ["study"], unique=False)
    op.create_table(
        "reminder",
        sa.Column("account", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.id"], name=op.f("fk_reminder_account_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_reminder_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account", "study", name=op.f("pk_reminder")),
    )
    op.create_index(op.f("ix_reminder_study"), "reminder", ["study"], unique=False)
    op.create_index(op.f("ix_reminder_due"), "reminder", ["due"], unique=False)
    op.add_column("alert", sa.Column("report_owed", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_alert_report_owed"), "alert", ["report_owed"], unique=False)
