"""The headers every answer carries.

Pages may run the scripts that carry this answer's nonce and nothing else, show pictures from
here, and send their forms back here. Data answers may do nothing at all. Nothing but our own
static files is ever kept by a browser or a proxy.

The policy of pages is the narrowest under which the viewer works: see docs/viewer.md.
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, request

PAGE_POLICY = (
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self' blob: data:",  # blob: and data: are the viewer's cursors and colour JPEG, and our QR codes
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
)
# A worker lives under the policy of its own file, and decodes pictures with WebAssembly.
STATIC_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-ancestors 'none'"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A browser shows a PDF inside a page of its own making, which `default-src 'none'` would leave empty.
PDF_POLICY = "base-uri 'none'; frame-ancestors 'none'"

EVERYWHERE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}
TWO_YEARS = 63_072_000
FOREVER = "public, max-age=31536000, immutable"


def install_headers(app: Flask) -> None:
    """After this every answer of `app` passes through `write_headers`."""
    app.after_request(write_headers)


def csp_nonce() -> str:
    """The nonce of this answer's scripts: the same within one request, new for the next."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def write_headers(response: Response) -> Response:
    """Fill in what the route left open; a header that the route has set stays."""
    headers = response.headers
    if _is_static():
        headers["Cache-Control"] = _keeping_of(response)  # in place of what Flask says of every static file alike
    said = {name.lower() for name, _ in headers}
    for name, value in EVERYWHERE.items():
        if name.lower() not in said:
            headers.add(name, value)
    if "content-security-policy" not in said:
        headers.add("Content-Security-Policy", _policy_for(response))
    if request.is_secure or current_app.config["PREFERRED_URL_SCHEME"] == "https":
        headers.setdefault("Strict-Transport-Security", f"max-age={TWO_YEARS}; includeSubDomains")
    return response


def _policy_for(response: Response) -> str:
    if _is_static():
        return STATIC_POLICY
    if response.mimetype == "application/pdf":
        return PDF_POLICY
    if response.mimetype != "text/html":
        return DATA_POLICY
    # A form may lead away from here only where a route has said so: browsers hold the redirect
    # that answers a form against form-action, so an app's redirect address must be listed.
    targets = " ".join(["'self'", *g.get("form_targets", ())])
    scripts = f"script-src 'nonce-{csp_nonce()}' 'strict-dynamic'"
    return "; ".join((*PAGE_POLICY, scripts, f"form-action {targets}"))


def _keeping_of(response: Response) -> str:
    if response.status_code not in {200, 206, 304}:
        return "no-store"
    # Built files have the hash of their content in their name or, by `asset()`, in their address;
    # a font has its version in its name.
    named = request.args.get("v") or "/assets/" in request.path or request.path.endswith(".woff2")
    return FOREVER if named else "no-cache"


def _is_static() -> bool:
    return request.endpoint == "static"
