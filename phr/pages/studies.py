"""The list of scans, one scan's page, its pictures, and taking it out for good (experience H1, scan page)."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _

from consent import grants
from consent.guards import asked_by_itself, needs_fresh, needs_patient
from consent.request import access, work
from phr import dates, drafts, follow_up, held_reports, kit_nudge, thumbnails, waiting_reports, words
from phr.answers import Answer, onward
from phr.people import today
from phr.scans import Scan, preview_series, scan_of, scans_of, site_names
from phr.shares import shares_of
from vault import accounts, custody
from vault.catalogue import Catalogue, open_catalogue, open_study
from vault.database import Work
from vault.errors import NotThere
from vault.ids import parse_id
from vault.keyring import VaultKeyring
from vault.links import links_of
from vault.reading import find_preview
from vault.sealing.stream import Kind
from vault.studies import Study

blueprint = Blueprint("studies", __name__)
SEEN = "seen"


@blueprint.get("/home")
@needs_patient
def home() -> Answer:
    """H1; what arrived meanwhile is taken in first."""
    own = access().own_vault()
    with work() as w:
        settled = accounts.settle(w, own)
        catalogue = held_reports.all_shown_to_owner(w, open_catalogue(w, own))
        seen = own.fields(w, SEEN)
        scans = scans_of(w, catalogue, unseen=lambda study: study.id not in seen)
        values = {
            "scans": scans,
            "shares": shares_of(w, access(), catalogue),
            "called": own.field(w, "name") or "",
            "thumbnails": thumbnails.are_shown(w, access()),
            "doubts": [scan.named for scan in scans if parse_id(scan.id) in set(settled.doubts)],
            "kit_owed": kit_nudge.kit_is_owed(w, own),
            "damaged": len(catalogue.damaged),
            "reminded": _reminded(w, own, scans),
            "waiting": _waiting(w, own, scans),
        }
    return render_template("pages/home.html", told=drafts.take("told"), **values)


def _reminded(w: Work, own: VaultKeyring, scans: list[Scan]) -> list[Scan]:
    """The scans whose report they asked to be reminded of, once the day has come."""
    due = {study_id.hex() for study_id, day in follow_up.reminders(w, own).items() if day <= today()}
    return [scan for scan in scans if scan.id in due]


def _waiting(w: Work, own: VaultKeyring, scans: list[Scan]) -> list[Scan]:
    """The scans whose report waits, and whose note was asked for by today."""
    due = {study_id.hex() for study_id in waiting_reports.notes_due(w, own)}
    return [scan for scan in scans if scan.id in due]


@blueprint.get("/scans/<study_id>")
@needs_patient
def scan(study_id: str) -> Answer:
    """One scan, with what can be done and who can see it."""
    own = access().own_vault()
    with work() as w:
        study, catalogue = _study(w, own, study_id)
        if own.field(w, SEEN, subject=study.id) is None:
            own.keep_field(w, SEEN, "yes", subject=study.id)
        held = held_reports.held(w, study)
        study = held_reports.shown_to_owner(w, study)
        shown = scan_of(study, site_names(w, [study]))
        values = {
            "scan": shown,
            "held": held,
            "shares": [share for share in shares_of(w, access(), catalogue) if study.id in share.study_ids],
            "details": _details(study, shown),
            "kit_due": kit_nudge.stands_on_scans(w, own),
            "thumbnails": thumbnails.are_shown(w, access()),
            "review": waiting_reports.review_of(w, access(), study) if study.reports else None,
            "ask_future": _future_question(w, own, study),
        }
    return render_template("pages/scan.html", told=drafts.take("told"), actions=_actions(shown), **values)


@blueprint.get("/scans/<study_id>/arrived")
@needs_patient
@asked_by_itself
def arrived(study_id: str) -> Answer:
    """Asked every three seconds by the page of a scan without pictures, which is drawn anew when they are here."""
    with work() as w:
        study = open_study(w, access().own_vault(), parse_id(study_id))
    return Response(status=204, headers={"HX-Refresh": "true"} if study.pictures else {})


def _study(w: Work, own: VaultKeyring, study_id: str) -> tuple[Study, Catalogue]:
    catalogue = open_catalogue(w, own)
    return catalogue.study(parse_id(study_id)), catalogue


def _actions(shown: Scan) -> list[tuple[str, str, str]]:
    here = f"/scans/{shown.id}"
    return [
        *([(f"{here}/pictures", _("Look at the pictures"), "picture")] if shown.pictures else []),
        *([(f"{here}/report", _("Read the report"), "report")] if shown.reports else []),
        (f"/share/how?scan={shown.id}", _("Share"), "sharing"),
        (f"{here}/save", _("Save a copy"), "save"),
    ]


def _details(study: Study, shown: Scan) -> list[tuple[str, str]]:
    facts = study.facts
    rows = [
        (_("Kind of pictures"), ", ".join(study.modalities)),
        (_("Name at the scan center"), facts.description),
        (_("Scan center"), shown.place),
        (_("Scan number (accession)"), facts.accession),
        (_("Asked for by"), words.person(facts.referrer)),
        (_("Pictures"), words.count(shown.pictures)),
        (_("Groups of pictures"), str(shown.groups)),
        (_("Time of the scan"), _time(facts.time, facts.zone)),
        (_("Locked here on"), dates.in_words(study.received)),
        (_("Name on the scan"), words.person(facts.person.name)),
    ]
    return [(name, value) for name, value in rows if value]


def _time(time: str, zone: str) -> str:
    """The site's own clock: "10:42", with its distance from UTC where it was sent."""
    if len(time) < 4:
        return ""
    return f"{time[:2]}:{time[2:4]}" + (f" (UTC {zone[:3]}:{zone[3:5]})" if len(zone) == 5 else "")


def _future_question(w: Work, own: VaultKeyring, study: Study) -> dict[str, str] | None:
    """P9b, asked once, on the page of the scan that was just added."""
    asked = drafts.text("future")
    link = next((one for one in links_of(w, own.vault_id) if one.id.hex() == asked), None)
    if link is None or link.site_id != study.site_id:
        return None
    return {"link": asked, "site": site_names(w, [study]).get(link.site_id, _("this scan center"))}


@blueprint.get("/scans/<study_id>/thumbnail")
@needs_patient
def thumbnail(study_id: str) -> Answer:
    """The small picture of a scan."""
    own = access().own_vault()
    with work() as w:
        study = open_catalogue(w, own, only=[parse_id(study_id)]).study(parse_id(study_id))
        series = preview_series(study)
        if series is None:
            raise NotThere
        jpeg = find_preview(w, own, study.uid, series, Kind.THUMBNAIL)
    return Response(jpeg, mimetype="image/jpeg")


@blueprint.get("/scans/<study_id>/remove")
@needs_patient
def removal(study_id: str) -> Answer:
    """What removing does, before it is done."""
    with work() as w:
        study, _catalogue = _study(w, access().own_vault(), study_id)
        shown = scan_of(study, site_names(w, [study]))
    return render_template("pages/remove.html", scan=shown)


@blueprint.post("/scans/<study_id>/remove")
@needs_patient
@needs_fresh
def remove(study_id: str) -> Answer:
    """The scan's keys are gone, and shares that held nothing else have ended."""
    own = access().own_vault()
    with work() as w:
        study, _catalogue = _study(w, own, study_id)
        custody.forget_study(w, study.folders, owner=own, by=access().actor)
        grants.end_empty(w, access())
    drafts.keep(told=_("The scan is removed."))
    return onward("/home")
