"""A code app beside the password, for accounts that are given other people's scans (docs/format.md 3)."""

from base64 import b32decode, b32encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from vault import audit
from vault.audit import Actor, Did
from vault.database import Work
from vault.keyring import VaultKeyring
from vault.record import lock_vault, write_record
from vault.sealing import onetime
from vault.sealing.unprintable import Unprintable
from vault.tables import EPOCH

_IN_USE: Final = "code_app"
_OFFERED: Final = "code_app_offered"
_LAST_STEP: Final = "code_app_step"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class TotpSecret(Unprintable):
    """What is shared with the app, once."""

    _secret: bytes

    def reveal(self) -> str:
        """In base 32, as people type it; called where the page is written."""
        return b32encode(self._secret).decode()

    def address(self, *, brand: str, account: str) -> str:
        """For the QR code (the key URI format that code apps read)."""
        label = quote(f"{brand}:{account}", safe=":")
        named = {"secret": self.reveal(), "issuer": brand, "digits": onetime.DIGITS, "period": onetime.STEP}
        return f"otpauth://totp/{label}?{urlencode(named, quote_via=quote)}"


def enable_code_app(work: Work, keyring: VaultKeyring) -> TotpSecret:
    """A fresh secret is offered. The one in use stays until digits of the new one were confirmed."""
    secret = onetime.new_secret()
    keyring.keep_field(work, _OFFERED, b32encode(secret).decode())
    work.session.flush()
    return TotpSecret(secret)


def confirm_code_app(work: Work, keyring: VaultKeyring, six: str) -> bool:
    """Whether these are digits of the secret offered last; if so, it is the one in use."""
    lock_vault(work, keyring.vault_id)
    offered = keyring.field(work, _OFFERED)
    if not offered or not _accept(work, keyring, offered, six, last=-1):
        return False
    keyring.keep_field(work, _IN_USE, offered)
    keyring.keep_field(work, _OFFERED, "")
    by = Actor("patient", keyring.vault_id)
    audit.record(work, owner=keyring.owner, did=Did.CODE_APP_ADDED, by=by)
    write_record(work, keyring)
    return True


def has_code_app(work: Work, keyring: VaultKeyring) -> bool:
    """Whether signing in asks for digits."""
    return bool(keyring.field(work, _IN_USE))


def check_code_app(work: Work, keyring: VaultKeyring, six: str) -> bool:
    """Whether these are the digits of now (or a step off), never used before. The first ever confirm the app.

    The try is counted by the caller, before this: `attempts.spend(services, Limit.SECOND_FACTOR, account_id)`.
    """
    secret = keyring.field(work, _IN_USE)
    if not secret:
        return confirm_code_app(work, keyring, six)
    lock_vault(work, keyring.vault_id)
    return _accept(work, keyring, secret, six, last=int(keyring.field(work, _LAST_STEP) or -1))


def _accept(work: Work, keyring: VaultKeyring, secret: str, six: str, *, last: int) -> bool:
    now = (work.now - EPOCH).days * 86_400 + (work.now - EPOCH).seconds
    step = onetime.matching_step(b32decode(secret), "".join(six.split()), now)
    if step is None or step <= last:  # each step once, and never back (RFC 6238 5.2)
        return False
    keyring.keep_field(work, _LAST_STEP, str(step))
    work.session.flush()
    return True
