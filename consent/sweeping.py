"""What this room forgets by itself: sharing that has run out, tokens and launches that nothing belongs to any more."""

from consent import grants, registration, signing_keys, tokens
from vault.database import Services


def sweep(services: Services) -> None:
    """Grants whose time is over have lost their keys; rows of tokens long dead, and of retired keys, are gone.

    Called every minute.
    """
    for what in (grants.end_run_out, tokens.sweep, registration.forget_unused, signing_keys.sweep):
        with services.work() as work:
            what(work)
