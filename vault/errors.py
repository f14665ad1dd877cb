"""What can go wrong in the vault, named for what happened.

VaultError
├── NoKey                 this keyring opens nothing of that
├── NotThere              no such row for this asker (never told apart from "not yours")
├── WrongSecret           a password, recovery code or share code opens nothing
│   ├── WrongPin          PIN and birth date open no claim; carries the tries left
│   ├── CodeSpent         the right code, already redeemed
│   └── WrongPasscode     a health link's passcode is wrong or missing; carries the tries left for life
├── ClaimUsed             the right PIN and birth date, but the claim was taken before
├── ClaimExpired          the right PIN and birth date, but the claim has run out
├── Wait                  too many tries; carries the seconds to wait
├── LastWayIn             nothing else opens the vault from day to day, so it stays
├── PasskeyTaken          this passkey belongs to an account already
├── LoginTaken            another account has this login
├── WeakPassword          too short, too long or too common
├── BrokenRecord          rows differ from what the owner sealed: tampering
├── BrokenChain           an event of an audit chain is missing, changed or out of place
├── DifferentContent      another object is already kept under this identifier
├── AmbiguousPatient      two links fit a push without a birth date
├── WrongBirthDate        an open claim of this patient carries another birth date
├── WrongSealSeed         the seed does not open the site's seal key
├── StoreClosed           keys are missing or are not those of this store
├── StoreAway             the database, or the store of octets, does not answer now
└── Expired               a session, grant or opener is past its time or was ended
"""


class VaultError(Exception):
    """The root of all that this room raises."""


class NoKey(VaultError):
    """The keyring at hand opens nothing of what was asked."""


class NotThere(VaultError):
    """No such thing for this asker; "not yours" and "not there" are the same answer."""


class WrongSecret(VaultError):
    """A password, recovery code or share code that opens nothing."""


class WrongPin(WrongSecret):
    """PIN and birth date open no claim. `tries_left` is the account's, not the slip's."""

    def __init__(self, tries_left: int) -> None:
        super().__init__("the PIN and the birth date open no claim")
        self.tries_left = tries_left


class CodeSpent(WrongSecret):
    """The right code, but it was redeemed before or its sharing has ended."""


class WrongPasscode(WrongSecret):
    """The health link wants another passcode. `tries_left` is for the link's whole life; at 0 it is dead."""

    def __init__(self, tries_left: int) -> None:
        super().__init__("the passcode opens nothing")
        self.tries_left = tries_left


class ClaimUsed(VaultError):
    """The right PIN and birth date; the claim was taken on `day` (ISO date), left there by the site `site_id`."""

    def __init__(self, day: str, site_id: bytes) -> None:
        super().__init__("the claim was taken before")
        self.day = day
        self.site_id = site_id


class ClaimExpired(VaultError):
    """The right PIN and birth date, but the claim has run out or was replaced by a newer slip."""


class Wait(VaultError):
    """Too many tries. `seconds` says how long to wait; never which limit was met."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries")
        self.seconds = max(1, seconds)


class LastWayIn(VaultError):
    """Without this slot nothing but a printed kit would open the vault: another way in must be made first."""


class PasskeyTaken(VaultError):
    """This passkey belongs to an account already."""


class LoginTaken(VaultError):
    """Another account has this e-mail address or account name."""


class WeakPassword(VaultError):
    """The password is refused; `reason` is one of "short", "long", "common"."""

    def __init__(self, reason: str) -> None:
        super().__init__("the password is refused")
        self.reason = reason


class BrokenRecord(VaultError):
    """The rows of a vault differ from what its owner sealed. `what` names the kind of row, never a value."""

    def __init__(self, what: str) -> None:
        super().__init__(f"a row does not match what its owner sealed: {what}")
        self.what = what


class BrokenChain(VaultError):
    """The event with number `n` of an audit chain is missing, changed or out of place."""

    def __init__(self, n: int) -> None:
        super().__init__(f"the chain of events breaks at number {n}")
        self.n = n


class DifferentContent(VaultError):
    """Another object is already kept under this identifier; the first one stays."""


class AmbiguousPatient(VaultError):
    """Two links fit a push that carries no full birth date; it is refused."""


class WrongBirthDate(VaultError):
    """An open claim of this patient carries another birth date; the site must reissue."""


class WrongSealSeed(VaultError):
    """The seed sent does not derive the site's seal key."""


class StoreClosed(VaultError):
    """The keys in the settings are missing or are not those this store was made with."""


class StoreAway(VaultError):
    """The database or the store of octets does not answer now, or another transaction is in the way for too long.

    The same again may succeed.
    """

    retry_after = 10  # seconds


class Expired(VaultError):
    """A session, grant or opener is past its time, or was ended."""
