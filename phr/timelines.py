"""Where on the body one was scanned in which year, and who could see what from when to when: drawn, and as tables.

Everything here is numbers and words for `templates/components/timelines.html`. Drawings are 320 units wide, so that
their letters are as large on a small phone as those around them; each has its table, which says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from babel.numbers import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from phr import dates, languages, words
from phr.dose import UNITS, Dose
from phr.shares import ShareWords
from vault.studies import Study

WIDTH = 320
LEFT, RIGHT, SLANT = 48, 8, 62
OVERHANG = 48  # the name of the last column leans out to the right
TOP, ROW = 84, 44
BAR_ROW, BAR_TOP = 46, 30

# In the order of the body, from above.
REGIONS = {
    "head": lazy_gettext("Head"),
    "neck": lazy_gettext("Neck"),
    "chest": lazy_gettext("Chest"),
    "belly": lazy_gettext("Belly and pelvis"),
    "back": lazy_gettext("Back"),
    "arm": lazy_gettext("Arms and hands"),
    "leg": lazy_gettext("Legs and feet"),
    "other": lazy_gettext("Elsewhere"),
}
_PARTS = {
    "head": "brain|ear|eye|face|head|head and neck|inner ear|jaw|eye socket|jaw joint|nose|sinuses|skull|teeth",
    "neck": "neck|neck arteries|gullet|thyroid|neck and chest",
    "chest": "aorta|armpit|breast|heart|chest|collarbone|lungs|ribs|shoulder blade|breastbone|chest and belly",
    "belly": "belly|belly and pelvis|adrenal gland|bladder|cervix|bowel|gallbladder|kidney|liver|pancreas|pelvis"
    "|prostate|scrotum|spleen|stomach|testicles|womb",
    "back": "back|tailbone|lower back|neck and upper back|spine|upper back",
    "arm": "arm|elbow|finger|forearm|hand|upper arm|shoulder|thumb|wrist",
    "leg": "ankle|heel|thigh|foot|hip|knee|leg|kneecap|lower leg|toe",
}
REGION_OF = {part: region for region, parts in _PARTS.items() for part in parts.split("|")}


@dataclass(frozen=True, slots=True)
class Dot:
    """So many scans of one region in one year, at a place of the drawing."""

    x: float
    y: float
    radius: float
    count: int


@dataclass(frozen=True, slots=True)
class ScanChart:
    """Years down, newest first, and regions across."""

    height: int
    columns: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str], ...]
    dots: tuple[Dot, ...]
    table: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """How long somebody could see something; `open` where it goes on."""

    y: float
    x: float
    width: float
    who: str
    open: bool
    state: str


@dataclass(frozen=True, slots=True)
class ShareChart:
    """One bar for each share, the newest first, between the first day and today."""

    height: int
    first: str
    last: str
    bars: tuple[Bar, ...]
    table: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class DoseRow:
    """One scan: its words, its amount with the unit, and how long its bar is."""

    y: float
    width: float
    day: str
    title: str
    amount: str


@dataclass(frozen=True, slots=True)
class DoseChart:
    """One measure: bars of all scans that have it, the newest first."""

    measure: str
    height: int
    rows: tuple[DoseRow, ...]


def charts_of_doses(doses: Sequence[Dose]) -> list[DoseChart]:
    """One drawing for each measure, because amounts of two measures cannot be compared."""
    return [
        _chart_of_doses(measure, [one for one in doses if one.measure == measure])
        for measure in UNITS
        if any(one.measure == measure for one in doses)
    ]


def _chart_of_doses(measure: str, doses: Sequence[Dose]) -> DoseChart:
    most = max(one.amount for one in doses)
    return DoseChart(
        measure=measure,
        height=BAR_TOP + BAR_ROW * len(doses),
        rows=tuple(
            DoseRow(
                y=BAR_TOP + row * BAR_ROW,
                width=max(4.0, (WIDTH - 2 * RIGHT) * one.amount / most),
                day=dates.in_words(one.day),
                title=one.title,
                amount=f"{format_decimal(one.amount, '#,##0.##', locale=languages.here())} {UNITS[measure]}",
            )
            for row, one in enumerate(doses)
        ),
    )


def region_of(study: Study) -> str:
    """The key of the region this study shows; "other" where that is not known."""
    series = [one.facts for one in study.series if one.facts.modality not in words.SILENT]
    return REGION_OF.get(words.part_of(series, study.facts.description), "other")


def chart_of_scans(studies: Iterable[Study]) -> ScanChart | None:
    """Scans by year and region; None where none has a day."""
    counted: Counter[tuple[int, str]] = Counter()
    for study in studies:
        day = words.day_of(study.facts.date)
        if day is not None:
            counted[day.year, region_of(study)] += 1
    if not counted:
        return None
    years = sorted({year for year, _region in counted}, reverse=True)
    regions = [region for region in REGIONS if any(found == region for _year, found in counted)]
    across = {
        region: LEFT + (place + 0.5) * (WIDTH - LEFT - OVERHANG) / len(regions) for place, region in enumerate(regions)
    }
    down = {year: TOP + (place + 0.5) * ROW for place, year in enumerate(years)}
    return ScanChart(
        height=TOP + ROW * len(years) + 8,
        columns=tuple((across[region], str(REGIONS[region])) for region in regions),
        rows=tuple((down[year], str(year)) for year in years),
        dots=tuple(
            Dot(x=across[region], y=down[year], radius=min(18, 10 + 2 * count), count=count)
            for (year, region), count in sorted(counted.items())
        ),
        table=tuple((str(year), tuple(counted[year, region] for region in regions)) for year in years),
    )


def chart_of_shares(shares: Sequence[ShareWords], *, now: datetime) -> ShareChart | None:
    """Who could see something, from when to when; None where nothing was ever shared."""
    if not shares:
        return None
    newest = sorted(shares, key=lambda one: one.began, reverse=True)
    first = newest[-1].began
    whole = max((now - first).total_seconds(), 1.0)
    room = WIDTH - 2 * RIGHT

    def place(moment: datetime) -> float:
        return RIGHT + room * max(0.0, min(1.0, (moment - first).total_seconds() / whole))

    bars = tuple(
        Bar(
            y=BAR_TOP + row * BAR_ROW,
            x=min(place(one.began), WIDTH - RIGHT - 6),
            width=max(6.0, place(one.ended or now) - place(one.began)),
            who=one.who,
            open=one.ended is None,
            state=one.state,
        )
        for row, one in enumerate(newest)
    )
    return ShareChart(
        height=BAR_TOP + BAR_ROW * len(newest) + 24,
        first=dates.in_words(first),
        last=dates.in_words(now),
        bars=bars,
        table=tuple((one.who, _day(one.began), _end(one), one.lines[0]) for one in newest),
    )


def _day(moment: datetime) -> str:
    return dates.in_words(moment.astimezone(UTC))


def _end(share: ShareWords) -> str:
    return _day(share.ended) if share.ended is not None else _("goes on")
