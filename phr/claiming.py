"""Taking the scan whose PIN and birth date wait in the draft, as soon as somebody is signed in (experience P8, P9)."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from consent.request import safe_return, services, source
from phr import dates, drafts, words
from phr.forms import Mistakes
from vault import claims
from vault.accounts import SignedIn
from vault.catalogue import open_catalogue
from vault.claims import Taken
from vault.errors import ClaimExpired, ClaimUsed, WrongPin
from vault.ids import Id
from vault.keyring import VaultKeyring
from vault.sealing.codes import ClaimPin
from vault.sites import find_site

BEGAN = "began"  # in the draft of a claim: the account was made with this slip


def claim_waits() -> bool:
    """Whether a PIN and a birth date wait for somebody to sign in."""
    return "born" in drafts.found("claim")


def first_page(signed: SignedIn) -> str:
    """Where somebody who has just signed in goes: to the scan that waited, back to the birth date with what was wrong,
    or to the page they came from.
    """
    if not claim_waits():
        return safe_return(drafts.take("back"), "/home")
    try:
        return take_waiting(signed.keyring, signed.account_id)
    except Mistakes as wrong:
        drafts.keep(claim_mistake=next(iter(wrong.at.values())))
        return "/add/birth"


def first_page_of_new(signed: SignedIn) -> str:
    """The same for an account that was just made: it began with the birth date typed for the slip, which nothing had
    proven, and takes over the one that opens the slip.
    """
    if claim_waits():
        drafts.keep(claim={**drafts.found("claim"), BEGAN: "yes"})
    return first_page(signed)


def take_waiting(keyring: VaultKeyring, account_id: Id) -> str:
    """Take the scan that waits into this vault; answers the address of its page. Raises `Mistakes` and `Wait`.

    A birth date that was wrong is kept as what was tried, so that signing in again tries it no second time.
    """
    claim = drafts.found("claim")
    try:
        taken = _take(claim, keyring, account_id)
    except Mistakes:
        drafts.keep(claim={**{name: kept for name, kept in claim.items() if name != "born"}, "tried": claim["born"]})
        raise
    drafts.drop("claim")
    return _welcome(keyring, taken, born=claim["born"] if BEGAN in claim else "")


def _take(claim: drafts.Kept, keyring: VaultKeyring, account_id: Id) -> Taken:
    try:
        return claims.take(
            services(),
            pin=ClaimPin.parse(claim["pin"]),
            born=claim["born"],
            keyring=keyring,
            account_id=account_id,
            source=source(),
        )
    except WrongPin as wrong:
        sentence = _(
            "The PIN and the date of birth do not go together. Check both. You have %(left)s tries left.",
            left=wrong.tries_left,
        )
        raise Mistakes({"born": sentence}) from None
    except ClaimExpired:
        sentence = _("Slips work for 90 days. Is yours older? Ask the scan center to print a new one.")
        raise Mistakes({"born": sentence}) from None
    except ClaimUsed as used:
        raise Mistakes({"born": _was_used(used)}) from None


def _was_used(used: ClaimUsed) -> str:
    with services().reading() as w:
        site = find_site(w, used.site_id).details
    day = dates.in_words(date.fromisoformat(used.day))
    return _(
        "This slip was used on %(day)s. Is that you? Sign in to see your scan. "
        "If it was not you, call %(site)s on %(phone)s.",
        day=day,
        site=site.name,
        phone=site.phone or _("the number on your slip"),
    )


def _welcome(keyring: VaultKeyring, taken: Taken, *, born: str) -> str:
    """P9: the page of the newest scan, or the list where there are several or none yet.

    The account's birth date is `born` from now on, unless that is "".
    """
    with services().work() as w:
        if born:
            keyring.keep_field(w, "born", born)
        catalogue = open_catalogue(w, keyring, only=taken.study_ids)
        if not keyring.field(w, "name") and catalogue.people:
            keyring.keep_field(w, "name", words.person(catalogue.people[0].name))
    if not catalogue.studies:
        drafts.keep(told=_("Your slip worked. Your pictures are still on the way. This can take an hour."))
        return "/home"
    count = len(catalogue.studies)
    drafts.keep(
        told=ngettext(
            "Your scan is now in your account. The slip no longer works.",
            "%(num)s scans are now in your account. The slip no longer works.",
            count,
        ),
        future=taken.link_id.hex() if taken.link_id else "",
    )
    return f"/scans/{catalogue.studies[0].id.hex()}"
