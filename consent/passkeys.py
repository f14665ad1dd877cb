"""Passkeys at the door: what a browser is asked, and whether what it answers was signed by the device it says.

W3C Web Authentication level 3, 7.1 and 7.2. Here a signature is looked at and nothing is opened: what opens a vault is
the result of the PRF extension, which comes beside the answer and goes to `vault.passkeys` unread.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from consent.errors import PasskeyRefused
from vault.database import Services
from vault.errors import NotThere
from vault.passkeys import Passkey, note_refused, note_signed, passkey_called

CHALLENGE_OCTETS = 32
CHALLENGE_SECONDS = 300
_LONGEST_ANSWER = 16 * 1024  # characters; an answer without a certificate has a tenth of it
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# What the library lets through of an answer that somebody made up.
_UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class Door:
    """Where passkeys count: the relying party's domain, the origin of its pages, and its name."""

    domain: str
    origin: str
    brand: str

    @classmethod
    def of(cls, base_url: str, brand: str) -> "Door":
        """The door of the pages at this address."""
        return cls(urlsplit(base_url).hostname or "", base_url, brand)

    @property
    def is_open(self) -> bool:
        """Whether browsers make passkeys for it: they do for a name, not for a number (5.1.3, "valid domain")."""
        try:
            ip_address(self.domain)
        except ValueError:
            return bool(self.domain)
        return False


@dataclass(frozen=True, slots=True)
class MadePasskey:
    """What a device said of the passkey it made."""

    credential: bytes
    public_key: bytes = field(repr=False)
    signed: int
    synced: bool


def new_challenge() -> bytes:
    """What the next answer must hold; it counts once."""
    return os.urandom(CHALLENGE_OCTETS)


def ask_to_make(
    door: Door, *, challenge: bytes, account_id: bytes, login: str, known: Iterable[bytes]
) -> dict[str, Any]:
    """What the browser hands to `navigator.credentials.create`; a device that holds one of `known` makes no other."""
    options = webauthn.generate_registration_options(
        rp_id=door.domain,
        rp_name=door.brand,
        user_id=account_id,
        user_name=login,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def ask_to_show(door: Door, *, challenge: bytes, known: Iterable[bytes] = ()) -> dict[str, Any]:
    """What the browser hands to `navigator.credentials.get`: one of `known`, or any of ours that the device has."""
    options = webauthn.generate_authentication_options(
        rp_id=door.domain,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def made(door: Door, answer: str, *, challenge: bytes) -> MadePasskey:
    """The passkey that the browser says was made. Raises `PasskeyRefused` (Web Authentication 7.1)."""
    told = _read(answer)
    try:
        found = webauthn.verify_registration_response(
            credential=told,
            expected_challenge=challenge,
            expected_rp_id=door.domain,
            expected_origin=door.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except _UNREADABLE:
        raise PasskeyRefused from None
    _check_is_our_page(told)
    return MadePasskey(
        credential=found.credential_id,
        public_key=found.credential_public_key,
        signed=found.sign_count,
        synced=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
    )


def shown(services: Services, door: Door, answer: str, *, challenge: bytes) -> Passkey:
    """The passkey that signed the challenge, with its person checked by its device; noted as used now.

    Raises `PasskeyRefused` (Web Authentication 7.2), also where its count of signatures went back, as that of a copy
    does; its owner sees that somebody tried.
    """
    told = _read(answer)
    try:
        with services.reading() as work:
            passkey = passkey_called(work, base64url_to_bytes(told["rawId"]))
    except (NotThere, *_UNREADABLE):
        raise PasskeyRefused from None
    try:
        signed = _signed(door, told, passkey, challenge)
    except PasskeyRefused:
        note_refused(services, passkey)
        raise
    with services.work() as work:
        note_signed(work, passkey, signed)
    return passkey


def _signed(door: Door, told: dict[str, Any], passkey: Passkey, challenge: bytes) -> int:
    try:
        found = webauthn.verify_authentication_response(
            credential=told,
            expected_challenge=challenge,
            expected_rp_id=door.domain,
            expected_origin=door.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.signed,
            require_user_verification=True,
        )
        whose = told["response"].get("userHandle")
        is_theirs = not whose or base64url_to_bytes(whose) == passkey.account_id
    except _UNREADABLE:
        raise PasskeyRefused from None
    _check_is_our_page(told)
    if not is_theirs:
        raise PasskeyRefused
    return found.new_sign_count


def _read(answer: str) -> dict[str, Any]:
    """The browser's answer, with nothing of its extensions: a PRF result that came along is dropped here."""
    try:
        told = json.loads(answer) if len(answer) <= _LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise PasskeyRefused
    kept = cast("dict[str, Any]", told)
    kept.pop("clientExtensionResults", None)
    return kept


def _check_is_our_page(told: Mapping[str, Any]) -> None:
    """Raise `PasskeyRefused` for an answer from a page inside somebody else's (7.1 step 10, 7.2 step 13)."""
    said = json.loads(base64url_to_bytes(told["response"]["clientDataJSON"]))
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise PasskeyRefused
