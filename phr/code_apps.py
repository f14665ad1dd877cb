"""Whether a provider's second thing to sign in with is at hand: a code app, and not one on a lost phone.

That it is lost is said by whoever showed password and recovery kit. Until another app is set up nothing opens; the old
one still counts for signing in, so that giving up half-way leaves the account as safe as it was.
"""

from vault import accounts
from vault.database import Work
from vault.keyring import VaultKeyring

_LOST = "code_app_lost"


def is_set_up(work: Work, own: VaultKeyring) -> bool:
    """Whether the account has a code app that nobody called lost."""
    return accounts.has_code_app(work, own) and not is_lost(work, own)


def is_lost(work: Work, own: VaultKeyring) -> bool:
    """Whether another app must be set up instead of the one in use."""
    return bool(own.field(work, _LOST))


def call_lost(work: Work, own: VaultKeyring) -> None:
    """The next thing is to set up another app."""
    own.keep_field(work, _LOST, "yes")


def call_replaced(work: Work, own: VaultKeyring) -> None:
    """Another app was set up."""
    own.keep_field(work, _LOST, "")
