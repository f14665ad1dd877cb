"""A passkey is found by its slot; databases made in between have no index for that yet."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_passkey_slot"), "passkey", ["slot"], unique=False, if_not_exists=True)
