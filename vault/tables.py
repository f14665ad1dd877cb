"""Every row the vault keeps, and nothing that tells about a person (docs/format.md 7).

Clear: random identifiers, states, sizes, coarse times, public keys, blind indexes, counters. Everything else is sealed.
Rows of short-lived openers (`SessionRow`, `TokenHolderRow`, `IngestRow`, `DraftRow`) are tables of their own, so that
backups can leave them out (docs/format.md 12).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds since 1970 so that every database keeps it whole."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Microseconds since the epoch."""
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """An aware UTC datetime."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Row(DeclarativeBase):
    """The root of all tables, with named constraints so that migrations can speak of them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {bytes: sa.LargeBinary, datetime: Moment, str: sa.String}  # noqa: RUF012


def _id() -> Mapped[bytes]:
    return mapped_column(sa.LargeBinary(16), primary_key=True)


def _of(target: str, *, primary: bool = False, index: bool = False) -> Mapped[Any]:
    return mapped_column(
        sa.LargeBinary(16), sa.ForeignKey(target, ondelete="CASCADE"), primary_key=primary, index=index
    )


def _counter() -> Mapped[int]:
    return mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"))


class MetaRow(Row):
    """What the store remembers of itself: check values of its keys, the journal's sequence."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes]


# --- owners: vaults (people), sites, scopes, claims ------------------------------------------------------------------


class VaultRow(Row):
    """The public half of a person's key, and the record its owner seals of all that hangs on it."""

    __tablename__ = "vault"
    id: Mapped[bytes] = _id()
    vpk: Mapped[bytes]
    sig_pk: Mapped[bytes]
    record: Mapped[bytes]
    row_mac: Mapped[bytes]
    created: Mapped[datetime]


class AccountRow(Row):
    """A login and the vault it opens. `kind` is person, provider or admin; `mail` is wrapped under the mail key."""

    __tablename__ = "account"
    id: Mapped[bytes] = _id()
    login_bi: Mapped[bytes] = mapped_column(unique=True)
    vault: Mapped[bytes] = _of("vault.id", index=True)
    kind: Mapped[str]
    mail: Mapped[bytes | None]
    created: Mapped[datetime]
    erase_after: Mapped[datetime | None] = mapped_column(index=True)


class SlotRow(Row):
    """One way into a vault: a key pair whose public half is stored and to which the vault master is sealed."""

    __tablename__ = "slot"
    id: Mapped[bytes] = _id()
    vault: Mapped[bytes] = _of("vault.id", index=True)
    kind: Mapped[str]
    kdf_id: Mapped[int]
    salt: Mapped[bytes]
    pepper_id: Mapped[int]
    spk: Mapped[bytes]
    seal: Mapped[bytes]
    created: Mapped[datetime]
    last_used: Mapped[datetime | None]
    confirmed: Mapped[datetime | None]


class PasskeyRow(Row):
    """A passkey: what it is called between browser and server, its public key (COSE), how often it says it signed.

    `slot` is the way into the vault that it opens; one that cannot hold a key has none, and only says who is there.
    """

    __tablename__ = "passkey"
    id: Mapped[bytes] = _id()
    credential: Mapped[bytes] = mapped_column(unique=True)
    account: Mapped[bytes] = _of("account.id", index=True)
    slot: Mapped[bytes | None] = mapped_column(
        sa.LargeBinary(16), sa.ForeignKey("slot.id", ondelete="CASCADE"), index=True
    )
    public_key: Mapped[bytes]
    signed: Mapped[int] = mapped_column(sa.BigInteger)
    synced: Mapped[bool]
    row_mac: Mapped[bytes]
    created: Mapped[datetime]
    last_used: Mapped[datetime | None]


class FieldRow(Row):
    """Anything of a person's that is words: names, labels, choices; wrapped under the library key."""

    __tablename__ = "field"
    vault: Mapped[bytes] = _of("vault.id", primary=True)
    subject: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    ct: Mapped[bytes]


class SiteRow(Row):
    """An imaging site: its seal key's public half and what it registered (JSON: name, phone, zone, issuers)."""

    __tablename__ = "site"
    id: Mapped[bytes] = _id()
    seal_pk: Mapped[bytes]
    details: Mapped[str]
    active: Mapped[bool]
    row_mac: Mapped[bytes]
    created: Mapped[datetime]


