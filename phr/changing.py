"""Changing a share (S12): its answers stand in the draft again, and it stops when they are given anew.

Nothing of a grant is rewritten. Whoever had a code or a link needs the new one; a doctor with an account needs nothing.
"""

from __future__ import annotations

from datetime import timedelta

from consent.access import Access
from consent.decisions import For
from consent.health_links import link_again
from consent.shared import Shared, shared
from phr import drafts, forms
from phr.shares import ShareWords
from vault import accounts
from vault.database import Work
from vault.errors import NotThere
from vault.health_links import LONG_TERM, PASSCODE
from vault.ids import Id
from vault.keyring import KeyClass

HOW = {For.CODE: "code", For.LINK: "link", For.PROVIDER: "doctor"}


def how_of(work: Work, access: Access, grant_id: Id) -> str:
    """How it was given: code, link or doctor. Raises `NotThere` for what has ended, and for an app, which asks anew."""
    return HOW[_changeable(work, access, grant_id).kind]


def answers_of(work: Work, access: Access, share: ShareWords, grant_id: Id) -> drafts.Kept:
    """The draft of a new share like this one, naming what it takes the place of. Raises `NotThere` as `how_of` does."""
    one = _changeable(work, access, grant_id)
    answers: drafts.Kept = {
        "scans": [study_id.hex() for study_id in share.study_ids],
        "how": HOW[one.kind],
        "may": _may(one),
        "replaces": {"grant": share.id, "called": share.called},
        **_length(one),
    }
    if one.kind is For.LINK:
        answers["link"] = _link(work, access, one)
    if one.kind is For.PROVIDER:
        answers |= _doctor(work, one)
    return answers


def _changeable(work: Work, access: Access, grant_id: Id) -> Shared:
    one = shared(work, access, grant_id)
    if one.ended_at is not None or one.kind not in HOW:
        raise NotThere
    return one


def _may(one: Shared) -> list[str]:
    ticked = {"see": True, "save": not one.limits.view_only, "new": one.limits.standing is not None}
    return [name for name, is_ticked in ticked.items() if is_ticked]


def _length(one: Shared) -> drafts.Kept:
    """The answer it was given with, or none where it was another, such as in an app that gives codes."""
    if one.until is None:
        return {"length": "none"}
    lasts = one.until - one.created
    fitting = [name for name, seconds in forms.LENGTHS.items() if seconds and timedelta(seconds=seconds) == lasts]
    return {"length": fitting[0]} if fitting else {}


def _link(work: Work, access: Access, one: Shared) -> drafts.Kept:
    link = link_again(work, access, one.grant_id)
    return {
        "label": link.label,
        "opens": "all" if KeyClass.PICTURES in one.limits.classes else "reports",
        "number": "yes" if PASSCODE in link.flags else "no",
        "kept": LONG_TERM in link.flags,
    }


def _doctor(work: Work, one: Shared) -> drafts.Kept:
    """The account it was given to; where that has another name by now, the question is asked again."""
    try:
        return {"doctor": {"login": one.label, "vault": accounts.provider_called(work, one.label).hex()}}
    except NotThere:
        return {}
