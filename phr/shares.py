"""Who can see what, in words: the same for the home page, a scan's page and the list of shares (experience S12).

What somebody was given reads "Sent", "Opened", "Saved a copy", "Ended" everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask_babel import get_timezone, ngettext
from flask_babel import gettext as _

from consent import shared
from consent.access import Access
from consent.decisions import For
from consent.sees import Sees
from consent.shared import Shared
from phr import dates
from vault.catalogue import Catalogue
from vault.database import Work
from vault.ids import Id
from vault.keyring import KeyClass

SOON = timedelta(hours=24)
NOTHING_OPENED = Catalogue(())
REPORTS_ALONE = frozenset({KeyClass.META, KeyClass.REPORTS})


@dataclass(frozen=True, slots=True)
class ShareWords:
    """One share as a card or page says it.

    `called` is `who` in the middle of a sentence: "with whoever has the code". `unused`: a code that nobody has typed.
    `may_change`: an app asks anew instead.
    """

    id: str
    who: str
    called: str
    unused: bool
    state: str
    until: str
    may: str
    opened: datetime | None
    opened_words: str
    saved: datetime | None
    is_app: bool
    sees: Sees | None
    is_link: bool
    may_change: bool
    ends: datetime | None
    began: datetime
    ended: datetime | None
    study_ids: tuple[bytes, ...]
    lines: tuple[str, ...]


def shares_of(work: Work, access: Access, catalogue: Catalogue) -> list[ShareWords]:
    """Everything the patient shares now, newest first."""
    return [_in_words(one, now=work.now, whole=_wholes(catalogue)) for one in shared.live_for(work, access)]


def ended_shares_of(work: Work, access: Access, catalogue: Catalogue) -> list[ShareWords]:
    """What has ended, newest first."""
    return [_in_words(one, now=work.now, whole=_wholes(catalogue)) for one in shared.history_of(work, access)]


def share_of(work: Work, access: Access, grant_id: Id, catalogue: Catalogue = NOTHING_OPENED) -> ShareWords:
    """One share, live or ended. Raises `NotThere`.

    Without a catalogue, which costs more the more scans somebody has, its scans are counted as the sites pushed them.
    """
    return _in_words(shared.shared(work, access, grant_id), now=work.now, whole=_wholes(catalogue))


def _wholes(catalogue: Catalogue) -> dict[bytes, bytes]:
    """Each folder's scan: a grant names folders, of which a scan may have several."""
    return {folder: study.id for study in catalogue.studies for folder in study.folders}


def _in_words(one: Shared, *, now: datetime, whole: dict[bytes, bytes]) -> ShareWords:
    studies = tuple(dict.fromkeys(whole.get(folder, folder) for folder in one.limits.study_ids))
    who, may, until = _who(one), _may(one), until_words(one.until, now=now)
    opened = _opened(one, now)
    what = ngettext("%(num)s scan.", "%(num)s scans.", len(studies))
    if one.limits.classes == REPORTS_ALONE:
        what = " ".join((what, _("Reports only.")))
    ending = _("Ended %(when)s.", when=_moment(one.ended_at, now)) if one.ended_at else _ends(one.until, until)
    saved = _("Saved a copy.") if one.saved_at else ""
    return ShareWords(
        id=one.grant_id.hex(),
        who=who,
        called=_called(one),
        unused=_is_unused(one),
        state=one.stage.value,
        until=until,
        may=may,
        opened=one.first_opened,
        opened_words=opened,
        saved=one.saved_at,
        is_app=one.kind is For.APP,
        sees=one.sees,
        is_link=one.kind is For.LINK and one.ended_at is None,
        may_change=one.kind is not For.APP and one.ended_at is None,
        ends=one.until,
        began=one.created,
        ended=one.ended_at,
        study_ids=studies,
        lines=(f"{what} {ending}", f"{opened} {saved}".strip()),
    )


def _who(one: Shared) -> str:
    if one.waits:
        return one.label or _("A code nobody has used yet")
    if one.kind is For.LINK:
        return _("Link: %(name)s", name=one.label) if one.label else _("Health link")
    if one.kind is For.APP:
        return _("%(name)s (app)", name=one.who or _("An app"))
    return ", ".join(part for part in (one.who, one.clinic) if part) or _("Someone with a code")


def _is_unused(one: Shared) -> bool:
    """A code that nobody has typed."""
    return one.kind is For.CODE and one.redeemed_by is None and one.first_opened is None


def _called(one: Shared) -> str:
    if one.kind is For.LINK:
        return _("whoever has the link “%(name)s”", name=one.label) if one.label else _("whoever has the link")
    if _is_unused(one):
        return _("whoever has the code")
    return _who(one) if one.who or one.clinic or one.kind is For.APP else _("someone with a code")


def _may(one: Shared) -> str:
    parts = [_("See")]
    if one.limits.classes == REPORTS_ALONE:
        parts = [_("Reports only")]
    if not one.limits.view_only:
        parts.append(_("Save a copy"))
    if one.limits.standing is not None:
        parts.append(_("See new scans"))
    return ", ".join(parts)


def _opened(one: Shared, now: datetime) -> str:
    if one.first_opened is None:
        return _("Not opened yet.")
    times = ngettext("Opened %(num)s time", "Opened %(num)s times", max(1, one.opens))
    return _("%(times)s, last %(when)s.", times=times, when=_moment(one.last_opened or one.first_opened, now))


def _ends(until: datetime | None, words: str) -> str:
    return _("Until %(when)s.", when=words) if until else _("Until you stop it.")


def until_words(until: datetime | None, *, now: datetime) -> str:
    """When it ends: "today, 14:42", or "30 March 2026" where it is further off."""
    if until is None:
        return _("you stop it")
    return _moment(until, now) if until - now < SOON else dates.in_words(until.astimezone(get_timezone() or UTC))


def _moment(moment: datetime | None, now: datetime) -> str:
    return dates.moment_in_words(moment, now=now, zone=get_timezone() or UTC) if moment else ""
