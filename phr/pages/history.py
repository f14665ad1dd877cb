"""The history, in plain words, and on paper (experience S15, 4.6)."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_patient
from consent.request import access, reading
from phr import dates, reports
from phr.answers import Answer, again, file
from phr.event_words import KINDS, LOOKS, SHARING, TOLD, Names, scan, sentence, who
from phr.forms import Mistakes
from phr.history import Narrowed, events_of, names_for, read_record_number, record_number
from phr.people import today
from phr.scans import scans_of
from vault import audit
from vault.catalogue import Catalogue, open_catalogue
from vault.database import Work
from vault.errors import BrokenChain
from vault.keyring import Owner

blueprint = Blueprint("history", __name__)
A_PAGE = 50
ON_PAPER = 1000


@blueprint.get("/history")
@needs_patient
def history() -> Answer:
    """Fifty events to a page, newest first."""
    kind = request.args.get("kind", "") if request.args.get("kind") in KINDS else ""
    before = request.args.get("before", "")
    own = access().own_vault()
    with reading() as w:
        catalogue = open_catalogue(w, own)
        names = names_for(w, access(), catalogue)
        scans = scans_of(w, catalogue)
        asked = _asked(catalogue, names)
        found = events_of(
            w,
            own.owner,
            asked,
            before=int(before) if before.isdecimal() else None,
            most=A_PAGE,
            kinds=KINDS.get(kind, TOLD),
        )
    kinds = [
        ("", _("Everything")),
        ("looks", _("Who looked")),
        ("sharing", _("Sharing")),
        ("scans", _("Scans")),
        ("account", _("Account")),
    ]
    return render_template(
        "pages/history.html",
        events=[{"at": one.at, "what": sentence(one, names)} for one in found],
        older=found[-1].n if len(found) == A_PAGE else None,
        kind=kind,
        kinds=kinds,
        scans=[("", _("All scans")), *((one.id, one.named) for one in scans)],
        people=[("", _("Everyone")), *((one.hex(), who) for who, one in _people(names).items())],
        scan=request.args.get("scan", "") if asked.scan else "",
        share=request.args.get("share", "") if asked.shares else "",
    )


def _asked(catalogue: Catalogue, names: Names) -> Narrowed:
    """The scan and the sharing that the address names, where they are the patient's own."""
    scan, share = request.args.get("scan", ""), request.args.get("share", "")
    known = {one.id.hex(): frozenset({bytes(one.id), *map(bytes, one.folders)}) for one in catalogue.studies}
    person = next((who for who, one in _people(names).items() if one.hex() == share), None)
    theirs = frozenset(bytes(one) for one, who in names.shares.items() if who == person)
    return Narrowed(known.get(scan, frozenset()), theirs)


def _people(names: Names) -> dict[str, bytes]:
    """Everyone who was ever given something, each with one of their shares to stand for all."""
    return {who: bytes(one) for one, who in names.shares.items()}


@blueprint.get("/history.pdf")
@needs_patient
def paper() -> Answer:
    """The newest thousand events on paper, with the number of the record they can be checked by."""
    own = access().own_vault()
    with reading() as w:
        names = names_for(w, access(), open_catalogue(w, own))
        found = audit.events(w, own.owner, most=ON_PAPER, kinds=TOLD)
        number, hashed = audit.head(w, own.owner)
        name = own.field(w, "name") or ""
        now = w.now
    first = found[-1].at if found else now
    printed = reports.access_history(
        reports.AccessHistory(
            patient_name=name or own.field(w, "login") or "",
            period=_("%(first)s to %(last)s", first=dates.in_words(first), last=dates.in_words(now)),
            made_on=today(),
            rows=tuple(
                reports.HistoryRow(
                    when=dates.moment_in_words(one.at, now=one.at.replace(year=one.at.year - 1)),
                    who=who(one, names),
                    what=sentence(one, names),
                    scan=scan(one, names),
                )
                for one in found
            ),
            record_number=record_number(number + 1, hashed),
            address=current_app.extensions["settings"].base_url,
            counts=(
                (_("Looked at or saved"), sum(one.did in LOOKS for one in found)),
                (_("Shared or stopped"), sum(one.did in SHARING for one in found)),
            ),
        )
    )
    return file(*printed, "application/pdf")


# -- is the paper right? ----------------------------------------------------------------------------------------------


@blueprint.get("/history/verify")
@needs_patient
def verify() -> Answer:
    """Where the record number of a paper is typed."""
    return render_template("pages/history_verify.html", typed="")


@blueprint.post("/history/verify")
@needs_patient
def take_number() -> Answer:
    """Says whether the history still begins with what was printed (docs/format.md 11)."""
    own = access().own_vault()
    try:
        lines, mark = read_record_number(request.form)
        with reading() as w:
            came_later = _came_later(w, own.owner, lines, mark)
    except Mistakes as wrong:
        return again("pages/history_verify.html", wrong, typed=request.form.get("number", ""))
    return render_template("pages/history_verified.html", lines=lines, came_later=came_later)


def _came_later(w: Work, owner: Owner, lines: int, mark: str) -> int:
    """How many lines were added since. Raises `Mistakes` where the first ones are not as they were."""
    try:
        every = audit.verify_chain(w, owner)
    except BrokenChain:
        raise Mistakes({"number": _("Lines of your history are missing or were changed. Please tell us.")}) from None
    hashed = audit.hash_at(w, owner, lines - 1)
    if hashed is None or record_number(lines, hashed) != f"{lines}-{mark}":
        raise Mistakes({"number": _("This number does not go with your history. Check it, letter by letter.")})
    return every - lines
