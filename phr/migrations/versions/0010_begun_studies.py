"""A token finds what it has begun of a study by one mark, however much else it has begun."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batch", sa.Column("uid_bi", sa.LargeBinary(length=16), nullable=True))
    op.create_index(op.f("ix_batch_uid_bi"), "batch", ["uid_bi"], unique=False)
