"""A device with a lock, written down: it makes passkeys and signs with them as Web Authentication level 3 says.

What a forger would change can be changed: flags, the count, the page it thinks it is on.
"""

import hashlib
import hmac
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

Json = dict[str, Any]
PERSON_PRESENT, PERSON_CHECKED, MAY_BE_COPIED, WITH_KEY = 0x01, 0x04, 0x08, 0x40
PURPOSE = b"phr/v1/vault-unlock"


def text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


def octets(words: str) -> bytes:
    return urlsafe_b64decode(words + "=" * (-len(words) % 4))


@dataclass
class Device:
    """One passkey on one device; `holds_key` is whether it has the PRF extension."""

    origin: str
    holds_key: bool = True
    flags: int = PERSON_PRESENT | PERSON_CHECKED | MAY_BE_COPIED
    signed: int = 0
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    seed: bytes = field(default_factory=lambda: os.urandom(32))
    said_besides: Json = field(default_factory=dict)
    user: bytes = b""

    def __post_init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def key(self) -> str:
        """What its PRF extension gives, as the page sends it; "" where it has none."""
        salt = hashlib.sha256(b"WebAuthn PRF\0" + PURPOSE).digest()
        return text(hmac.digest(self.seed, salt, "sha256")) if self.holds_key else ""

    def makes(self, question: Json) -> dict[str, str]:
        """What the page sends after `navigator.credentials.create`."""
        self.user = octets(question["user"]["id"])
        numbers = self.private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        about = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cbor2.dumps(cose)
        data = self._data(question["rp"]["id"], WITH_KEY) + about
        said = {
            "clientDataJSON": text(self._said("webauthn.create", question)),
            "attestationObject": text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return self._form(said)

    def shows(self, question: Json) -> dict[str, str]:
        """What the page sends after `navigator.credentials.get`."""
        said, data = self._said("webauthn.get", question), self._data(question["rpId"])
        signature = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._form(
            {
                "clientDataJSON": text(said),
                "authenticatorData": text(data),
                "signature": text(signature),
                "userHandle": text(self.user),
            }
        )

    def _said(self, kind: str, question: Json) -> bytes:
        said = {"type": kind, "challenge": question["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | self.said_besides).encode()

    def _data(self, domain: str, more: int = 0) -> bytes:
        return hashlib.sha256(domain.encode()).digest() + struct.pack(">BI", self.flags | more, self.signed)

    def _form(self, response: Json) -> dict[str, str]:
        named = {"id": text(self.credential), "rawId": text(self.credential), "type": "public-key"}
        return {"answer": json.dumps(named | {"response": response}), "key": self.key}
