"""Giving scans to a doctor: one question to a page, then the code, which is shown once (experience S1 to S8).

Answers that are nearly always the same are given already and can be changed on the last page: a code is four taps away
from the list of scans. All wait in the draft, so that going back, reloading and changing one's mind lose nothing and
share nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import Blueprint, Response, current_app, render_template, request
from flask_babel import gettext as _

from consent.guards import asked_by_itself, needs_fresh, needs_patient
from consent.request import access, reading, services
from phr import drafts, forms, giving, reports
from phr.answers import Answer, again, file, onward
from phr.forms import Mistakes
from phr.offered import Box, boxes_of, older_that_may_help
from phr.people import today
from phr.questions import questions_of
from phr.scans import Scan, people_of, scans_of
from phr.shares import share_of, until_words
from vault import accounts
from vault.attempts import Limit, within
from vault.catalogue import open_catalogue
from vault.errors import NotThere
from vault.ids import parse_id

blueprint = Blueprint("sharing", __name__)


def _scans() -> list[Scan]:
    with reading() as w:
        return scans_of(w, open_catalogue(w, access().own_vault()))


def _boxes(chosen: list[str]) -> list[Box]:
    with reading() as w:
        catalogue = open_catalogue(w, access().own_vault())
        return boxes_of(scans_of(w, catalogue), catalogue.studies, chosen)


@blueprint.get("/share/scans")
@needs_patient
def scans() -> Answer:
    """S1; coming from a scan's page, that one is ticked."""
    chosen = drafts.found("share").get("scans", [])
    if request.args.get("scan"):
        chosen = [request.args["scan"]]
    return render_template("pages/share/scans.html", scans=_boxes(chosen), chosen=chosen)


@blueprint.post("/share/scans")
@needs_patient
def take_scans() -> Answer:
    """Kept if at least one is ticked."""
    mine = _scans()
    ticked = [scan.id for scan in mine] if request.form.get("all") else request.form.getlist("scans")
    try:
        chosen = forms.read_picked(ticked, [scan.id for scan in mine])
    except Mistakes as wrong:
        return again("pages/share/scans.html", wrong, scans=_boxes([]), chosen=[])
    share = {**drafts.found("share"), "scans": chosen}
    drafts.keep(share=share)
    return onward("/share/how")


@blueprint.get("/share/how")
@needs_patient
def how() -> Answer:
    """S2; coming from a scan's page, that one is shared and nothing else."""
    return render_template(
        "pages/share/how.html", chosen=drafts.found("share").get("how", "code"), scan=_named(request.args)
    )


def _named(said: Mapping[str, str]) -> Scan | None:
    """The patient's own scan that `said` names; what is not theirs names nothing."""
    return next((one for one in _scans() if one.id == said["scan"]), None) if said.get("scan") else None


@blueprint.post("/share/how")
@needs_patient
def take_how() -> Answer:
    """A code on the screen or on paper, or a link, goes on here; an app asks by itself."""
    chosen, scan = request.form.get("how", ""), _named(request.form)
    if chosen not in {"code", "slip", "link", "doctor", "app"}:
        wrong = Mistakes({"how": _("Pick how you want to share.")})
        return again("pages/share/how.html", wrong, chosen=None, scan=scan)
    if chosen == "app":
        return onward("/share/app")
    kept = drafts.found("share")
    if scan is not None and kept.get("scans") != [scan.id]:
        kept = {"scans": [scan.id]}  # what was answered about other scans is not meant for this one
    share = {**kept, "how": chosen}
    drafts.keep(share=share)
    return onward(giving.next_question(share))


@blueprint.get("/share/doctor")
@needs_patient
def doctor() -> Answer:
    """S10: there is no list of doctors to look through; they tell their patients the name of their account."""
    typed = drafts.found("share").get("doctor", {}).get("login", "")
    return render_template("pages/share/doctor.html", typed=typed)


@blueprint.post("/share/doctor")
@needs_patient
def take_doctor() -> Answer:
    """Kept if a doctor signs in with that name; how many names may be tried is limited."""
    try:
        login = forms.read_login(request.form)
        within(services(), Limit.FIND_PROVIDER, access().account_id or b"")
        with reading() as w:
            vault_id = accounts.provider_called(w, login)
    except Mistakes as wrong:
        return again("pages/share/doctor.html", wrong, typed=request.form.get("login", ""))
    except NotThere:
        wrong = Mistakes({"login": _("We found no doctor with that name. Check the spelling, or send a link instead.")})
        return again("pages/share/doctor.html", wrong, typed=request.form.get("login", ""))
    share = {**drafts.found("share"), "doctor": {"login": login, "vault": vault_id.hex()}}
    drafts.keep(share=share)
    return onward(giving.next_question(share))


@blueprint.get("/share/app")
@needs_patient
def app() -> Answer:
    """Where an app's own request begins."""
    return render_template("pages/share/app.html", base_url=current_app.extensions["settings"].base_url)


@blueprint.get("/share/time")
@needs_patient
def time() -> Answer:
    """S3."""
    return render_template("pages/share/time.html", chosen=giving.with_usual(drafts.found("share"))["length"])


