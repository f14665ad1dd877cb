"""The scans somebody may tick for a share: those they came for first, then older ones that may help (experience S1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flask_babel import gettext as _

from phr.priors import that_may_help
from phr.scans import Scan
from vault.studies import Study

Box = tuple[str, str, str]
HEADING = ""  # the value of a line that is no box


def boxes_of(scans: Sequence[Scan], studies: Sequence[Study], chosen: Collection[str]) -> list[Box]:
    """A box for every scan. Where some were chosen before, what may help beside them stands under words that say so."""
    named = {scan.id: (scan.id, scan.named, scan.place) for scan in scans}
    first = [box for one, box in named.items() if one in chosen]
    helpful = [one.id.hex() for one in older_that_may_help(studies, chosen)]
    rest = [box for one, box in named.items() if one not in chosen and one not in helpful]
    if not first or not helpful:
        return [*first, *rest]
    others: list[Box] = [(HEADING, _("Other scans"), ""), *rest] if rest else []
    return [*first, (HEADING, _("Older scans that may help"), ""), *(named[one] for one in helpful), *others]


def older_that_may_help(studies: Sequence[Study], chosen: Collection[str]) -> list[Study]:
    """The scans of the same part of the body that were not chosen."""
    return that_may_help([one for one in studies if one.id.hex() in chosen], studies)
