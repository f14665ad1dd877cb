"""The rows of decisions: who may ask, with which scopes, for how long. None holds a key or a word about a person.

Names and notes lie sealed in the vault's rows or in `GrantRow.redeemer`; tokens are stored only as what is derived from
them one way (docs/format.md 8). Foreign keys point down to the vault, never back.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from vault.tables import Row

_ID = sa.LargeBinary(16)


class ClientRow(Row):
    """A registered piece of software. `kind` is app or site; `auth` is the one way it authenticates (RFC 7591's words).

    `secret` is stretched with `salt` under a pepper; `keys` is a key set (JSON) or `keys_url` where it is found. Of an
    app that registered itself, `registration` is what its registration token derives to, `about` what else it said.
    """

    __tablename__ = "client"
    id: Mapped[bytes] = mapped_column(_ID, primary_key=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    maker: Mapped[str]
    auth: Mapped[str]
    scopes: Mapped[str]
    redirect_uris: Mapped[str]
    origins: Mapped[str]
    rights: Mapped[str]
    site: Mapped[bytes | None] = mapped_column(_ID, sa.ForeignKey("site.id", ondelete="CASCADE"))
    secret: Mapped[bytes | None]
    salt: Mapped[bytes | None]
    pepper_id: Mapped[int | None]
    keys: Mapped[str | None]
    keys_url: Mapped[str | None]
    registration: Mapped[bytes | None] = mapped_column(_ID)
    about: Mapped[str | None]
    active: Mapped[bool]
    row_mac: Mapped[bytes]
    created: Mapped[datetime]


class GrantRow(Row):
    """A patient's decision. Its keys are the vault's grant of the same identifier; here is what became of it.

    `kind` is code, link, provider or app. `ended_by` is patient, time, app or guesses. `redeemer` is sealed to the
    patient.
    """

    __tablename__ = "grant"
    id: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("grantowner.id", ondelete="CASCADE"), primary_key=True)
    vault: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("vault.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    client: Mapped[bytes | None] = mapped_column(_ID, sa.ForeignKey("client.id", ondelete="SET NULL"), index=True)
    scope: Mapped[str]
    purpose: Mapped[str]
    created: Mapped[datetime] = mapped_column(index=True)
    redeemed_at: Mapped[datetime | None]
    redeemed_by: Mapped[str | None]
    redeemer: Mapped[bytes | None]
    first_opened: Mapped[datetime | None]
    last_opened: Mapped[datetime | None]
    opens: Mapped[int]
    saved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class AlertRow(Row):
    """Which letters an account gets, and those it is owed: since when a new scan, a new report, or a share that nobody
    opened, waits.

    In the clear, for letters are written while nobody is there who could open anything; it says what not to write, so
    that it has no MAC: whoever changes it can make a letter come that says next to nothing, or none.
    """

    __tablename__ = "alert"
    account: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    new_scan: Mapped[bool]
    not_opened: Mapped[bool]
    quiet: Mapped[bool]
    language: Mapped[str]
    scan_owed: Mapped[datetime | None] = mapped_column(index=True)
    report_owed: Mapped[datetime | None] = mapped_column(index=True)
    share_owed: Mapped[datetime | None] = mapped_column(index=True)


class ReminderRow(Row):
    """A letter that somebody asked for on a day: a study's report waits, or asks for another scan. In the clear, as
    `AlertRow`.
    """

    __tablename__ = "reminder"
    account: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    study: Mapped[bytes] = mapped_column(
        _ID, sa.ForeignKey("study.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    due: Mapped[datetime] = mapped_column(index=True)


class ReviewRow(Row):
    """Whoever was given this says that they reviewed the study's report. The patient's history has it too."""

    __tablename__ = "review"
    grant: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("grant.id", ondelete="CASCADE"), primary_key=True)
    study: Mapped[bytes] = mapped_column(
        _ID, sa.ForeignKey("study.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    at: Mapped[datetime]


class LinkReaderRow(Row):
    """Someone who opened a health link, by an index of what they called themselves; that is sealed to the patient."""

    __tablename__ = "linkreader"
    id: Mapped[bytes] = mapped_column(_ID, primary_key=True)
    grant: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("grantowner.id", ondelete="CASCADE"), index=True)
    ct: Mapped[bytes]
    first: Mapped[datetime]
    last: Mapped[datetime]
    opens: Mapped[int]


class TokenRow(Row):
    """The policy side of a bearer secret; the key side, where there is one, is the vault's row of the same identifier.

    `kind` is authz, at, rt, shl-at, site or guest. `state` is live, spent (a code), rotated, superseded (a refresh
    token's unused successors) or ended. All that came of one decision share `family`; `parent` is the refresh token
    before.
    """

    __tablename__ = "token"
    id: Mapped[bytes] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str]
    client: Mapped[bytes | None] = mapped_column(_ID, sa.ForeignKey("client.id", ondelete="CASCADE"), index=True)
    grant: Mapped[bytes | None] = mapped_column(_ID, sa.ForeignKey("grantowner.id", ondelete="CASCADE"), index=True)
    family: Mapped[bytes] = mapped_column(_ID, index=True)
    parent: Mapped[bytes | None] = mapped_column(_ID, index=True)
    scope: Mapped[str]
    state: Mapped[str]
    issued: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)
    changed: Mapped[datetime | None]
    used: Mapped[datetime | None]
    idle: Mapped[int | None]
    redirect_uri: Mapped[str | None]
    challenge: Mapped[str | None]


class LaunchRow(Row):
    """What belongs to every token of one family beside its scopes (SMART launch context, OpenID Connect).

    `nonce` is the app's own, `study` the one scan that the patient chose for it, `auth_time` when they showed who they
    are.
    """

    __tablename__ = "launch"
    family: Mapped[bytes] = mapped_column(_ID, primary_key=True)
    grant: Mapped[bytes] = mapped_column(_ID, sa.ForeignKey("grantowner.id", ondelete="CASCADE"), index=True)
    nonce: Mapped[str | None]
    study: Mapped[bytes | None] = mapped_column(_ID)
    auth_time: Mapped[datetime | None]
    row_mac: Mapped[bytes]


class SigningKeyRow(Row):
    """A key that id tokens are signed with: the public half as a JWK, the private one under the audit key.

    The newest signs; the others are published until they retire, so that what they signed can still be checked.
    """

    __tablename__ = "signingkey"
    kid: Mapped[str] = mapped_column(primary_key=True)
    public: Mapped[str]
    private: Mapped[bytes]
    created: Mapped[datetime] = mapped_column(index=True)
    retires: Mapped[datetime | None]
    row_mac: Mapped[bytes]


class SeenAssertionRow(Row):
    """A client assertion's identifier, kept until the assertion would have run out, so that it counts once."""

    __tablename__ = "seenassertion"
    id: Mapped[bytes] = mapped_column(sa.LargeBinary(32), primary_key=True)
    expires: Mapped[datetime] = mapped_column(index=True)
