"""The picture by which a site's patients know it, printed on their slips."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sitelogo",
        sa.Column("site", sa.LargeBinary(length=16), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_sitelogo_site_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_sitelogo")),
    )
