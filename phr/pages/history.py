"""The history, in plain words, and on paper (experience S15, 4.6)."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_patient
from consent.request import access, reading
from phr import dates, reports
from phr.answers import Answer, file
from phr.event_words import KINDS, LOOKS, SHARING, TOLD, scan, sentence, who
from phr.history import names_for
from phr.people import today
from vault import audit
from vault.catalogue import open_catalogue

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
        names = names_for(w, access(), open_catalogue(w, own))
        found = audit.events(
            w, own.owner, before=int(before) if before.isdecimal() else None, most=A_PAGE, kinds=KINDS.get(kind, TOLD)
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
    )


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
            record_number=f"{number + 1}-{hashed.hex()[:16]}",
            address=current_app.extensions["settings"].base_url,
            counts=(
                (_("Looked at or saved"), sum(one.did in LOOKS for one in found)),
                (_("Shared or stopped"), sum(one.did in SHARING for one in found)),
            ),
        )
    )
    return file(*printed, "application/pdf")