class SiteLogoRow(Row):
    """The picture by which a site's patients know it. It is public, and on every slip."""

    __tablename__ = "sitelogo"
    site: Mapped[bytes] = _of("site.id", primary=True)
    media_type: Mapped[str]
    octets: Mapped[bytes]


class ScopeRow(Row):
    """A patient at a site, for life: blind indexes of what was pushed are keyed by it. Claiming moves only `owner`.

    `changes` counts what changed in any of its studies.
    """

    __tablename__ = "scope"
    __table_args__ = (sa.Index("ix_scope_owner", "owner_kind", "owner"),)
    id: Mapped[bytes] = _id()
    site: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("site.id"))
    patient_bi: Mapped[bytes | None] = mapped_column(index=True)
    dob_check: Mapped[int | None]
    owner_kind: Mapped[str]
    owner: Mapped[bytes]
    row_mac: Mapped[bytes]
    changes: Mapped[int] = _counter()


class ClaimRow(Row):
    """What a site left for a patient who has not taken it. `state` is open, claimed, expired or replaced."""

    __tablename__ = "claim"
    __table_args__ = (
        sa.UniqueConstraint("locator", "lane"),
        sa.Index("ix_claim_expires", "expires"),
        sa.Index(
            "ix_claim_open_expires",
            "expires",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "uq_claim_open",
            "site",
            "patient_bi",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
    )
    id: Mapped[bytes] = _id()
    site: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("site.id"))
    patient_bi: Mapped[bytes] = mapped_column(index=True)
    dob_check: Mapped[int | None]
    scope: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("scope.id"), index=True)
    locator: Mapped[int]
    lane: Mapped[int]
    salt: Mapped[bytes]
    pepper_id: Mapped[int]
    kdf_id: Mapped[int]
    cpk: Mapped[bytes]
    dob_flag: Mapped[int]
    state: Mapped[str]
    fails: Mapped[int]
    not_before: Mapped[datetime]
    expires: Mapped[datetime]
    closed: Mapped[datetime | None] = mapped_column(index=True)
    row_mac: Mapped[bytes]


class LinkRow(Row):
    """A site's patient number joined to a vault, so that later pushes need no PIN. `state` is live or dead."""

    __tablename__ = "link"
    __table_args__ = (sa.UniqueConstraint("bi", "dob_check"),)
    id: Mapped[bytes] = _id()
    bi: Mapped[bytes]
    dob_check: Mapped[int | None]
    vault: Mapped[bytes] = _of("vault.id", index=True)
    site: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("site.id"))
    scope: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("scope.id"), index=True)
    state: Mapped[str]
    created: Mapped[datetime]
    row_mac: Mapped[bytes]


# --- what is kept: studies, batches and their keys, objects ----------------------------------------------------------


class StudyRow(Row):
    """One DICOM study of one scope (or, where its UID is our own, the papers that belong to no study).

    `changed` counts how often what lists show of it changed (`vault.changes`).
    """

    __tablename__ = "study"
    __table_args__ = (sa.UniqueConstraint("scope", "uid_bi"),)
    id: Mapped[bytes] = _id()
    scope: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("scope.id"))
    uid_bi: Mapped[bytes] = mapped_column(index=True)
    created: Mapped[datetime]
    changed: Mapped[int] = _counter()


class SeriesRow(Row):
    """One DICOM series of a study."""

    __tablename__ = "series"
    __table_args__ = (sa.UniqueConstraint("study", "uid_bi"),)
    id: Mapped[bytes] = _id()
    study: Mapped[bytes] = _of("study.id")
    uid_bi: Mapped[bytes]


class BatchRow(Row):
    """What one site token pushed of one study: the unit that has a root key. The token finds it by `uid_bi`."""

    __tablename__ = "batch"
    __table_args__ = (sa.UniqueConstraint("study", "token_id"),)
    id: Mapped[bytes] = _id()
    study: Mapped[bytes] = _of("study.id")
    token_id: Mapped[bytes] = mapped_column(index=True)
    uid_bi: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16), index=True)
    created: Mapped[datetime] = mapped_column(index=True)


class BatchKeyRow(Row):
    """A batch's root key, sealed to a claim, a site or a vault, or wrapped under the vault's library key."""

    __tablename__ = "batchkey"
    __table_args__ = (sa.Index("ix_batchkey_owner", "owner_kind", "owner"),)
    batch: Mapped[bytes] = _of("batch.id", primary=True)
    owner_kind: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    ct: Mapped[bytes]
    row_mac: Mapped[bytes]


