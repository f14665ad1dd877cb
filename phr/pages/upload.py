"""Adding old discs, folders and ZIPs to one's own record (experience U1 to U5).

The browser finds the scans and asks what they are; their pictures come in many small requests, each of which is wholly
kept or not at all, so that a dropped line costs one of them. Nothing of it is laid down unsealed.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from consent.guards import needs_patient
from consent.request import access, reading, services, work
from fhir_gateway.dicomweb.adding import Adding
from fhir_gateway.dicomweb.multipart import parts
from fhir_gateway.dicomweb.previews import make_previews
from fhir_gateway.dicomweb.pushing import first_of
from fhir_gateway.dicomweb.verdicts import Failure
from fhir_gateway.errors import GatewayError
from phr import drafts, thumbnails
from phr.answers import Answer, onward
from phr.scans import Scan, scans_of
from phr.uploads import NotUnderstood, compared, read_found
from vault import accounts, adding, settling
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.keyring import VaultKeyring

blueprint = Blueprint("upload", __name__)
LARGEST_LIST = 1 << 20  # octets of what a browser may say about a disc


@blueprint.get("/upload")
@needs_patient
def upload() -> Answer:
    """U1; the page turns into U2 to U4 by itself."""
    return render_template("pages/upload.html")


@blueprint.post("/upload/found")
@needs_patient
def found() -> Answer:
    """U3: whose each scan is and whether it is there, as part of a page; and what need not be sent again."""
    request.max_content_length = LARGEST_LIST
    try:
        studies = read_found(request.get_json(silent=True))
    except NotUnderstood:
        return _told("not-understood", 422)
    own = access().own_vault()
    with reading() as w:
        shown, have = compared(w, own, studies)
    drawn = render_template("pages/upload_found.html", found=shown)
    return jsonify({"page": drawn, "have": have})


@blueprint.post("/upload/pictures")
@needs_patient
def pictures() -> Answer:
    """Some instances, as a STOW-RS request has them (PS3.18 10.5): all that can be kept is durable, and counted."""
    own = access().own_vault()
    settings = current_app.extensions["settings"]
    with reading() as w:
        room = settings.upload_octets - adding.octets_added(w, own)
    if (request.content_length or 0) > room:
        return _told("no-room", 413)
    request.max_content_length = max(1, room)
    taking = Adding(services(), own, document_octets=settings.document_octets)
    taking.origin = settings.base_url
    try:
        outcome = taking.take(first_of(parts(request.stream, request.content_type)))
    except GatewayError:
        return _told("not-understood", 422)
    if any(one.reason is Failure.OUT_OF_RESOURCES for one in outcome.failed):
        return _told("no-room", 413)
    if outcome.stored:
        make_previews(services(), current_app.extensions["renderer"], taking.arrived)
    return jsonify({"kept": len(outcome.stored), "refused": len(outcome.failed)})


def _told(reason: str, status: int) -> Response:
    answer = jsonify({"reason": reason})
    answer.status_code = status
    return answer


@blueprint.post("/upload/done")
@needs_patient
def done() -> Answer:
    """What was added is theirs, as they said; U5 tells of it."""
    own = access().own_vault()
    uids = request.form.getlist("scan")
    with work() as w:
        accounts.settle(w, own)
        added = [one for one in open_catalogue(w, own).studies if one.uid in uids and one.site_id is None]
        for study in added:
            settling.dismiss_doubt(w, own, study.id)
    if not added:
        return onward("/upload")
    drafts.keep(added={"scans": [study.id.hex() for study in added], "counts": _counts()})
    return onward("/upload/added")


def _counts() -> dict[str, int]:
    named = {name: request.form.get(name, "") for name in ("kept", "broken")}
    return {name: int(text) if text.isdecimal() and len(text) < 8 else 0 for name, text in named.items()}


@blueprint.get("/upload/added")
@needs_patient
def added() -> Answer:
    """U5."""
    told = drafts.found("added")
    if not told:
        return onward("/upload")
    with reading() as w:
        scans = _scans(w, access().own_vault(), told["scans"])
        small = thumbnails.are_shown(w, access())
    sentences = _sentences(told["counts"], len(scans))
    return render_template("pages/upload_added.html", scans=scans, sentences=sentences, thumbnails=small)


def _scans(w: Work, own: VaultKeyring, ids: list[str]) -> list[Scan]:
    return [scan for scan in scans_of(w, open_catalogue(w, own)) if scan.id in ids]


def _sentences(counts: dict[str, Any], scans: int) -> list[str]:
    said = [
        ngettext("%(num)s scan is in your account.", "%(num)s scans are in your account.", scans)
        + " "
        + _("We marked it “You added this” so doctors know where it came from.")
    ]
    if counts["broken"]:
        broken = ngettext(
            "%(num)s picture is broken on the disc.", "%(num)s pictures are broken on the disc.", counts["broken"]
        )
        said.append(f"{broken} " + _("We added the others."))
    return said
