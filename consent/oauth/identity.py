"""Who signed in, told to an app: the id token and the same by its access token (OpenID Connect Core 2, 5.3).

An app knows a person by a `sub` that no other app has. Name and birth date are not told here: those are the record's.
"""

from typing import Any

from joserfc import jwt

from consent import signing_keys
from consent.launches import Launch
from consent.oauth.discovery import fhir_base
from consent.registered import Client
from consent.scopes import TELL_WHO, Scopes
from consent.tokens import text_of
from vault.database import Work
from vault.sealing import derive

COUNTS_SECONDS = 900


def id_token(work: Work, client: Client, vault_id: bytes, launch: Launch, *, scopes: Scopes, issuer: str) -> str:
    """A signed word that this patient let this app in (RS256)."""
    now = int(work.now.timestamp())
    claims: dict[str, Any] = {
        **claims_of(work, client, vault_id, scopes=scopes, issuer=issuer),
        "aud": client.client_id,
        "iat": now,
        "exp": now + COUNTS_SECONDS,
    }
    if launch.auth_time is not None:
        claims["auth_time"] = int(launch.auth_time.timestamp())
    if launch.nonce:
        claims["nonce"] = launch.nonce
    key = signing_keys.current(work)
    algorithm = signing_keys.ALGORITHM
    return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def claims_of(work: Work, client: Client, vault_id: bytes, *, scopes: Scopes, issuer: str) -> dict[str, Any]:
    """Who it is, as far as the scopes say: `iss`, `sub`, and the patient's own resource."""
    told: dict[str, Any] = {
        "iss": issuer,
        "sub": text_of(derive.subject(work.secrets.index_key, vault_id, client.id)),
    }
    return told | {name: f"{fhir_base(issuer)}/Patient/{vault_id.hex()}" for name in TELL_WHO if name in scopes}
