"""What the authorization server says of itself: what is listed works, and what does not work is absent."""

from typing import Any

from consent.scopes import CREATABLE, READABLE, WORDS

AUTHORIZE, TOKEN, INTROSPECT, REVOKE = "authorize", "token", "introspect", "revoke"
KEYS, USERINFO, REGISTER = "jwks.json", "userinfo", "register"
SHARE_CODE = "urn:keepray:oauth:grant-type:share-code"
ALGORITHMS = ("RS384", "ES384")
GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token", SHARE_CODE)
CAPABILITIES = (
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
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
        "issuer": base_url,
        "jwks_uri": address_of(base_url, KEYS),
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
    """The same for clients of plain OAuth (RFC 8414)."""
    smart = discovery(base_url)
    left_out = {"management_endpoint", "associated_endpoints", "capabilities"}
    methods = [*smart["token_endpoint_auth_methods_supported"], "none"]
    return {
        **{name: value for name, value in smart.items() if name not in left_out},
        "token_endpoint_auth_methods_supported": methods,
    }


def openid_configuration(base_url: str) -> dict[str, Any]:
    """The same for clients of OpenID Connect (Discovery 1.0, 3)."""
    return {
        **server_metadata(base_url),
        "userinfo_endpoint": address_of(base_url, USERINFO),
        "response_modes_supported": ["query"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser", "profile"],
        "prompt_values_supported": ["login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _scopes() -> list[str]:
    reads = [f"patient/{kind}.rs" for kind in READABLE if kind != "Binary"]
    creates = [f"system/{kind}.c" for kind in CREATABLE]
    return [*WORDS, "patient/*.rs", *reads, "patient/Binary.r", *creates]
