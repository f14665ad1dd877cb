"""Questions for the visit: a list to write, save and print (experience R5)."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_patient
from consent.request import access, reading, work
from phr import drafts
from phr.answers import Answer, onward
from phr.questions import keep_questions, questions_of, read_questions, starters

blueprint = Blueprint("questions", __name__)


@blueprint.get("/questions")
@needs_patient
def questions() -> Answer:
    """The list; before the first one, some questions to begin with."""
    with reading() as w:
        kept = questions_of(w, access().own_vault())
    return render_template(
        "pages/questions.html", questions=kept or starters(), kept=bool(kept), told=drafts.take("told")
    )


@blueprint.post("/questions")
@needs_patient
def take_questions() -> Answer:
    """The list is as it was typed."""
    with work() as w:
        keep_questions(w, access().own_vault(), read_questions(request.form.get("questions", "")))
    drafts.keep(told=_("Your questions are saved."))
    return onward("/questions")
