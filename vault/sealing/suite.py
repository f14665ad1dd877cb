"""
Suite 1: sealing to a public half, wrapping under a key, signing (docs/format.md 1).

    sealed  = 0x01 || HPKE(X-Wing, HKDF-SHA256, AES-256-GCM), context in `info`     32 octets → 1,169
    wrapped = 0x01 || nonce(12) || AES-256-GCM, context in the additional data      32 octets →    61
"""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from vault.sealing.derive import KEY_LENGTH, expand, lp
from vault.sealing.errors import Tampered, UnknownSuite
from vault.sealing.labels import Label
from vault.sealing.unprintable import Unprintable

Context = str | bytes | int

SUITE_1: Final = b"\x01"
PUBLIC_LENGTH: Final = 1_216
NONCE_LENGTH: Final = 12
_KEM_PUBLIC_LENGTH: Final = 1_184

# The library's own numbers for these are internal and no IANA code points: only our suite octet is stored.
_HPKE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


# -- sealing to a public half ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class KeyPair(Unprintable):
    """An X-Wing pair: 1,216 public octets, and what opens whatever is sealed to them."""

    public: bytes
    _private: MLKEM768X25519PrivateKey

    @classmethod
    def from_seed(cls, seed32: bytes) -> Self:
        """The same pair for the same 32 octets, always (draft-connolly-cfrg-xwing-kem 5.2)."""
        if len(seed32) != KEY_LENGTH:
            raise ValueError("a seed has 32 octets")
        wide = hashlib.shake_256(seed32).digest(96)
        kem = mlkem.MLKEM768PrivateKey.from_seed_bytes(wide[:64])
        curve = x25519.X25519PrivateKey.from_private_bytes(wide[64:])
        public = kem.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        return cls(public, MLKEM768X25519PrivateKey(kem, curve))

    def matches(self, public: bytes) -> bool:
        """Whether `public` is this pair's public half; takes the same time wherever they differ."""
        return hmac.compare_digest(self.public, public)

    def open(self, sealed: bytes, kind: str, *context: Context) -> bytes:
        """What was sealed to this pair under this `kind` and `context`; else `Tampered`."""
        body, info = _without_suite(sealed), lp(Label.SEAL, kind, *context)
        try:
            return _HPKE.decrypt(body, self._private, info=info)
        except (InvalidTag, ValueError, TypeError):
            raise Tampered("does not open") from None


def seal(public: bytes, secret: bytes, kind: str, *context: Context) -> bytes:
    """Only the pair behind `public`, asked with the same `kind` and `context`, opens what is returned.

    Raises `Tampered` if `public` is no public half.
    """
    info = lp(Label.SEAL, kind, *context)
    try:
        # A half of the right length may still be no point to seal to: the library says so only here.
        return SUITE_1 + _HPKE.encrypt(secret, _public_key(public), info=info)
    except (ValueError, TypeError):
        raise Tampered("no public half to seal to") from None


def open_sealed(pair: KeyPair, sealed: bytes, kind: str, *context: Context) -> bytes:
    """What was sealed to `pair` under this `kind` and `context`; else `Tampered`."""
    return pair.open(sealed, kind, *context)


def _public_key(raw: bytes) -> MLKEM768X25519PublicKey:
    if len(raw) != PUBLIC_LENGTH:
        raise ValueError("wrong length")
    return MLKEM768X25519PublicKey(
        mlkem.MLKEM768PublicKey.from_public_bytes(raw[:_KEM_PUBLIC_LENGTH]),
        x25519.X25519PublicKey.from_public_bytes(raw[_KEM_PUBLIC_LENGTH:]),
    )


def _without_suite(octets: bytes) -> bytes:
    if not octets:
        raise Tampered("empty")
    if octets[:1] != SUITE_1:
        raise UnknownSuite("unknown suite")
    return octets[1:]


# -- wrapping under a key --------------------------------------------------------------------------


def wrap(key32: bytes, secret: bytes, kind: str, *context: Context) -> bytes:
    """Only `key32`, asked with the same `kind` and `context`, unwraps what is returned."""
    return _wrap_with(os.urandom(NONCE_LENGTH), key32, secret, lp(Label.WRAP, kind, *context))


