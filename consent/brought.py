"""What a bearer secret leads to: its row, its holder, its grant and its client, found in one statement.

A request for a picture asks this and little more. Nothing found is believed before its MAC was checked and its key
opened; nothing is kept for the next request, so that an end counts at once.
"""

from dataclasses import dataclass

from consent.errors import TokenRefused
from consent.scopes import Scopes
from consent.tables import ClientRow, TokenRow
from consent.tokens import Bearer, State, holder_kind
from vault import openers
from vault.database import Work
from vault.errors import Expired, NotThere
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import GrantKeyring
from vault.limits import BOUNDS, GrantBounds
from vault.tables_sharing import GrantOwnerRow, TokenHolderRow


def _from_token(wanted: Found) -> Found:
    token, holder, grant, client = map(table_of, (TokenRow, TokenHolderRow, GrantOwnerRow, ClientRow))
    return wanted.select_from(
        token.outerjoin(holder, holder.c.id == token.c.id)
        .outerjoin(grant, grant.c.id == token.c.grant)
        .outerjoin(client, client.c.id == token.c.client)
    ).where(token.c.id == octets("id"))


_LEADING = Joined(
    Part(TokenRow),
    Part(TokenHolderRow),
    BOUNDS,
    Part(ClientRow),
    found=_from_token,
)


@dataclass(frozen=True, slots=True)
class Brought:
    """The rows a secret leads to; None for what it has not."""

    token: TokenRow
    holder: TokenHolderRow | None
    grant: GrantOwnerRow | None
    client: ClientRow | None

    @property
    def scopes(self) -> Scopes:
        """What the token may do."""
        return Scopes.parse(self.token.scope)


def brought_by(work: Work, token_id: bytes) -> Brought | None:
    """What the token of this identifier leads to; None where there is none."""
    for row in _LEADING.rows(work, id=token_id):
        return Brought(*row)
    return None


def check_alive(work: Work, brought: Brought, bearer: Bearer) -> None:
    """Raise `TokenRefused` unless the token is of the bearer's kind, and good at this moment as far as its row goes."""
    token = brought.token
    if token.kind != bearer.kind or token.state != State.LIVE or work.now >= token.expires:
        raise TokenRefused


def open_grant(work: Work, brought: Brought, bearer: Bearer) -> tuple[GrantKeyring, GrantBounds]:
    """The grant that the bearer opens, and what it gives. Raises `TokenRefused`, also once the grant has ended."""
    try:
        return openers.open_found_holder(
            work, brought.holder, brought.grant, secret=bearer.octets(), kind=holder_kind(bearer.kind)
        )
    except (Expired, NotThere):
        raise TokenRefused from None
