"""Rows of openers, grants, the audit chain and the counters; see `tables` for what may stand in clear."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from vault.tables import Row, _id, _of  # pyright: ignore[reportPrivateUsage]


class SessionRow(Row):
    """A signed-in device: the vault master under the key half that only its cookie has. Short-lived."""

    __tablename__ = "session"
    id: Mapped[bytes] = _id()
    vault: Mapped[bytes] = _of("vault.id", index=True)
    account: Mapped[bytes] = _of("account.id", index=True)
    area: Mapped[str]
    ct: Mapped[bytes]
    device: Mapped[bytes]
    created: Mapped[datetime]
    seen: Mapped[datetime] = mapped_column(index=True)
    idle: Mapped[int]
    expires: Mapped[datetime] = mapped_column(index=True)
    auth_time: Mapped[datetime]


class DraftRow(Row):
    """What someone typed and has not finished, wrapped under a key that only their cookie has. Short-lived."""

    __tablename__ = "draft"
    id: Mapped[bytes] = _id()
    ct: Mapped[bytes]
    expires: Mapped[datetime] = mapped_column(index=True)


class GrantOwnerRow(Row):
    """The key side of a grant: its public key, its limits, and the patient's signature over them.

    `classes` are bits (1 metadata, 2 pictures, 4 reports); `flags` are bits (1 view only, 2 standing). `rules` is the
    least a standing rule needs while the patient is away (JSON: site, modalities). `status` is live or ended.
    """

    __tablename__ = "grantowner"
    # Of live grants alone: an index that begins with the state would tempt a planner that knows no sizes to look
    # through everybody's live grants for one patient's.
    __table_args__ = (
        sa.Index(
            "ix_grantowner_live_expires",
            "expires",
            sqlite_where=sa.text("status = 'live'"),
            postgresql_where=sa.text("status = 'live'"),
        ),
    )
    id: Mapped[bytes] = _id()
    vault: Mapped[bytes] = _of("vault.id", index=True)
    gpk: Mapped[bytes]
    classes: Mapped[int]
    flags: Mapped[int]
    rules: Mapped[str | None]
    not_before: Mapped[datetime]
    expires: Mapped[datetime | None]
    status: Mapped[str]
    statement: Mapped[str]
    signature: Mapped[bytes]
    row_mac: Mapped[bytes]
    created: Mapped[datetime]
    ended: Mapped[datetime | None]


class GrantStudyRow(Row):
    """A study that a grant names."""

    __tablename__ = "grantstudy"
    grant: Mapped[bytes] = _of("grantowner.id", primary=True)
    study: Mapped[bytes] = _of("study.id", primary=True, index=True)
    row_mac: Mapped[bytes]


class GrantKeyRow(Row):
    """A class key of one batch, wrapped under the grant's key, or sealed to it while the patient was away."""

    __tablename__ = "grantkey"
    grant: Mapped[bytes] = _of("grantowner.id", primary=True)
    batch: Mapped[bytes] = _of("batch.id", primary=True, index=True)
    key_class: Mapped[str] = mapped_column(primary_key=True)
    ct: Mapped[bytes]
    row_mac: Mapped[bytes | None]


class HolderRow(Row):
    """Who can open a grant for long: its owner, a provider's vault, or a printed share code not yet redeemed.

    `kind` is owner, provider or share. A share code's row has what finding and checking it needs.
    """

    __tablename__ = "holder"
    id: Mapped[bytes] = _id()
    grant: Mapped[bytes] = _of("grantowner.id", index=True)
    kind: Mapped[str]
    ref: Mapped[bytes | None] = mapped_column(index=True)
    ct: Mapped[bytes]
    expires: Mapped[datetime | None] = mapped_column(index=True)
    uses_left: Mapped[int | None]
    locator: Mapped[int | None] = mapped_column(unique=True)
    salt: Mapped[bytes | None]
    pepper_id: Mapped[int | None]
    kdf_id: Mapped[int | None]
    commitment: Mapped[bytes | None]
    created: Mapped[datetime]


class TokenHolderRow(Row):
    """A grant's key under a bearer secret: authorization code, access or refresh token, guest session. Short-lived."""

    __tablename__ = "tokenholder"
    id: Mapped[bytes] = _id()
    grant: Mapped[bytes] = _of("grantowner.id", index=True)
    kind: Mapped[str]
    ct: Mapped[bytes]
    expires: Mapped[datetime] = mapped_column(index=True)


class HealthLinkRow(Row):
    """A SMART Health Link over a grant, found and opened by what its address derives (docs/format.md 8).

    `flags` are the letters of its payload. `owner_ct` shows the link to its patient again; `grant_ct` and `key_ct` are
    what the address opens. `tries_left` counts wrong passcodes for life; None where the link has none.
    """

    __tablename__ = "healthlink"
    id: Mapped[bytes] = _id()
    grant: Mapped[bytes] = _of("grantowner.id", index=True)
    flags: Mapped[str]
    owner_ct: Mapped[bytes]
    grant_ct: Mapped[bytes]
    key_ct: Mapped[bytes]
    commitment: Mapped[bytes]
    salt: Mapped[bytes | None]
    pepper_id: Mapped[int | None]
    kdf_id: Mapped[int | None]
    tries_left: Mapped[int | None]
    created: Mapped[datetime]
    row_mac: Mapped[bytes]


class HealthFileRow(Row):
    """One file of a health link, to be fetched once: the link's opening key under its address's. Short-lived."""

    __tablename__ = "healthfile"
    id: Mapped[bytes] = _id()
    link: Mapped[bytes] = _of("healthlink.id", index=True)
    what: Mapped[str]
    ct: Mapped[bytes]
    expires: Mapped[datetime] = mapped_column(index=True)


class AuditRow(Row):
    """One event of an owner's chain (docs/format.md 11). Pseudonymous identifiers only."""

    __tablename__ = "audit"
    owner_kind: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    n: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    event: Mapped[str]
    h: Mapped[bytes]


class AuditHeadRow(Row):
    """Where an owner's chain ends; locked by whoever adds to it."""

    __tablename__ = "audit_head"
    owner_kind: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    n: Mapped[int] = mapped_column(sa.BigInteger)
    h: Mapped[bytes]
    checkpoint: Mapped[int] = mapped_column(index=True)


class OnceRow(Row):
    """That an event was recorded in this hour already, so that reading pixels fills no chain."""

    __tablename__ = "once"
    id: Mapped[bytes] = _id()
    until: Mapped[datetime] = mapped_column(index=True)


class CheckpointRow(Row):
    """A signed root over the heads of all chains that changed since the one before."""

    __tablename__ = "checkpoint"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    signature: Mapped[bytes]
    leaves: Mapped[str]


class CounterRow(Row):
    """How often something was tried, under an index that names no one."""

    __tablename__ = "counter"
    id: Mapped[bytes] = _id()
    count: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime] = mapped_column(index=True)


class ExportRow(Row):
    """What a program asked to have exported, under its grant's key. Short-lived.

    `asked_at` is when it was last asked after.
    """

    __tablename__ = "export"
    id: Mapped[bytes] = _id()
    grant: Mapped[bytes] = _of("grantowner.id", index=True)
    ct: Mapped[bytes]
    created: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    expires: Mapped[datetime] = mapped_column(index=True)