class IngestRow(Row):
    """A batch's root key under the token that began it, so that the next request can go on with it. Short-lived."""

    __tablename__ = "ingest"
    batch: Mapped[bytes] = _of("batch.id", primary=True)
    token_id: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    ct: Mapped[bytes]
    expires: Mapped[datetime] = mapped_column(index=True)


class BlobRow(Row):
    """A file of the blob store: the objects of one request and study, back to back. `state` is live or freed."""

    __tablename__ = "blob"
    __table_args__ = (sa.Index("ix_blob_state", "state", "since"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str]
    since: Mapped[datetime]


class ObjectRow(Row):
    """One sealed object (docs/format.md 6): where it lies, how long it is, and the commitment to its key."""

    __tablename__ = "object"
    id: Mapped[bytes] = _id()
    batch: Mapped[bytes] = _of("batch.id", index=True)
    series: Mapped[bytes | None] = mapped_column(
        sa.LargeBinary(16), sa.ForeignKey("series.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[int]
    key_class: Mapped[str]
    blob: Mapped[str] = mapped_column(sa.ForeignKey("blob.id"), index=True)
    offset: Mapped[int] = mapped_column(sa.BigInteger)
    length: Mapped[int] = mapped_column(sa.BigInteger)
    commitment: Mapped[bytes]


class InstanceRow(Row):
    """One DICOM instance. Its description is the `place`-th record of the series index `index_object`.

    `layout` says how its frames lie in the object, wrapped under the key its pictures have. `version` is above 0 only
    for documents pushed again under another token, whose content must not be comparable (docs/format.md 5).
    """

    __tablename__ = "instance"
    __table_args__ = (sa.UniqueConstraint("scope", "uid_bi", "version"),)
    id: Mapped[bytes] = _id()
    scope: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("scope.id"))
    uid_bi: Mapped[bytes] = mapped_column(index=True)
    version: Mapped[int]
    series: Mapped[bytes] = _of("series.id", index=True)
    batch: Mapped[bytes] = _of("batch.id", index=True)
    object: Mapped[bytes] = _of("object.id", index=True)
    index_object: Mapped[bytes] = _of("object.id", index=True)
    place: Mapped[int]
    layout: Mapped[bytes]
    content_mac: Mapped[bytes]


class PreviewRow(Row):
    """The thumbnail (kind 6) or quick view (kind 7) of a series, and how many instances it had when it was made."""

    __tablename__ = "preview"
    series: Mapped[bytes] = _of("series.id", primary=True)
    kind: Mapped[int] = mapped_column(primary_key=True)
    object: Mapped[bytes] = _of("object.id", index=True)
    instances: Mapped[int]


class ResourceRow(Row):
    """One FHIR resource as its site sent it. `condition` is the blind index that conditional creates look for."""

    __tablename__ = "resource"
    id: Mapped[bytes] = _id()
    scope: Mapped[bytes] = mapped_column(sa.LargeBinary(16), sa.ForeignKey("scope.id"), index=True)
    study: Mapped[bytes] = _of("study.id", index=True)
    batch: Mapped[bytes] = _of("batch.id", index=True)
    object: Mapped[bytes] = _of("object.id", index=True)
    key_class: Mapped[str]
    condition: Mapped[bytes | None] = mapped_column(index=True)
    created: Mapped[datetime]


# --- the catalogue: what lists show, prepared (docs/format.md 6) -----------------------------------------------------


class CardRow(Row):
    """What a list shows of one study, as one vault or grant may see it: sealed for that owner, made when `changed` was
    the study's. `what` is 0 for the study, 1 for its instances, 2 for the study as it was drawn. It goes with its
    study.
    """

    __tablename__ = "card"
    owner: Mapped[bytes] = _id()
    study: Mapped[bytes] = _of("study.id", primary=True, index=True)
    what: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changed: Mapped[int] = mapped_column(sa.BigInteger)
    ct: Mapped[bytes]


class SheetRow(Row):
    """By what the cards of an owner with many studies are searched: one sealed object (kind 8) with a column for each
    word. It goes when one of its studies goes.
    """

    __tablename__ = "sheet"
    owner: Mapped[bytes] = _id()
    id: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    commitment: Mapped[bytes]
    ct: Mapped[bytes]
