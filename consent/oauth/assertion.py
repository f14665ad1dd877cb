"""Client assertions: short JWTs by which a client signs that it is itself (RFC 7523, SMART backend services).

RS384 and ES384 alone; the key is one the client registered, found by `kid`; `jku`, `x5u`, `x5c` and `jwk` of the header
are never followed. What the header may say, the claims must say, and how long it counts is checked here.
"""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeGuard, cast

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from consent.errors import ClientRefused, NoKeys
from consent.jwks import Jwk, KeySets, pick, read_key_set
from consent.oauth.discovery import ALGORITHMS
from consent.registered import Client
from consent.tables import SeenAssertionRow
from vault.database import Work
from vault.rows import insert_unless_there
from vault.sealing.derive import lp
from vault.tables import EPOCH

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 8_192
LIFE = 300  # seconds ahead at most
SKEW = 30  # seconds by which clocks may differ
SHORTEST_RSA = 256  # octets of the modulus


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that was read and not yet believed."""

    text: str
    algorithm: str
    kid: str
    jku: str | None
    claims: dict[str, Any]

    @property
    def client_id(self) -> str:
        """Who it says it is from."""
        return str(self.claims["sub"])

    @property
    def expires(self) -> int:
        """Until when it counts, in seconds since 1970."""
        return int(self.claims["exp"])


def read_assertion(text: str) -> Assertion:
    """The assertion, its form checked, nothing of it believed. Raises `ClientRefused`."""
    if len(text) > LONGEST or text.count(".") != 2:
        raise ClientRefused("The assertion is no signed JWT.")
    head, body, _ = text.split(".")
    header, claims = _json(head), _json(body)
    if header.get("alg") not in ALGORITHMS:
        raise ClientRefused("The assertion is signed with RS384 or ES384.")
    if str(header.get("typ", "")).upper() != "JWT" or {"crit", "b64", "zip"} & header.keys():
        raise ClientRefused("The assertion's header has typ JWT, and neither crit, b64 nor zip.")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise ClientRefused("The assertion names no key (kid).")
    if not isinstance(claims.get("sub"), str) or claims.get("iss") != claims["sub"]:
        raise ClientRefused("iss and sub are both the client_id.")
    jku = header.get("jku")
    return Assertion(text, header["alg"], header["kid"], None if jku is None else str(jku), claims)


def check_assertion(assertion: Assertion, client: Client, key_sets: KeySets, *, audience: str, now: datetime) -> None:
    """Return if the client signed this for us, now. Raises `ClientRefused`. May fetch the client's key set."""
    key = _key(assertion, client, key_sets)
    try:
        jwt.decode(assertion.text, JWKRegistry.import_key(key), algorithms=[assertion.algorithm])
    except (JoseError, ValueError, TypeError, KeyError):
        raise ClientRefused("The assertion could not be verified.") from None
    _check_claims(assertion.claims, audience, (now - EPOCH).total_seconds())


def note_assertion(work: Work, assertion: Assertion) -> None:
    """The assertion counts from now on as used. Raises `ClientRefused` where it was used before."""
    seen = sha256(lp(assertion.client_id, str(assertion.claims["jti"]))).digest()
    work.session.execute(sa.delete(SeenAssertionRow).where(SeenAssertionRow.expires < work.now))
    until = datetime.fromtimestamp(assertion.expires + SKEW, tz=work.now.tzinfo)
    if not insert_unless_there(work.session, SeenAssertionRow, id=seen, expires=until):
        raise ClientRefused("The assertion was used before (jti).")


def _key(assertion: Assertion, client: Client, key_sets: KeySets) -> Jwk:
    if assertion.jku is not None and assertion.jku != client.keys_url:
        raise ClientRefused("jku is not the registered address.")
    try:
        if client.keys_url:
            key = key_sets.find(client.keys_url, kid=assertion.kid, algorithm=assertion.algorithm)
        else:
            key = pick(read_key_set(client.keys or '{"keys":[]}'), kid=assertion.kid, algorithm=assertion.algorithm)
    except NoKeys as problem:
        raise ClientRefused(f"The key set could not be used: {problem.reason}.") from None
    if key is None:
        raise ClientRefused("Not exactly one registered key has this kid and fits the algorithm.")
    if key.get("kty") == "RSA" and len(_octets(str(key.get("n", "")))) < SHORTEST_RSA:
        raise ClientRefused("An RSA key has 2048 bits or more.")
    return key


def _check_claims(claims: dict[str, Any], audience: str, now: float) -> None:
    expires, jti = claims.get("exp"), claims.get("jti")
    if claims.get("aud") != audience:
        raise ClientRefused("aud is the address of the token endpoint, alone.")
    if not _is_time(expires) or not now - SKEW < expires <= now + LIFE + SKEW:
        raise ClientRefused("exp lies within the next five minutes.")
    for name in ("iat", "nbf"):
        if name in claims and not (_is_time(claims[name]) and claims[name] <= now + SKEW):
            raise ClientRefused(f"{name} lies in the future.")
    if not isinstance(jti, str) or not 0 < len(jti) <= 255:
        raise ClientRefused("jti is missing.")


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40


def _json(part: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(_octets(part))
    except (ValueError, RecursionError):
        raise ClientRefused("The assertion is no signed JWT.") from None
    if not isinstance(value, dict):
        raise ClientRefused("The assertion is no signed JWT.")
    return cast("dict[str, Any]", value)


def _octets(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
