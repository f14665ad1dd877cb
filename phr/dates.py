"""Dates as people read them: "3 March 2026", the month always spelled, never 03/04/2026.

Where no language is named it is the page's own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from babel.dates import format_date, format_time
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

A_DAY = timedelta(hours=24)


def in_words(day: date | datetime, language: str = "") -> str:
    """A day as "3 March 2026"; other languages as they write it, the month always spelled."""
    locale = _locale(language)
    return format_date(day, "d MMMM y" if locale.startswith("en") else "long", locale=locale)


def moment_in_words(moment: datetime, *, now: datetime, zone: tzinfo = UTC, language: str = "") -> str:
    """Within the same day "today, 10:42", else "3 March 2026, 10:42"; both in `zone`."""
    there, here = moment.astimezone(zone), now.astimezone(zone)
    if there.date() == here.date() and abs(here - there) < A_DAY:
        return _("today, %(time)s", time=_clock(there, language))
    return in_full(moment, zone=zone, language=language)


def in_full(moment: datetime, *, zone: tzinfo = UTC, language: str = "") -> str:
    """The same whenever it is read: "3 March 2026, 10:42" in `zone`."""
    there = moment.astimezone(zone)
    return f"{in_words(there, language)}, {_clock(there, language)}"


def time_tag(moment: datetime, *, now: datetime, zone: tzinfo = UTC, language: str = "") -> Markup:
    """A `<time>` element: the short words inside, the full date for machines and on hover."""
    there = moment.astimezone(zone)
    full = in_full(moment, zone=zone, language=language)
    words = moment_in_words(moment, now=now, zone=zone, language=language)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(there.isoformat(timespec="minutes"), full, words)


def _clock(moment: datetime, language: str) -> str:
    return format_time(moment, "H:mm", locale=_locale(language))


def _locale(language: str) -> str:
    return language.replace("-", "_") or str(get_locale() or "en")
