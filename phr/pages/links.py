"""Health links: asked about, shown to the patient who made one, and opened by whoever has one (experience S9).

What stands behind the # of a link never reaches us: the page that opens it is a page like any other, and its script
does the rest in the reader's own browser.
"""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_fresh, needs_patient, public
from consent.health_links import link_again
from consent.request import access, reading
from fhir_gateway.health_links.payload import Addresses
from phr import drafts, forms
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from phr.shares import share_of
from vault.ids import parse_id

blueprint = Blueprint("links", __name__)
VIEWER = "/link"
USUAL: drafts.Kept = {"label": "", "opens": "all", "number": "yes", "kept": False}


@blueprint.get("/share/link")
@needs_patient
def options() -> Answer:
    """What the link is to be."""
    return render_template("pages/share/link.html", typed=drafts.found("share").get("link", USUAL))


@blueprint.post("/share/link")
@needs_patient
def take_options() -> Answer:
    """Kept if it can be made so."""
    try:
        link = forms.read_link(request.form, request.form.getlist("kept"))
    except Mistakes as wrong:
        typed = {name: request.form.get(name, "") for name in ("label", "opens", "number")}
        return again("pages/share/link.html", wrong, typed={**typed, "kept": bool(request.form.getlist("kept"))})
    drafts.keep(share={**drafts.found("share"), "link": link})
    return onward("/share/check")


@blueprint.get("/shares/<grant_id>/link")
@needs_patient
@needs_fresh
def show(grant_id: str) -> Answer:
    """S9, as often as the patient likes while it lives: who shows it could give it on."""
    with reading() as w:
        link = link_again(w, access(), parse_id(grant_id))
        share = share_of(w, access(), parse_id(grant_id))
    addresses = Addresses(current_app.extensions["settings"].base_url, VIEWER)
    bare = addresses.bare(link, share.ends)
    return render_template(
        "pages/share/link_ready.html",
        share=share,
        link=addresses.whole(link, share.ends),
        bare=bare,
        here=f"{VIEWER}#{bare}",
        number=" ".join((link.passcode[:3], link.passcode[3:])).strip(),
        label=link.label or _("Health link"),
    )


@blueprint.get(VIEWER)
@public("whoever has a health link may open it; what it needs stands behind the # and stays in the browser")
def view() -> Answer:
    """The reader of links, the same for everyone: it holds nothing until its script has read the address."""
    return render_template("pages/link.html", origin=current_app.extensions["settings"].base_url)
