# pyright: basic, reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
# ruff: noqa: ANN001  the methods and their parameters are Authlib's
"""What every authorization request must say, beyond what Authlib looks at: PKCE with S256, `aud`, `state`."""

import re

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc7636 import CodeChallenge

from consent.deployment import settings
from consent.oauth.discovery import fhir_base

LONGEST_STATE = 1_000
_ONCE = (
    "aud", "resource", "code_challenge", "code_challenge_method", "nonce", "prompt", "max_age", "request",
    "request_uri",
)  # fmt: skip
_SECONDS = re.compile(r"[0-9]{1,9}")
_S256 = re.compile(r"[A-Za-z0-9_-]{43}")


class AskedRightly(CodeChallenge):
    """What SMART and RFC 9700 want of every authorization request: PKCE with S256, `aud`, `state`."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012  Authlib's own form
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}  # noqa: RUF012

    def validate_code_challenge(self, grant, redirect_uri) -> None:
        """Called once client, redirect address and scope are known to be right."""
        data = grant.request.payload.data
        _check_once(grant.request.payload.datalist, *_ONCE)
        if data.get("code_challenge_method") != "S256" or not _S256.fullmatch(data.get("code_challenge", "")):
            raise InvalidRequestError("PKCE with code_challenge_method=S256 is required.")
        named = [data[name] for name in ("aud", "resource") if data.get(name)]
        if not named or not all(map(is_ours, named)):
            raise InvalidRequestError("aud must be the FHIR base address of this server.")
        if data.get("launch"):
            raise InvalidRequestError("This server is not launched from another system.")
        _check_openid(data)
        if not 0 < len(data.get("state", "")) <= LONGEST_STATE:
            raise InvalidRequestError("state is required.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant, result) -> None:
        """Every client brings the verifier, not only public ones."""
        if not grant.request.form.get("code_verifier"):
            raise InvalidRequestError("Missing 'code_verifier' in request.")
        super().validate_code_verifier(grant, result)


def is_ours(address: str) -> bool:
    """Whether this is the FHIR base that tokens are for; one slash more at its end does no harm."""
    return address.removesuffix("/") == fhir_base(settings().base_url)


def _check_openid(data) -> None:
    """What OpenID Connect lets an app ask and we do not do has errors of its own (Core 3.1.2.6)."""
    for name in ("request", "request_uri"):
        if data.get(name):
            raise OAuth2Error(f"The parameter {name} is not read here.", error=f"{name}_not_supported")
    if "none" in data.get("prompt", "").split():
        raise OAuth2Error("The patient is always asked.", error="interaction_required")
    if not _SECONDS.fullmatch(data.get("max_age", "0")):
        raise InvalidRequestError("max_age is a number of seconds.")
    if len(data.get("nonce", "")) > LONGEST_STATE:
        raise InvalidRequestError("nonce is too long.")


def _check_once(values, *names: str) -> None:
    for name in names:
        if len(values.get(name, [])) > 1:
            raise InvalidRequestError(f"Multiple '{name}' in request.")
