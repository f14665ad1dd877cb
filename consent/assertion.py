"""What a site's own program needs to ask for its token: a signing key, and a signed word of who it is.

The other side of `private_key_jwt` (RFC 7523 2.2, SMART App Launch 2.2 backend services); the server uses none of it.
"""

import os
import time
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

Jwk = dict[str, Any]

SECONDS: Final = 240  # a server takes 300 at most; the rest is for clocks that differ


def new_signing_key() -> tuple[Jwk, Jwk]:
    """A fresh key for ES384: the private half, and the public one to register."""
    key = ECKey.generate_key("P-384", {"kid": os.urandom(8).hex(), "use": "sig", "alg": "ES384"})
    return dict(key.as_dict(private=True)), dict(key.as_dict(private=False))


def client_assertion(private: Jwk, *, client_id: str, audience: str) -> str:
    """A signed word that we are `client_id`, good once and for four minutes. Raises `ValueError` for another key."""
    algorithm = _algorithm_of(private)
    key = ECKey.import_key(private) if algorithm == "ES384" else RSAKey.import_key(private)
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + SECONDS,
        "jti": os.urandom(16).hex(),
    }
    header = {"alg": algorithm, "kid": private["kid"], "typ": "JWT"}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def _algorithm_of(private: Jwk) -> str:
    kind = (private.get("kty"), private.get("crv"))
    if "d" not in private or "kid" not in private:
        raise ValueError("a signing key has its private half and a kid")
    if kind == ("EC", "P-384"):
        return "ES384"
    if kind[0] == "RSA":
        return "RS384"
    raise ValueError("a signing key is EC on P-384 or RSA")
