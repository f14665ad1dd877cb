"""What people see when something is refused or goes wrong: what happened, what to do, whom to call (experience 2.3).

One table leads from the errors of the rooms to a page. Which limit was met, whether something is there but not theirs,
and what an error said are never told; logs name the kind of an error and where it arose, not its words.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from urllib.parse import quote

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from consent.errors import (
    Ambiguous,
    Area,
    ConsentError,
    Forged,
    FreshSignInNeeded,
    Refused,
    SharingEnded,
    SignInNeeded,
    TokenRefused,
)
from consent.request import cookie_of, sign_in_address
from phr.answers import onward, page_at
from phr.config import Settings
from phr.mail import NotSent
from phr.printing import PrintingBusy, PrintingError
from vault.errors import Expired, NoKey, NotThere, StoreAway, VaultError, Wait
from vault.sealing.errors import Busy, SealingError

STOPPING = ("/stop", "/shares/stop-all")
STATUS_OF: Mapping[type[Exception], int] = {
    NotThere: 404,
    NoKey: 404,
    SharingEnded: 410,
    Expired: 410,
    TokenRefused: 401,
    Refused: 403,
    Forged: 400,
    Ambiguous: 400,
    Wait: 429,
    Busy: 503,
    StoreAway: 503,
    PrintingBusy: 503,
    PrintingError: 503,
    NotSent: 503,
    ConsentError: 403,
    VaultError: 500,
    SealingError: 500,
    Exception: 500,
}
PAGES = frozenset({400, 401, 403, 404, 410, 413, 422, 429, 500, 503})


def install_error_pages(app: Flask) -> None:
    """After this every error of a page is answered with a page."""
    app.register_error_handler(FreshSignInNeeded, _check_first)
    app.register_error_handler(SignInNeeded, _sign_in_first)
    app.register_error_handler(SharingEnded, _has_ended)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_rooms)


# -- who must sign in first -------------------------------------------------------------------------------------------


def _sign_in_first(error: SignInNeeded) -> Response:
    """To the door of their area, and back to this page afterwards; a script is told 401."""
    if not _is_looking():
        return make_response("", 401)
    if error.area is Area.GUEST:
        return onward("/see")
    ended = "&ended=1" if cookie_of(error.area) is not None else ""
    if error.area is Area.PROVIDER:
        return onward(f"/pro/sign-in?next={quote(_page_to_come_back_to(), safe='')}{ended}")
    return onward(sign_in_address(_page_to_come_back_to()) + ended)


def _check_first(_error: FreshSignInNeeded) -> Response:
    """They show who they are, then come back."""
    return onward(f"/check?next={quote(_page_to_come_back_to(), safe='')}")


def _has_ended(error: SharingEnded) -> Response:
    """The page that says so; a script is told 401."""
    return _of_rooms(error) if _is_looking() else make_response("", 401)


def _is_looking() -> bool:
    """Whether a person asked for a page, not a script or an image in one."""
    asked = request.headers.get("Sec-Fetch-Mode", "navigate")
    return asked == "navigate" and not request.path.endswith("/alive") and "HX-Request" not in request.headers


def _page_to_come_back_to() -> str:
    """This page; or, where only a form leads here, the page before it."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    return page_at(request.path)


# -- pages ------------------------------------------------------------------------------------------------------------


def _of_http(error: HTTPException) -> Response:
    """What Flask itself refuses; redirects pass."""
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    answer = _page(error.code)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def _of_rooms(error: Exception) -> Response:
    """What our own rooms raise, by the table."""
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    if status == 500:
        current_app.logger.error("a page failed: %s at %s", type(error).__name__, _place(error))
        if current_app.testing:
            raise error
    answer = _page(status, **_details(error))
    seconds = getattr(error, "seconds", None) or getattr(error, "retry_after", None)
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _details(error: Exception) -> dict[str, object]:
    if isinstance(error, Wait):
        return {"minutes": -(-error.seconds // 60)}
    if isinstance(error, Forged):
        return {"sentence": _("This page was open for too long. Go back, reload it and try again.")}
    if isinstance(error, PrintingError):
        return {"sentence": str(error)}
    if isinstance(error, NotSent):
        return {"sentence": _("We could not send the message. Try again in a minute.")}
    return {}


def _place(error: Exception) -> str:
    """File and line of the innermost call; the error's words may hold what nobody should read."""
    calls = traceback.extract_tb(error.__traceback__)
    return f"{calls[-1].filename.rpartition('/')[2]}:{calls[-1].lineno}" if calls else "?"


def _not_stopped(phone: str) -> str:
    """Nobody may believe that sharing has stopped when it has not."""
    if phone:
        return _("We cannot stop this now. Try again, or call %(phone)s.", phone=phone)
    return _("We cannot stop this now. Try again in a minute.")


def _page(status: int, **details: object) -> Response:
    settings: Settings = current_app.extensions["settings"]
    g.nobody_is_here = status >= 500  # what just failed would fail again in asking who is signed in
    if status >= 500 and request.method == "POST" and request.path.endswith(STOPPING):
        details = {"sentence": _not_stopped(settings.help_phone), **details}
    template = f"errors/{status if status in PAGES else 400 if status < 500 else 500}.html"
    return make_response(render_template(template, help_phone=settings.help_phone, **details), status)
