"""
Stretching what people type, with Argon2id (RFC 9106), so that guessing costs time and memory.

Every function here may raise `Busy`: at most `Gate.at_once` run at a time, since
each of them holds its profile's memory, and at most `Gate.queue` wait.
"""

import hashlib
import os
import threading
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from vault.sealing.derive import hkdf, lp
from vault.sealing.errors import Busy, PasswordTooLong, UnknownSuite
from vault.sealing.labels import Label

LONGEST_PASSWORD: Final = 256
UNKNOWN_BIRTH: Final = "00000000"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one stretching costs: memory in KiB, passes over it, lanes."""

    memory_kib: int
    iterations: int
    lanes: int


PEOPLE: Final = 1
INDEX: Final = 2

PROFILES: dict[int, Profile] = {
    # Rows store the number, so a line is added and never changed.
    PEOPLE: Profile(65_536, 3, 1),  # passwords and PINs: RFC 9106 4, second option, in one lane
    INDEX: Profile(19_456, 2, 1),  # share codes (75 random bits) and blind indexes
}


# -- the gate --------------------------------------------------------------------------------------


class Gate:
    """Lets `at_once` through and `queue` wait; whoever comes beyond that is told when to come back."""

    def __init__(self, *, at_once: int, queue: int = 20) -> None:
        self.at_once = at_once
        self.queue = queue
        self._places = threading.BoundedSemaphore(at_once + queue)
        self._working = threading.BoundedSemaphore(at_once)

    @contextmanager
    def held(self) -> Generator[None]:
        """One place, given back at the end. Raises `Busy` where the queue is full."""
        if not self._places.acquire(blocking=False):
            raise Busy(self.retry_after())
        try:
            with self._working:
                yield
        finally:
            self._places.release()

    def retry_after(self) -> int:
        """Seconds until a full queue is done, at a third of a second each."""
        return max(1, -(-(self.queue + self.at_once) // (3 * self.at_once)))


_gate = Gate(at_once=len(os.sched_getaffinity(0)))


def share_cores(*, among: int) -> None:
    """Called once at start: this process may use its part of the cores, where `among` processes serve."""
    global _gate  # noqa: PLW0603  the machine's memory is one, and so is its gate
    _gate = Gate(at_once=max(1, len(os.sched_getaffinity(0)) // among))


def stretch(profile_id: int, secret: bytes, *, salt16: bytes, pepper: bytes, ad: bytes = b"") -> bytes:
    """32 octets that cost what the profile says to find; the same inputs give the same octets.

    `pepper` is a configured key of 32 octets, so that a stolen database alone allows
    no guess. Raises `Busy`; `UnknownSuite` for a profile this build does not know.
    """
    profile = PROFILES.get(profile_id)
    if profile is None:
        raise UnknownSuite("unknown profile")
    argon = Argon2id(
        salt=salt16,
        length=32,
        iterations=profile.iterations,
        lanes=profile.lanes,
        memory_cost=profile.memory_kib,
        ad=ad or None,
        secret=pepper,
    )
    with _gate.held():
        return argon.derive(secret)


# -- slots (docs/format.md 3) ----------------------------------------------------------------------


def stretch_password(
    password: str, *, salt: bytes, pepper: bytes, vault: bytes, slot: bytes, profile: int = PEOPLE
) -> bytes:
    """A password slot's 32 octets. Raises `PasswordTooLong` before any work is done."""
    check_password_length(password)
    typed = unicodedata.normalize("NFKC", password)
    return stretch(profile, lp(Label.PASSWORD, typed), salt16=salt, pepper=pepper, ad=lp(vault, slot))


def check_password_length(password: str) -> None:
    """Raise `PasswordTooLong` over 256 code points."""
    if len(password) > LONGEST_PASSWORD:
        raise PasswordTooLong("at most 256 characters")


