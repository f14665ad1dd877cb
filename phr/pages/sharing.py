"""Giving scans to a doctor: one question to a page, then the code, which is shown once (experience S1 to S8).

Answers wait in the draft, so that going back, reloading and changing one's mind lose nothing and share nothing twice.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, current_app, render_template, request
from flask_babel import gettext as _

from consent import grants
from consent.guards import needs_fresh, needs_patient
from consent.health_links import give_link
from consent.request import access, reading, services, work
from phr import drafts, forms, giving, reports
from phr.answers import Answer, again, file, onward
from phr.forms import Mistakes
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


def _boxes(scans: list[Scan]) -> list[tuple[str, str, str]]:
    return [(scan.id, scan.named, scan.place) for scan in scans]


@blueprint.get("/share/scans")
@needs_patient
def scans() -> Answer:
    """S1; coming from a scan's page, that one is ticked."""
    chosen = drafts.found("share").get("scans", [])
    if request.args.get("scan"):
        chosen = [request.args["scan"]]
    return render_template("pages/share/scans.html", scans=_boxes(_scans()), chosen=chosen)


@blueprint.post("/share/scans")
@needs_patient
def take_scans() -> Answer:
    """Kept if at least one is ticked."""
    mine = _scans()
    ticked = [scan.id for scan in mine] if request.form.get("all") else request.form.getlist("scans")
    try:
        chosen = forms.read_picked(ticked, [scan.id for scan in mine])
    except Mistakes as wrong:
        return again("pages/share/scans.html", wrong, scans=_boxes(mine), chosen=[])
    drafts.keep(share={**drafts.found("share"), "scans": chosen})
    return onward("/share/how")


@blueprint.get("/share/how")
@needs_patient
def how() -> Answer:
    """S2."""
    return render_template("pages/share/how.html", chosen=drafts.found("share").get("how", "code"))


@blueprint.post("/share/how")
@needs_patient
def take_how() -> Answer:
    """A code on the screen or on paper, or a link, goes on here; an app asks by itself."""
    chosen = request.form.get("how", "")
    if chosen not in {"code", "slip", "link", "doctor", "app"}:
        wrong = Mistakes({"how": _("Pick how you want to share.")})
        return again("pages/share/how.html", wrong, chosen=None)
    if chosen == "app":
        return onward("/share/app")
    drafts.keep(share={**drafts.found("share"), "how": chosen})
    return onward("/share/doctor" if chosen == "doctor" else "/share/time")


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
    drafts.keep(share={**drafts.found("share"), "doctor": {"login": login, "vault": vault_id.hex()}})
    return onward("/share/time")


@blueprint.get("/share/app")
@needs_patient
def app() -> Answer:
    """Where an app's own request begins."""
    return render_template("pages/share/app.html", base_url=current_app.extensions["settings"].base_url)


@blueprint.get("/share/time")
@needs_patient
def time() -> Answer:
    """S3; a code is good for the visit, paper and a link for longer."""
    share = drafts.found("share")
    usual = {"slip": "30d", "link": "30d", "doctor": "1y"}.get(share.get("how", ""), "4h")
    return render_template("pages/share/time.html", chosen=share.get("length", usual))


@blueprint.post("/share/time")
@needs_patient
def take_time() -> Answer:
    """Kept if one is picked."""
    try:
        length = forms.read_length(request.form)
    except Mistakes as wrong:
        return again("pages/share/time.html", wrong, chosen=None)
    drafts.keep(share={**drafts.found("share"), "length": length})
    return onward("/share/may")


@blueprint.get("/share/may")
@needs_patient
def may() -> Answer:
    """S4; saving a copy is off until the patient ticks it, but for a doctor who has an account."""
    share = drafts.found("share")
    usual = ["see", "save"] if share.get("how") == "doctor" else ["see"]
    return render_template("pages/share/may.html", chosen=share.get("may", usual), how=share.get("how"))


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
    return onward("/share/link" if share.get("how") == "link" else "/share/check")


# -- the last question ------------------------------------------------------------------------------------------------


@blueprint.get("/share/check")
@needs_patient
@needs_fresh
def check() -> Answer:
    """S5."""
    share = drafts.found("share")
    picked = [scan for scan in _scans() if scan.id in share.get("scans", [])]
    if missing := giving.first_missing(share):
        return onward(missing)
    rows = giving.in_words(share, len(picked))
    return render_template("pages/share/check.html", rows=rows, scans=picked, came_from=giving.last_question(share))


@blueprint.post("/share/check")
@needs_patient
@needs_fresh
def give() -> Answer:
    """The scans are shared. The answers are gone with it, so that a second press finds nothing to share again."""
    share = drafts.found("share")
    if giving.first_missing(share):
        return onward("/share/code" if drafts.found("given") else "/share/scans")
    offered = {"link": _give_link, "doctor": _give_doctor}.get(share["how"], _give_code)
    next_page = offered(share)
    drafts.drop("share")
    return onward(next_page)


def _offered(share: drafts.Kept) -> grants.Offer:
    """Looked up before the transaction that gives: while many scans are opened nobody waits to write."""
    with reading() as w:
        return giving.offer_of(w, share, open_catalogue(w, access().own_vault()))


def _give_code(share: drafts.Kept) -> str:
    offer = _offered(share)
    with work() as w:
        grant_id, code = grants.give_code(w, access(), offer)
    given = {"grant": grant_id.hex(), "code": code.reveal(), "count": len(share["scans"])}
    drafts.keep(given={**given, "until": giving.iso(offer.expires), "scans": share["scans"]})
    return "/share/code"


def _give_doctor(share: drafts.Kept) -> str:
    with work() as w:
        offer = giving.offer_of(w, share, open_catalogue(w, access().own_vault()))
        grants.give_to_provider(w, access(), offer, parse_id(share["doctor"]["vault"]))
    drafts.keep(told=_("Shared. The scans stand in the list of %(doctor)s now.", doctor=share["doctor"]["login"]))
    return "/shares"


def _give_link(share: drafts.Kept) -> str:
    offer = _offered(share)
    with work() as w:
        grant_id = give_link(w, access(), offer, giving.link_of(share))
    return f"/shares/{grant_id.hex()}/link"


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
    """The same code on paper."""
    given = drafts.found("given")
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
            patient_name=name,
            born=people_of(catalogue.studies)[1],
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
