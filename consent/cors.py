"""Which web pages of others may ask our machine routes: those at the origins of registered apps (Fetch, CORS protocol).

Whoever got a health link opens it with a viewer of their own choice, at an origin that nobody registered: its manifest
and files are open to all pages, and so is what its own token reads. Cookies never count across origins: credentials are
not allowed, and the routes ignore them besides.
"""

from flask import Flask, Response, request

from consent import clients
from consent.asking import brings_a_link
from consent.deployment import reading

OPEN_TO_ALL = (
    "/fhir/.well-known/smart-configuration",
    "/fhir/metadata",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth/jwks.json",
)
OPEN_TO_RECEIVERS = "/shl/"
READ_WITH_A_LINK = ("/fhir/", "/dicomweb/")
OPEN_TO_APPS = ("/fhir", "/dicomweb/", "/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/userinfo")
METHODS = "GET, HEAD, POST, OPTIONS"
ASKED_WITH = (
    "Authorization, Content-Type, Accept, Prefer, Range, If-Match, If-None-Match, If-Modified-Since, If-None-Exist, "
    "X-Request-Id"
)
SHOWN = (
    "Location, Content-Location, ETag, Last-Modified, Retry-After, Warning, Content-Range, Accept-Ranges, "
    "X-Request-Id, WWW-Authenticate"
)
PREFLIGHT_SECONDS = "600"
_OPEN = (*OPEN_TO_ALL, *OPEN_TO_APPS, OPEN_TO_RECEIVERS)


def install_cors(app: Flask) -> None:
    """After this preflights are answered, and answers say which page may read them."""
    app.before_request(_answer_preflight)
    app.after_request(_say_who_may_read)


def _answer_preflight() -> Response | None:
    asked = request.headers.get("Access-Control-Request-Method")
    if request.method != "OPTIONS" or asked is None or not request.path.startswith(_OPEN):
        return None
    response = Response(status=204)
    if _allowed() is not None:
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = ASKED_WITH
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def _say_who_may_read(response: Response) -> Response:
    if not request.path.startswith(_OPEN):
        return response
    if request.path not in OPEN_TO_ALL:
        if "Vary" in response.headers:
            response.vary.add("Origin")
        else:
            response.headers.add("Vary", "Origin")
    allowed = _allowed()
    if allowed is not None:
        response.headers["Access-Control-Allow-Origin"] = allowed
        response.headers["Access-Control-Expose-Headers"] = SHOWN
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _may_be_a_receiver() -> bool:
    """Whether a health link's token reads here, or is about to: a preflight cannot say which token will come, and an
    answer to any other stays unreadable.
    """
    if request.method != "OPTIONS":
        return brings_a_link()
    names = request.headers.get("Access-Control-Request-Headers", "").lower().replace(" ", "").split(",")
    return "authorization" in names and request.headers.get("Access-Control-Request-Method") in {"GET", "HEAD"}


def _allowed() -> str | None:
    origin = request.headers.get("Origin")
    if request.path in OPEN_TO_ALL or request.path.startswith(OPEN_TO_RECEIVERS):
        return "*"
    if origin and request.path.startswith(READ_WITH_A_LINK) and _may_be_a_receiver():
        return "*"
    if not origin or origin == "null":
        return None
    with reading() as w:
        return origin if clients.knows_origin(w, origin) else None
