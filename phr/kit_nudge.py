"""Saying in time that nobody can be let in again without a recovery kit (experience P10).

Once the first pictures were seen, on the page of a scan, where it may be put off for as long as this sign-in lasts, and
before signing out; the list of scans says it until a kit was checked.
"""

from __future__ import annotations

from consent.access import Access
from phr import drafts
from phr.people import is_shared_device
from vault import accounts
from vault.database import Work
from vault.keyring import VaultKeyring

PUT_OFF = "kit_later"


def kit_is_owed(w: Work, own: VaultKeyring) -> bool:
    """Whether nobody has shown yet that they hold a recovery kit."""
    return accounts.recovery_kit(w, own).confirmed is None


def is_due(w: Work, own: VaultKeyring) -> bool:
    """Whether it is owed, and there is something to lose: pictures were looked at."""
    return own.field(w, "hints") is not None and kit_is_owed(w, own)


def stands_on_scans(w: Work, own: VaultKeyring) -> bool:
    """Whether the page of a scan says so."""
    return not drafts.text(PUT_OFF) and is_due(w, own)


def asks_before_leaving(w: Work, here: Access) -> bool:
    """Whether signing out leads past it; never on a device of others, where one must be gone with one press."""
    return not is_shared_device(here) and is_due(w, here.own_vault())


def put_off() -> None:
    """It stands on no scan's page until they sign in again."""
    drafts.keep(**{PUT_OFF: "yes"})