@blueprint.post("/share/time")
@needs_patient
def take_time() -> Answer:
    """Kept if one is picked."""
    try:
        length = forms.read_length(request.form)
    except Mistakes as wrong:
        return again("pages/share/time.html", wrong, chosen=None)
    share = {**drafts.found("share"), "length": length}
    drafts.keep(share=share)
    return onward(giving.next_question(share))


@blueprint.get("/share/may")
@needs_patient
def may() -> Answer:
    """S4."""
    share = giving.with_usual(drafts.found("share"))
    return render_template("pages/share/may.html", chosen=share["may"], how=share.get("how"))


@blueprint.post("/share/may")
@needs_patient
def take_may() -> Answer:
    """Seeing is what sharing is: without it there is nothing to give."""
    ticked = [one for one in request.form.getlist("may") if one in {"see", "save", "new"}]
    if "see" not in ticked:
        wrong = Mistakes({"may": _("They need to see the scans. Tick the first box, or go back to share nothing.")})
        return again("pages/share/may.html", wrong, chosen=ticked, how=drafts.found("share").get("how"))
    share = {**drafts.found("share"), "may": ticked}
    drafts.keep(share=share)
    return onward(giving.next_question(share))


# -- the last question ------------------------------------------------------------------------------------------------


@blueprint.get("/share/check")
@needs_patient
@needs_fresh
def check() -> Answer:
    """S5."""
    share = giving.with_usual(drafts.found("share"))
    if missing := giving.first_missing(share):
        return onward(missing)
    with reading() as w:
        catalogue = open_catalogue(w, access().own_vault())
        picked = [scan for scan in scans_of(w, catalogue) if scan.id in share["scans"]]
    return render_template(
        "pages/share/check.html",
        how=share["how"],
        rows=giving.in_words(share, len(picked)),
        scans=picked,
        older=len(older_that_may_help(catalogue.studies, share["scans"])),
        came_from=giving.last_question(share),
    )


@blueprint.post("/share/check")
@needs_patient
@needs_fresh
def give() -> Answer:
    """The scans are shared. The answers are gone with it, so that a second press finds nothing to share again."""
    share = giving.with_usual(drafts.found("share"))
    if giving.first_missing(share):
        return onward("/share/code" if drafts.found("given") else "/share/scans")
    next_page = giving.give(share)
    drafts.drop("share")
    return onward(next_page)


# -- the code ---------------------------------------------------------------------------------------------------------


@blueprint.get("/share/code")
@needs_patient
def code() -> Answer:
    """S6, for an hour and in this browser alone."""
    given = drafts.found("given")
    if not given:
        return render_template("pages/share/gone.html")
    with reading() as w:
        share = share_of(w, access(), parse_id(given["grant"]))
    if share.opened or share.state == "ended":
        return render_template("pages/share/opened.html", share=share, ends=share.until)
    address = current_app.extensions["settings"].base_url
    return render_template(
        "pages/share/code.html",
        address=address,
        typed_address=address.partition("://")[2],
        code=given["code"].replace("-", ""),
        grant=given["grant"],
        count=given["count"],
        until=_until(given),
    )


def _until(given: drafts.Kept) -> str:
    until = datetime.fromisoformat(given["until"]) if given["until"] else None
    return until_words(until, now=services().clock.now())


@blueprint.get("/share/state/<grant_id>")
@needs_patient
@asked_by_itself
def state(grant_id: str) -> Answer:
    """S8, asked by the page of the code every three seconds."""
    with reading() as w:
        share = share_of(w, access(), parse_id(grant_id))
    ends = _("Ends: %(until)s.", until=share.until)
    answer = Response(render_template("pages/share/state.html", share=share, until=ends))
    if share.opened or share.state == "ended":
        answer.headers["HX-Refresh"] = "true"  # the code is spent: the page that shows it turns into S8
    return answer


@blueprint.post("/share/slip.pdf")
@needs_patient
def slip() -> Answer:
    """The same code on paper; with name and birth date where the patient ticked that."""
    given, named = drafts.found("given"), bool(request.form.get("named"))
    if not given:
        return onward("/share/code")
    own = access().own_vault()
    with reading() as w:
        catalogue = open_catalogue(w, own)
        picked = [scan for scan in scans_of(w, catalogue) if scan.id in given["scans"]]
        name = own.field(w, "name") or ""
        questions = tuple(questions_of(w, own))
    name_octets = reports.share_slip(
        reports.ShareSlip(
            patient_name=name if named else "",
            born=people_of(catalogue.studies)[1] if named else None,
            rows=tuple(reports.SharedScan(one.title, one.day, one.place, one.pictures) for one in picked),
            until=_until(given),
            code=given["code"],
            address=current_app.extensions["settings"].base_url,
            made_on=today(),
            questions=questions,
        )
    )
    return file(*name_octets, "application/pdf")


@blueprint.post("/share/done")
@needs_patient
def done() -> Answer:
    """The code is forgotten; from here on only who was given it has it."""
    drafts.drop("given")
    return onward("/shares")
