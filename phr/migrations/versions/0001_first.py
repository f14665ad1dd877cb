"""The first shape of everything.

Every constraint has a name, so that later migrations can speak of it. Times are microseconds since 1970 (vault.tables).
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915  one statement for each table and index
    op.create_table(
        "audit",
        sa.Column("owner_kind", sa.String(), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=16), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("h", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner_kind", "owner", "n", name=op.f("pk_audit")),
    )
    op.create_table(
        "audit_head",
        sa.Column("owner_kind", sa.String(), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=16), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("h", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner_kind", "owner", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "blob",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "counter",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter")),
    )
    op.create_index(op.f("ix_counter_until"), "counter", ["until"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
    )
    op.create_index(op.f("ix_draft_expires"), "draft", ["expires"], unique=False)
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "once",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_once")),
    )
    op.create_index(op.f("ix_once_until"), "once", ["until"], unique=False)
    op.create_table(
        "seenassertion",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seenassertion")),
    )
    op.create_index(op.f("ix_seenassertion_expires"), "seenassertion", ["expires"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("seal_pk", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "vault",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vpk", sa.LargeBinary(), nullable=False),
        sa.Column("sig_pk", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("login_bi", sa.LargeBinary(), nullable=False),
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("mail", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("erase_after", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_account_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login_bi", name=op.f("uq_account_login_bi")),
    )
    op.create_index(op.f("ix_account_vault"), "account", ["vault"], unique=False)
    op.create_table(
        "client",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("maker", sa.String(), nullable=False),
        sa.Column("auth", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("redirect_uris", sa.String(), nullable=False),
        sa.Column("origins", sa.String(), nullable=False),
        sa.Column("rights", sa.String(), nullable=False),
        sa.Column("site", sa.LargeBinary(length=16), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("pepper_id", sa.Integer(), nullable=True),
        sa.Column("keys", sa.String(), nullable=True),
        sa.Column("keys_url", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_client_site_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_client_client_id")),
    )
    op.create_table(
        "field",
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_field_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("vault", "subject", "name", name=op.f("pk_field")),
    )
    op.create_table(
        "grantowner",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("gpk", sa.LargeBinary(), nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("rules", sa.String(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_grantowner_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grantowner")),
    )
    op.create_index(op.f("ix_grantowner_vault"), "grantowner", ["vault"], unique=False)
    op.create_table(
        "scope",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("site", sa.LargeBinary(length=16), nullable=True),
        sa.Column("patient_bi", sa.LargeBinary(), nullable=True),
        sa.Column("dob_check", sa.Integer(), nullable=True),
        sa.Column("owner_kind", sa.String(), nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_scope_site_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scope")),
    )
    op.create_index("ix_scope_owner", "scope", ["owner_kind", "owner"], unique=False)
    op.create_index(op.f("ix_scope_patient_bi"), "scope", ["patient_bi"], unique=False)
    op.create_table(
        "slot",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("kdf_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("pepper_id", sa.Integer(), nullable=False),
        sa.Column("spk", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("confirmed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_slot_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
    )
    op.create_index(op.f("ix_slot_vault"), "slot", ["vault"], unique=False)
    op.create_table(
        "claim",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("site", sa.LargeBinary(length=16), nullable=False),
        sa.Column("patient_bi", sa.LargeBinary(), nullable=False),
        sa.Column("dob_check", sa.Integer(), nullable=True),
        sa.Column("scope", sa.LargeBinary(length=16), nullable=False),
        sa.Column("locator", sa.Integer(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("pepper_id", sa.Integer(), nullable=False),
        sa.Column("kdf_id", sa.Integer(), nullable=False),
        sa.Column("cpk", sa.LargeBinary(), nullable=False),
        sa.Column("dob_flag", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fails", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scope"], ["scope.id"], name=op.f("fk_claim_scope_scope")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_claim_site_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("locator", "lane", name=op.f("uq_claim_locator_lane")),
    )
    op.create_index(op.f("ix_claim_patient_bi"), "claim", ["patient_bi"], unique=False)
    op.create_index(op.f("ix_claim_scope"), "claim", ["scope"], unique=False)
    op.create_index(
        "uq_claim_open",
        "claim",
        ["site", "patient_bi"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "grant",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("client", sa.LargeBinary(length=16), nullable=True),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_at", sa.BigInteger(), nullable=True),
        sa.Column("redeemed_by", sa.String(), nullable=True),
        sa.Column("redeemer", sa.LargeBinary(), nullable=True),
        sa.Column("first_opened", sa.BigInteger(), nullable=True),
        sa.Column("last_opened", sa.BigInteger(), nullable=True),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name=op.f("fk_grant_client_client"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["id"], ["grantowner.id"], name=op.f("fk_grant_id_grantowner"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_grant_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant")),
    )
    op.create_index(op.f("ix_grant_vault"), "grant", ["vault"], unique=False)
    op.create_table(
        "holder",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.LargeBinary(), nullable=True),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("locator", sa.Integer(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("pepper_id", sa.Integer(), nullable=True),
        sa.Column("kdf_id", sa.Integer(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_holder_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holder")),
        sa.UniqueConstraint("locator", name=op.f("uq_holder_locator")),
    )
    op.create_index(op.f("ix_holder_grant"), "holder", ["grant"], unique=False)
    op.create_index(op.f("ix_holder_ref"), "holder", ["ref"], unique=False)
    op.create_table(
        "link",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("bi", sa.LargeBinary(), nullable=False),
        sa.Column("dob_check", sa.Integer(), nullable=True),
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("site", sa.LargeBinary(length=16), nullable=False),
        sa.Column("scope", sa.LargeBinary(length=16), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scope"], ["scope.id"], name=op.f("fk_link_scope_scope")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_link_site_site")),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_link_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("bi", "dob_check", name=op.f("uq_link_bi_dob_check")),
    )
    op.create_index(op.f("ix_link_scope"), "link", ["scope"], unique=False)
    op.create_index(op.f("ix_link_vault"), "link", ["vault"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vault", sa.LargeBinary(length=16), nullable=False),
        sa.Column("account", sa.LargeBinary(length=16), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("idle", sa.Integer(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.id"], name=op.f("fk_session_account_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["vault"], ["vault.id"], name=op.f("fk_session_vault_vault"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_expires"), "session", ["expires"], unique=False)
    op.create_index(op.f("ix_session_vault"), "session", ["vault"], unique=False)
    op.create_table(
        "study",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("scope", sa.LargeBinary(length=16), nullable=False),
        sa.Column("uid_bi", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["scope"], ["scope.id"], name=op.f("fk_study_scope_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("scope", "uid_bi", name=op.f("uq_study_scope_uid_bi")),
    )
    op.create_index(op.f("ix_study_uid_bi"), "study", ["uid_bi"], unique=False)
    op.create_table(
        "token",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("client", sa.LargeBinary(length=16), nullable=True),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=True),
        sa.Column("family", sa.LargeBinary(length=16), nullable=False),
        sa.Column("parent", sa.LargeBinary(length=16), nullable=True),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("idle", sa.Integer(), nullable=True),
        sa.Column("redirect_uri", sa.String(), nullable=True),
        sa.Column("challenge", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name=op.f("fk_token_client_client"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_token_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
    )
    op.create_index(op.f("ix_token_client"), "token", ["client"], unique=False)
    op.create_index(op.f("ix_token_expires"), "token", ["expires"], unique=False)
    op.create_index(op.f("ix_token_family"), "token", ["family"], unique=False)
    op.create_index(op.f("ix_token_grant"), "token", ["grant"], unique=False)
    op.create_index(op.f("ix_token_parent"), "token", ["parent"], unique=False)
    op.create_table(
        "tokenholder",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_tokenholder_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokenholder")),
    )
    op.create_index(op.f("ix_tokenholder_expires"), "tokenholder", ["expires"], unique=False)
    op.create_index(op.f("ix_tokenholder_grant"), "tokenholder", ["grant"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("token_id", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_batch_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("study", "token_id", name=op.f("uq_batch_study_token_id")),
    )
    op.create_table(
        "grantstudy",
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_grantstudy_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_grantstudy_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("grant", "study", name=op.f("pk_grantstudy")),
    )
    op.create_index(op.f("ix_grantstudy_study"), "grantstudy", ["study"], unique=False)
    op.create_table(
        "series",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("uid_bi", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_series_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("study", "uid_bi", name=op.f("uq_series_study_uid_bi")),
    )
    op.create_table(
        "batchkey",
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("owner_kind", sa.String(), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=16), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_batchkey_batch_batch"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch", "owner_kind", "owner", name=op.f("pk_batchkey")),
    )
    op.create_index("ix_batchkey_owner", "batchkey", ["owner_kind", "owner"], unique=False)
    op.create_table(
        "grantkey",
        sa.Column("grant", sa.LargeBinary(length=16), nullable=False),
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_class", sa.String(), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_grantkey_batch_batch"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["grant"], ["grantowner.id"], name=op.f("fk_grantkey_grant_grantowner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("grant", "batch", "key_class", name=op.f("pk_grantkey")),
    )
    op.create_index(op.f("ix_grantkey_batch"), "grantkey", ["batch"], unique=False)
    op.create_table(
        "ingest",
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("token_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("ct", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_ingest_batch_batch"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch", "token_id", name=op.f("pk_ingest")),
    )
    op.create_index(op.f("ix_ingest_expires"), "ingest", ["expires"], unique=False)
    op.create_table(
        "object",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("series", sa.LargeBinary(length=16), nullable=True),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("key_class", sa.String(), nullable=False),
        sa.Column("blob", sa.String(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_object_batch_batch"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["blob"], ["blob.id"], name=op.f("fk_object_blob_blob")),
        sa.ForeignKeyConstraint(["series"], ["series.id"], name=op.f("fk_object_series_series"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object")),
    )
    op.create_index(op.f("ix_object_batch"), "object", ["batch"], unique=False)
    op.create_index(op.f("ix_object_blob"), "object", ["blob"], unique=False)
    op.create_index(op.f("ix_object_series"), "object", ["series"], unique=False)
    op.create_table(
        "instance",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("scope", sa.LargeBinary(length=16), nullable=False),
        sa.Column("uid_bi", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("series", sa.LargeBinary(length=16), nullable=False),
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("object", sa.LargeBinary(length=16), nullable=False),
        sa.Column("index_object", sa.LargeBinary(length=16), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("layout", sa.LargeBinary(), nullable=False),
        sa.Column("content_mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_instance_batch_batch"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["index_object"], ["object.id"], name=op.f("fk_instance_index_object_object"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["object"], ["object.id"], name=op.f("fk_instance_object_object"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scope"], ["scope.id"], name=op.f("fk_instance_scope_scope")),
        sa.ForeignKeyConstraint(["series"], ["series.id"], name=op.f("fk_instance_series_series"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        sa.UniqueConstraint("scope", "uid_bi", "version", name=op.f("uq_instance_scope_uid_bi_version")),
    )
    op.create_index(op.f("ix_instance_batch"), "instance", ["batch"], unique=False)
    op.create_index(op.f("ix_instance_index_object"), "instance", ["index_object"], unique=False)
    op.create_index(op.f("ix_instance_object"), "instance", ["object"], unique=False)
    op.create_index(op.f("ix_instance_series"), "instance", ["series"], unique=False)
    op.create_index(op.f("ix_instance_uid_bi"), "instance", ["uid_bi"], unique=False)
    op.create_table(
        "preview",
        sa.Column("series", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("object", sa.LargeBinary(length=16), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["object"], ["object.id"], name=op.f("fk_preview_object_object"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series"], ["series.id"], name=op.f("fk_preview_series_series"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("series", "kind", name=op.f("pk_preview")),
    )
    op.create_index(op.f("ix_preview_object"), "preview", ["object"], unique=False)
    op.create_table(
        "resource",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("scope", sa.LargeBinary(length=16), nullable=False),
        sa.Column("study", sa.LargeBinary(length=16), nullable=False),
        sa.Column("batch", sa.LargeBinary(length=16), nullable=False),
        sa.Column("object", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_class", sa.String(), nullable=False),
        sa.Column("condition", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_resource_batch_batch"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object"], ["object.id"], name=op.f("fk_resource_object_object"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scope"], ["scope.id"], name=op.f("fk_resource_scope_scope")),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_resource_study_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
    )
    op.create_index(op.f("ix_resource_batch"), "resource", ["batch"], unique=False)
    op.create_index(op.f("ix_resource_condition"), "resource", ["condition"], unique=False)
    op.create_index(op.f("ix_resource_object"), "resource", ["object"], unique=False)
    op.create_index(op.f("ix_resource_scope"), "resource", ["scope"], unique=False)
    op.create_index(op.f("ix_resource_study"), "resource", ["study"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first shape")
