"""Statements the server signs for others to keep: compact JWS under Ed25519 (RFC 7515, RFC 8037, RFC 9864).

The key follows from the audit key of the settings, so that every process of a server has the same one and none lies in
the database. Whoever keeps a statement can check it later with the public half, as long as that key is in use.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from consent.errors import NotAttested
from vault.sealing.derive import Label
from vault.secrets import Secrets

ALGORITHM: Final = "Ed25519"
MEDIA_TYPE: Final = "application/jose"  # RFC 7515 9.2.1


class _Long(jws.JWSRegistry):
    """Room for what is said of a large study, and for a long address of the keys; the library's own is less."""

    max_header_length = 4_096
    max_payload_length = 128 << 20


_REGISTRY: Final = _Long(algorithms=[ALGORITHM])


def attest(secrets: Secrets, statement: Mapping[str, Any], *, kind: str, keys_at: str) -> str:
    """The statement, signed; `kind` is its `typ`, `keys_at` the address of `attesting_keys`."""
    key = _key(secrets)
    header = {"alg": ALGORITHM, "typ": kind, "kid": key.thumbprint(), "jku": keys_at}
    octets = json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode()
    return jws.serialize_compact(header, octets, key, registry=_REGISTRY)


def attesting_keys(secrets: Secrets) -> dict[str, Any]:
    """The public half, as a JWK Set (RFC 7517 5)."""
    key = _key(secrets)
    return {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}]}


def read_attested(text: str, keys: Mapping[str, Any], *, kind: str) -> dict[str, Any]:
    """What a statement of this kind says, once one of `keys` (a JWK Set) has proved it. Raises `NotAttested`."""
    try:
        named = jws.extract_compact(text.strip().encode(), registry=_REGISTRY).headers()
        known = [one for one in keys["keys"] if one.get("kid") == named.get("kid") and one.get("crv") == ALGORITHM]
        if named.get("typ") != kind or len(known) != 1:
            raise NotAttested
        proved = jws.deserialize_compact(text.strip(), OKPKey.import_key(known[0]), registry=_REGISTRY)
        statement = json.loads(proved.payload)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        raise NotAttested from None
    if not isinstance(statement, dict):
        raise NotAttested
    return dict(statement)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _key(secrets: Secrets) -> OKPKey:
    """The same for the same settings, always (docs/format.md 7)."""
    options = {"salt": str(Label.MANIFEST).encode(), "info": b""}
    return OKPKey.derive_key(secrets.audit_key, ALGORITHM, kdf_options=options)
