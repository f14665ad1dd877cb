"""
SealingError
├── Tampered            wrong key, wrong context, changed octets, malformed: one error for all
│   └── UnknownSuite    names a suite or a profile this build does not know
├── NotACode            what was typed is no printed code
│   ├── WrongLength     characters are missing, or there are too many
│   ├── BadCharacter    a character that no code contains
│   └── Mistyped        the check characters disagree: a slip of the finger
├── PasswordTooLong     over 256 characters
└── Busy                too many secrets are being stretched at this moment
"""


class SealingError(Exception):
    """Root of everything `vault.sealing` raises on purpose."""


class Tampered(SealingError):
    """The key, the context or the octets are not those that were sealed; which one is not told."""


class UnknownSuite(Tampered):
    """The octets name a suite, or the row a profile, that this build does not know."""


class NotACode(SealingError):
    """What was typed cannot be a printed code. Never counted as an attempt."""


class WrongLength(NotACode):
    """`found` characters stand where `wanted` are printed; spaces and dashes are not counted."""

    def __init__(self, found: int, wanted: int) -> None:
        super().__init__(f"{found} characters where {wanted} are printed")
        self.found = found
        self.wanted = wanted


class BadCharacter(NotACode):
    """A character stands at `place` (from 1, spaces and dashes not counted) that no code contains."""

    def __init__(self, place: int) -> None:
        super().__init__(f"character {place} is in no code")
        self.place = place


class Mistyped(NotACode):
    """The check characters disagree with the rest."""


class PasswordTooLong(SealingError):
    """A password has at most 256 characters, so that nobody can buy our time with a long one."""


class Busy(SealingError):
    """The queue for stretching is full; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many secrets at once; try again in {retry_after} s")
        self.retry_after = retry_after
