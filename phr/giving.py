"""What a patient's answers about sharing come to: an offer, a link, the words of the last page (experience S1 to S9).

Answers are the draft "share": scans, how (code, slip, link, doctor), length, may, for a link its name, its number, what
opens and whether it is kept up to date, for a doctor the name of the account and its vault, and what it replaces. How
long and what they may do have usual answers, which stand on the last page with a way to change them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from consent import grants
from consent.grants import EVERYTHING, For, Offer
from consent.health_links import give_link
from consent.request import access, reading, work
from phr import drafts, forms, words
from vault.catalogue import Catalogue, open_catalogue
from vault.database import Work
from vault.health_links import LONG_TERM, PASSCODE, SINGLE_FILE, HealthLink
from vault.ids import parse_id
from vault.keyring import KeyClass
from vault.sharing import Standing

Rows = list[tuple[str, str, str, str]]

LENGTH_WORDS = {"4h": "4 hours", "30d": "30 days", "1y": "1 year", "none": "Until you stop it"}
_REPORTS_ALONE = EVERYTHING - {KeyClass.PICTURES}


def with_usual(share: drafts.Kept) -> drafts.Kept:
    """The answers, and the usual ones where nobody chose: a code is good for the visit, paper and a link for longer.

    Saving a copy is off until the patient ticks it, but for a doctor who has an account.
    """
    how = share.get("how", "")
    usual = {
        "length": {"slip": "30d", "link": "30d", "doctor": "1y"}.get(how, "4h"),
        "may": ["see", "save"] if how == "doctor" else ["see"],
    }
    return {**usual, **share}


def next_question(share: drafts.Kept) -> str:
    """The next question without an answer, else the page with all of them."""
    return first_missing(share) or "/share/check"


def first_missing(share: drafts.Kept) -> str:
    """The address of the first question without an answer; "" when all are answered."""
    pages = {"scans": "/share/scans", "how": "/share/how"}
    if share.get("how") == "link":
        pages["link"] = "/share/link"
    if share.get("how") == "doctor":
        pages["doctor"] = "/share/doctor"
    return next((page for name, page in pages.items() if not share.get(name)), "")


def last_question(share: drafts.Kept) -> str:
    """The page before the last one."""
    return {"link": "/share/link", "doctor": "/share/doctor"}.get(share["how"], "/share/how")


def in_words(share: drafts.Kept, scans: int) -> Rows:
    """The answers, each with the way back to its question."""
    may_do = {"see": _("See"), "save": _("Save a copy"), "new": _("See new scans")}
    count = ngettext("%(num)s scan", "%(num)s scans", scans)
    means = {"slip": _("Print a code"), "link": _("Send a link"), "doctor": _("To a doctor's account")}
    rows = [
        (_("Scans"), count, "/share/scans", _("Change")),
        (_("How"), means.get(share["how"], _("Show a code")), "/share/how", _("Change")),
        (_("How long"), _(LENGTH_WORDS[share["length"]]), "/share/time", _("Change")),
        (_("They may"), ", ".join(may_do[one] for one in share["may"]), "/share/may", _("Change")),
    ]
    if share["how"] == "doctor":
        rows.append((_("The doctor"), share["doctor"]["login"], "/share/doctor", _("Change")))
    if share["how"] == "link":
        rows.append((_("The link"), _link_in_words(share["link"]), "/share/link", _("Change")))
    if replaces := share.get("replaces"):
        stops = _("Sharing with %(who)s as it is now", who=replaces["called"])
        rows.append((_("What stops"), stops, f"/shares/{replaces['grant']}/change", _("Change")))
    return rows


def _link_in_words(link: drafts.Kept) -> str:
    parts = [f"“{link['label']}”"] if link["label"] else []
    parts.append(_("Reports only") if link["opens"] == "reports" else _("Pictures and reports"))
    parts.append(_("With a number") if link["number"] == "yes" else _("Without a number"))
    if link["kept"]:
        parts.append(_("Kept up to date"))
    return ". ".join(parts) + "."


def offer_of(w: Work, share: drafts.Kept, catalogue: Catalogue) -> Offer:
    """What is offered; nothing is changed yet. Raises `NotThere` for a scan that is gone."""
    studies = [catalogue.study(parse_id(one)) for one in share["scans"]]
    seconds = forms.LENGTHS[share["length"]]
    kinds = tuple(dict.fromkeys(kind for study in studies for kind in study.modalities if kind not in words.SILENT))
    reports_alone = share["how"] == "link" and share["link"]["opens"] == "reports"
    return Offer(
        study_ids=tuple(dict.fromkeys(folder for study in studies for folder in study.folders)),
        expires=None if seconds is None else w.now + timedelta(seconds=seconds),
        classes=_REPORTS_ALONE if reports_alone else EVERYTHING,
        view_only="save" not in share["may"],
        standing=Standing(modalities=kinds) if "new" in share["may"] else None,
        kind=For.PROVIDER if share["how"] == "doctor" else For.CODE,
        label=share["doctor"]["login"] if share["how"] == "doctor" else "",
    )


def link_of(share: drafts.Kept) -> HealthLink:
    """A fresh link as it was asked for; what comes later by itself makes it one that changes.

    Reports alone, without a number, are one file that any receiver fetches directly; never with a number (flags U, P).
    """
    link, has_number = share["link"], share["link"]["number"] == "yes"
    flags = {
        LONG_TERM: link["kept"] or "new" in share["may"],
        PASSCODE: has_number,
        SINGLE_FILE: link["opens"] == "reports" and not has_number,
    }
    return HealthLink.new(flags="".join(flag for flag, wanted in flags.items() if wanted), label=link["label"])


def iso(moment: datetime | None) -> str:
    """A moment as drafts keep it; "" for none."""
    return moment.isoformat() if moment else ""


# -- giving -----------------------------------------------------------------------------------------------------------


def give(share: drafts.Kept) -> str:
    """After this the scans are shared as was answered; the address of the page that comes next."""
    next_page = {"link": _give_link, "doctor": _give_doctor}.get(share["how"], _give_code)(share)
    if replaces := share.get("replaces"):
        with work() as w:  # after the new one stands: whatever fails between, nobody loses sight of the scans
            grants.end(w, access(), parse_id(replaces["grant"]))
    return next_page


def _offered(share: drafts.Kept) -> Offer:
    """Looked up before the transaction that gives: while many scans are opened nobody waits to write."""
    with reading() as w:
        return offer_of(w, share, open_catalogue(w, access().own_vault()))


def _give_code(share: drafts.Kept) -> str:
    offer = _offered(share)
    with work() as w:
        grant_id, code = grants.give_code(w, access(), offer)
    given = {"grant": grant_id.hex(), "code": code.reveal(), "count": len(share["scans"])}
    drafts.keep(given={**given, "until": iso(offer.expires), "scans": share["scans"]})
    return "/share/code"


def _give_doctor(share: drafts.Kept) -> str:
    with work() as w:
        offer = offer_of(w, share, open_catalogue(w, access().own_vault()))
        grants.give_to_provider(w, access(), offer, parse_id(share["doctor"]["vault"]))
    drafts.keep(told=_("Shared. The scans stand in the list of %(doctor)s now.", doctor=share["doctor"]["login"]))
    return "/shares"


def _give_link(share: drafts.Kept) -> str:
    offer = _offered(share)
    with work() as w:
        grant_id = give_link(w, access(), offer, link_of(share))
    return f"/shares/{grant_id.hex()}/link"
