"""How pages are read: in which language and with how large letters. Anyone may choose, signed in or not."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from consent.guards import public
from consent.request import safe_return, work
from phr import languages
from phr.answers import Answer, onward
from phr.people import signed_in_patient

blueprint = Blueprint("languages", __name__)
CHOOSING = public("a choice of language and letters says nothing about anyone")
KEPT = {"language": languages.LANGUAGES, "text": languages.TEXT_SIZES}


@blueprint.get("/languages")
@CHOOSING
def choose() -> Answer:
    """All there are, each by its own name, and three sizes of letters."""
    return render_template("pages/languages.html", back=safe_return(request.args.get("back"), "/"))


@blueprint.post("/languages")
@CHOOSING
def take() -> Response:
    """Kept in this browser and, by whoever is signed in, sealed with the account; back to the page they came from."""
    answer = onward(safe_return(request.form.get("back"), "/"))
    for what, offered in KEPT.items():
        wanted = request.form.get(what, "")
        if wanted in offered:
            languages.remember(answer, what, wanted)
            _keep_with_account(what, wanted)
    return answer


def _keep_with_account(what: str, wanted: str) -> None:
    me = signed_in_patient()
    if me is not None:
        with work() as w:
            me.own_vault().keep_field(w, what, wanted)
