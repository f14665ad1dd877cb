"""Dates as people read them: "3 March 2026", the month always spelled, never 03/04/2026."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from babel.dates import format_date, format_time
from markupsafe import Markup

A_DAY = timedelta(hours=24)


def in_words(day: date | datetime, language: str = "en") -> str:
    """A day as "3 March 2026"."""
    return format_date(day, "d MMMM y", locale=language)


def moment_in_words(moment: datetime, *, now: datetime, zone: tzinfo = UTC, language: str = "en") -> str:
    """Within the same day "today, 10:42", else "3 March 2026, 10:42"; both in `zone`."""
    there, here = moment.astimezone(zone), now.astimezone(zone)
    at = format_time(there, "H:mm", locale=language)
    if there.date() == here.date() and abs(here - there) < A_DAY:
        return f"today, {at}"
    return f"{in_words(there, language)}, {at}"


def time_tag(moment: datetime, *, now: datetime, zone: tzinfo = UTC, language: str = "en") -> Markup:
    """A `<time>` element: the short words inside, the full date for machines and on hover."""
    there = moment.astimezone(zone)
    full = f"{in_words(there, language)}, {format_time(there, 'H:mm', locale=language)}"
    words = moment_in_words(moment, now=now, zone=zone, language=language)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(there.isoformat(timespec="minutes"), full, words)