def unwrap(key32: bytes, wrapped: bytes, kind: str, *context: Context) -> bytes:
    """What was wrapped under `key32`, this `kind` and `context`; else `Tampered`."""
    body = _without_suite(wrapped)
    context_octets = lp(Label.WRAP, kind, *context)
    try:
        return _cipher(key32).decrypt(_nonce(body[:NONCE_LENGTH]), body[NONCE_LENGTH:], context_octets)
    except (InvalidTag, ValueError):
        raise Tampered("does not unwrap") from None


def _wrap_with(nonce: bytes, key32: bytes, secret: bytes, context: bytes) -> bytes:
    return SUITE_1 + _nonce(nonce) + _cipher(key32).encrypt(nonce, secret, context)


def _cipher(key32: bytes) -> AESGCM:
    # AESGCM would take 16 or 24 octets too.
    if len(key32) != KEY_LENGTH:
        raise ValueError("a key has 32 octets")
    return AESGCM(key32)


def _nonce(nonce: bytes) -> bytes:
    # AESGCM would take 8 to 128 octets.
    if len(nonce) != NONCE_LENGTH:
        raise ValueError("a nonce has 12 octets")
    return nonce


# -- an owner's signature --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SigningKey(Unprintable):
    """An Ed25519 key (RFC 8032): `public` has 32 octets, a signature 64."""

    public: bytes
    _private: ed25519.Ed25519PrivateKey

    @classmethod
    def from_seed(cls, seed32: bytes) -> Self:
        """The same key for the same 32 octets, always."""
        private = ed25519.Ed25519PrivateKey.from_private_bytes(seed32)
        return cls(private.public_key().public_bytes_raw(), private)

    def sign(self, message: bytes) -> bytes:
        """64 octets that only this key makes for `message`."""
        return self._private.sign(message)


def verify_signature(public: bytes, message: bytes, signature: bytes) -> None:
    """Return if `signature` is `public`'s for `message`; else raise `Tampered`."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Tampered("not signed by this key") from None


# -- a checkpoint's two signatures -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CheckpointKey(Unprintable):
    """Ed25519 and ML-DSA-65 (FIPS 204) side by side: who forges a checkpoint has broken both."""

    public: bytes
    _classical: ed25519.Ed25519PrivateKey
    _lattice: mldsa.MLDSA65PrivateKey

    @classmethod
    def from_seed(cls, seed32: bytes) -> Self:
        """The same two keys for the same 32 octets, always."""
        classical = ed25519.Ed25519PrivateKey.from_private_bytes(expand(seed32, Label.CHECKPOINT_ED25519))
        lattice = mldsa.MLDSA65PrivateKey.from_seed_bytes(expand(seed32, Label.CHECKPOINT_MLDSA65))
        halves = classical.public_key().public_bytes_raw(), lattice.public_key().public_bytes_raw()
        return cls(lp(*halves), classical, lattice)

    def sign(self, text: bytes) -> bytes:
        """Both signatures, each with its length before it."""
        return lp(self._classical.sign(text), self._lattice.sign(text))


def verify_checkpoint(public: bytes, text: bytes, signature: bytes) -> None:
    """Return if both signatures are those of `public` for `text`; else raise `Tampered`."""
    try:
        classical, lattice = _two_parts(public)
        by_classical, by_lattice = _two_parts(signature)
        ed25519.Ed25519PublicKey.from_public_bytes(classical).verify(by_classical, text)
        mldsa.MLDSA65PublicKey.from_public_bytes(lattice).verify(by_lattice, text)
    except (InvalidSignature, ValueError, struct.error):
        raise Tampered("not a checkpoint of this key") from None


def _two_parts(joined: bytes) -> tuple[bytes, bytes]:
    (first_length,) = struct.unpack_from(">H", joined)
    first, rest = joined[2 : 2 + first_length], joined[2 + first_length :]
    (second_length,) = struct.unpack_from(">H", rest)
    second = rest[2:]
    if len(first) != first_length or len(second) != second_length:
        raise ValueError("lengths disagree")
    return first, second
