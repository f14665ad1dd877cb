"""What the authorization server says of itself: what is listed works, and what does not work is absent.

SMART wants `issuer` only from servers that sign people in to apps (OpenID Connect), which this one does not; RFC 9207
wants clients to know the issuer. So the SMART document goes without, and RFC 8414's carries it.
"""

from typing import Any

from consent.scopes import CREATABLE, READABLE, WORDS

AUTHORIZE, TOKEN, INTROSPECT, REVOKE, KEYS = "authorize", "token", "introspect", "revoke", "jwks.json"
SHARE_CODE = "urn:keepray:oauth:grant-type:share-code"
ALGORITHMS = ("RS384", "ES384")
GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token", SHARE_CODE)
CAPABILITIES = (
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "context-standalone-patient",
    "permission-patient",
    "permission-offline",
    "permission-v1",
    "permission-v2",
    "smart-imaging-access",
    "http://fhir.org/argonaut/smart-imaging/capabilities/app-launch",
)


def address_of(base_url: str, what: str) -> str:
    """The absolute address of one of the endpoints."""
    return f"{base_url}/oauth/{what}"


def fhir_base(base_url: str) -> str:
    """What `aud` must be in every authorization request."""
    return f"{base_url}/fhir"


def discovery(base_url: str) -> dict[str, Any]:
    """The SMART configuration (SMART App Launch 2.2, "Conformance"), served under the FHIR base."""
    return {
        "authorization_endpoint": address_of(base_url, AUTHORIZE),
        "token_endpoint": address_of(base_url, TOKEN),
        "introspection_endpoint": address_of(base_url, INTROSPECT),
        "revocation_endpoint": address_of(base_url, REVOKE),
        "management_endpoint": f"{base_url}/shares",
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": list(GRANT_TYPES),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": _scopes(),
        "associated_endpoints": [{"url": f"{base_url}/dicomweb", "capabilities": ["smart-imaging-access"]}],
        "capabilities": list(CAPABILITIES),
    }


def server_metadata(base_url: str) -> dict[str, Any]:
    """The same for clients of plain OAuth (RFC 8414), with the issuer that answers carry (RFC 9207)."""
    smart = discovery(base_url)
    left_out = {"management_endpoint", "associated_endpoints", "capabilities"}
    methods = [*smart["token_endpoint_auth_methods_supported"], "none"]
    return {
        "issuer": base_url,
        **{name: value for name, value in smart.items() if name not in left_out},
        "token_endpoint_auth_methods_supported": methods,
        "jwks_uri": address_of(base_url, KEYS),
    }


def _scopes() -> list[str]:
    reads = [f"patient/{kind}.rs" for kind in READABLE if kind != "Binary"]
    creates = [f"system/{kind}.c" for kind in CREATABLE if kind != "Binary"]
    return [*WORDS, "patient/*.rs", *reads, "patient/Binary.r", *creates]
