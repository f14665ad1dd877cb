"""Who can see what, and stopping it (experience S12 to S14)."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from consent import grants, shared
from consent.guards import needs_patient
from consent.request import access, reading, work
from phr import dates, drafts
from phr.answers import Answer, onward
from phr.changing import answers_of, how_of
from phr.event_words import LOOKS, sentence
from phr.history import names_for
from phr.shares import ShareWords, ended_shares_of, share_of, shares_of
from vault import audit
from vault.catalogue import open_catalogue
from vault.ids import parse_id

blueprint = Blueprint("shares", __name__)


@blueprint.get("/shares")
@needs_patient
def shares() -> Answer:
    """S12: what is live, then what has ended."""
    with reading() as w:
        catalogue = open_catalogue(w, access().own_vault())
        live, ended = shares_of(w, access(), catalogue), ended_shares_of(w, access(), catalogue)
    return render_template("pages/shares.html", shares=live, ended=ended[:20], told=drafts.take("told"))


@blueprint.get("/shares/<grant_id>")
@needs_patient
def share(grant_id: str) -> Answer:
    """One share: what it gives, and what they opened."""
    own = access().own_vault()
    with reading() as w:
        catalogue = open_catalogue(w, own)
        shown = share_of(w, access(), parse_id(grant_id), catalogue)
        names = names_for(w, access(), catalogue)
        found = [one for one in audit.events(w, own.owner, most=500, kinds=LOOKS) if one.by.via == parse_id(grant_id)]
        now = w.now
    scans = [names.scans[one] for one in shown.study_ids if one in names.scans]
    rows = [
        (_("Scans"), "; ".join(scans) or _("None")),
        (_("Until"), shown.until),
        (_("They may"), shown.may),
        (_("Opened"), shown.opened_words),
    ]
    events = [{"when": dates.moment_in_words(one.at, now=now), "what": sentence(one, names)} for one in found[:50]]
    return render_template("pages/share_one.html", share=shown, rows=rows, events=events)


@blueprint.get("/shares/<grant_id>/change")
@needs_patient
def changing(grant_id: str) -> Answer:
    """What changing it does, before any answer is changed."""
    with reading() as w:
        found = parse_id(grant_id)
        return render_template("pages/change.html", share=share_of(w, access(), found), how=how_of(w, access(), found))


@blueprint.post("/shares/<grant_id>/change")
@needs_patient
def change(grant_id: str) -> Answer:
    """The answers stand in the draft, and the last page names what stops; or it is left as it is."""
    found = parse_id(grant_id)
    with reading() as w:
        catalogue = open_catalogue(w, access().own_vault())
        answers = answers_of(w, access(), share_of(w, access(), found, catalogue), found)
    if request.form.get("answer") != "change":
        drafts.drop("share")
        return onward("/shares")
    drafts.keep(share=answers)
    return onward("/share/check")


@blueprint.get("/shares/<grant_id>/stop")
@needs_patient
def stopping(grant_id: str) -> Answer:
    """S13."""
    with reading() as w:
        return render_template("pages/stop.html", share=share_of(w, access(), parse_id(grant_id)))


@blueprint.post("/shares/<grant_id>/stop")
@needs_patient
def stop(grant_id: str) -> Answer:
    """S14: at once, whoever is looking just now."""
    with work() as w:
        share = share_of(w, access(), parse_id(grant_id))
        grants.end(w, access(), parse_id(grant_id))
    if drafts.found("given").get("grant") == grant_id:
        drafts.drop("given")
    drafts.keep(told=_stopped(share))
    return onward("/shares")


def _stopped(share: ShareWords) -> str:
    if share.unused:
        return _("Sharing has stopped. The code does not work any more.")
    return _("Sharing has stopped. %(who)s cannot open your scans now.", who=share.who)


@blueprint.get("/shares/stop-all")
@needs_patient
def stopping_all() -> Answer:
    """What it will do."""
    with reading() as w:
        count = len(shared.live_for(w, access()))
    if not count:
        return onward("/shares")
    return render_template("pages/stop_all.html", count=count)


@blueprint.post("/shares/stop-all")
@needs_patient
def stop_all() -> Answer:
    """Everything the patient gave has ended."""
    with work() as w:
        count = grants.end_all(w, access())
    drafts.drop("given")
    drafts.keep(told=ngettext("%(num)s share has stopped.", "%(num)s shares have stopped.", count))
    return onward("/shares")