def recovery_secret(code17: bytes, vault: bytes, slot: bytes) -> bytes:
    """A recovery slot's 32 octets; 130 random bits need no stretching."""
    return hkdf(code17, info=lp(Label.RECOVERY, vault, slot))


def passkey_secret(prf32: bytes, vault: bytes, slot: bytes) -> bytes:
    """A passkey slot's 32 octets, from the result of its PRF extension (WebAuthn level 3)."""
    if len(prf32) != 32:
        raise ValueError("a PRF result has 32 octets")
    return hkdf(prf32, info=lp(Label.PASSKEY, vault, slot))


# -- printed codes (docs/format.md 4.2, 8) ---------------------------------------------------------


def stretch_claim(
    secret11: str, born: str, *, salt: bytes, pepper: bytes, claim_id: bytes, profile: int = PEOPLE
) -> bytes:
    """A claim's 32 octets from the PIN's secret part and the birth date "YYYYMMDD" ("00000000": unknown)."""
    check_born(born)
    return stretch(profile, lp(Label.CLAIM, secret11, born), salt16=salt, pepper=pepper, ad=claim_id)


def stretch_share_code(
    secret15: str, extra: str, *, salt: bytes, pepper: bytes, holder_id: bytes, profile: int = INDEX
) -> bytes:
    """A share code's 32 octets; `extra` is what must be known besides ("" for nothing)."""
    return stretch(profile, lp(Label.CODE, secret15, extra), salt16=salt, pepper=pepper, ad=holder_id)


def stretch_passcode(passcode: str, *, salt: bytes, pepper: bytes, link_id: bytes, profile: int = INDEX) -> bytes:
    """A health link's passcode as 32 octets. Raises `PasswordTooLong`."""
    check_password_length(passcode)
    typed = unicodedata.normalize("NFKC", passcode)
    return stretch(profile, lp(Label.LINK, typed), salt16=salt, pepper=pepper, ad=link_id)


def check_born(born: str) -> None:
    """Raise `ValueError` unless `born` is eight ASCII digits."""
    if not (len(born) == 8 and born.isascii() and born.isdigit()):
        raise ValueError("a birth date is YYYYMMDD, or 00000000")


# -- slow blind indexes (docs/format.md 4.4, 7, 10) ------------------------------------------------


def normalise_mrn(number: str) -> str:
    """A patient number as it is compared: NFKC, no white space, upper case; leading zeros count."""
    return "".join(unicodedata.normalize("NFKC", number).split()).upper()


def patient_index(index_key: bytes, site16: bytes, issuer: str, mrn: str) -> bytes:
    """32 octets by which a site's patient is found; `issuer` may be ""."""
    return _index(index_key, site16, lp(Label.PATIENT, site16, issuer, normalise_mrn(mrn)))


def birth_check(index_key: bytes, site16: bytes, issuer: str, mrn: str, born: str) -> int:
    """0 to 255. One octet on purpose: it stops a wrong delivery and leaves a thief about 143 birth dates."""
    check_born(born)
    return _index(index_key, site16, lp(Label.BIRTH, site16, issuer, normalise_mrn(mrn), born))[0]


def conditional_index(index_key: bytes, site16: bytes, type: str, system: str, value: str) -> bytes:  # noqa: A002  FHIR's word
    """32 octets by which a site finds what it created before under this identifier."""
    return _index(index_key, site16, lp(Label.CONDITION, site16, type, system, value))


def accession_index(index_key: bytes, scope16: bytes, issuer: str, number: str) -> bytes:
    """32 octets by which a late report finds its study; written like a patient number, salted by its scope."""
    return _index(index_key, scope16, lp(Label.ACCESSION, scope16, issuer, normalise_mrn(number)))


def _index(index_key: bytes, within16: bytes, what: bytes) -> bytes:
    salt = hashlib.sha256(Label.PATIENT.encode() + within16).digest()[:16]
    return stretch(INDEX, what, salt16=salt, pepper=index_key)
