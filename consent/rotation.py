"""Secrets that are good for one use: authorization codes, and refresh tokens with what comes after them.

A secret brought a second time ends all that came of it (RFC 9700 4.14.2, docs/format.md 8).
"""

import sqlalchemy as sa

from consent import tokens
from consent.errors import TokenRefused, TokenReused
from consent.tables import TokenRow
from consent.tokens import GRACE, Bearer, Held, Kind, State
from vault import openers
from vault.database import Work
from vault.errors import Expired, NotThere
from vault.ids import Id
from vault.limits import hold_grant
from vault.rows import changed_rows
from vault.tables_sharing import TokenHolderRow

# --- codes -----------------------------------------------------------------------------------------------------------


def open_code(work: Work, text: str, client: Id) -> Held | None:
    """The live code of this client; None for anything else.

    Raises `TokenReused` for a code brought again, after ending all that came of it.
    """
    bearer = Bearer.read(text, Kind.CODE)
    if bearer is None:
        return None
    row = _locked(work, bearer)
    if row is None or row.client != client:
        return None
    if row.state == State.SPENT:
        tokens.notice_reuse(work, row)
        raise TokenReused
    if row.state != State.LIVE:
        return None
    try:
        return tokens.open_bearer(work, bearer)
    except TokenRefused:
        return None


def spend_code(work: Work, held: Held) -> bool:
    """True for exactly one caller; the row stays for ten minutes and more, so that a second use is seen."""
    row = held.row
    if not _moves(work, row.id, State.LIVE, State.SPENT):
        return False
    openers.drop_token_holder(work, row.id)
    return True


# --- refreshing ------------------------------------------------------------------------------------------------------


def rotate(work: Work, text: str, client: Id) -> Held | None:
    """The refresh token, which from now on is an old one; None where it opens nothing.

    Raises `TokenReused` for an old one, after ending its family; but for ten seconds the same client may
    repeat the same refresh because the answer was lost: as long as neither new token was used, they are replaced
    (docs/format.md 8).
    """
    bearer = Bearer.read(text, Kind.REFRESH)
    if bearer is None:
        return None
    row = _locked(work, bearer)
    if row is None or row.client != client or row.state == State.ENDED:
        return None
    if row.state == State.LIVE:
        return _rotate_live(work, bearer, row)
    if row.state == State.ROTATED and row.changed and work.now < row.changed + GRACE and _replace_unused(work, row):
        return _reopened(work, bearer, row)
    tokens.notice_reuse(work, row)
    raise TokenReused


def _rotate_live(work: Work, bearer: Bearer, row: TokenRow) -> Held | None:
    if work.now >= row.expires:
        return None
    held = _reopened(work, bearer, row)
    if held is None:
        return None
    row.state, row.changed, row.used = State.ROTATED.value, work.now, row.used or work.now
    soon = work.now + GRACE
    holder = sa.update(TokenHolderRow).where(TokenHolderRow.id == row.id, TokenHolderRow.expires > soon)
    work.session.execute(holder.values(expires=soon))
    work.session.flush()
    return held


def _reopened(work: Work, bearer: Bearer, row: TokenRow) -> Held | None:
    try:
        return Held(row, tokens.keyring_of(work, bearer))
    except TokenRefused:
        return None


def _replace_unused(work: Work, row: TokenRow) -> bool:
    """Whether the pair that came of `row` was never used; if so it opens nothing any more."""
    found = sa.select(TokenRow).where(TokenRow.parent == row.id, TokenRow.state != State.SUPERSEDED.value)
    after = list(work.session.scalars(found.with_for_update()))
    if any(one.state != State.LIVE or one.used is not None for one in after):
        return False
    for one in after:
        one.state, one.changed = State.SUPERSEDED.value, work.now
        openers.drop_token_holder(work, one.id)
    work.session.flush()
    return True


def _locked(work: Work, bearer: Bearer) -> TokenRow | None:
    """The row of a code or refresh token whose grant lives, held until the transaction ends.

    The grant is held first, as whoever ends it does: so neither waits for the other.
    """
    row = work.session.get(TokenRow, bearer.id)
    if row is None or row.grant is None:
        return None
    try:
        hold_grant(work, row.grant)
    except (Expired, NotThere):
        return None
    return work.session.get(TokenRow, bearer.id, with_for_update=True, populate_existing=True)


def _moves(work: Work, token_id: bytes, before: State, after: State) -> bool:
    done = sa.update(TokenRow).where(TokenRow.id == token_id, TokenRow.state == before.value)
    return changed_rows(work.session, done.values(state=after.value, changed=work.now)) == 1
