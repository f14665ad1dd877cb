"""What X-ray machines wrote about the radiation of a scan, as they wrote it: nothing is reckoned, guessed or added up.

From CT pictures the highest CTDIvol (PS3.3 C.8.15.3.8), from X-ray pictures the dose area product (PS3.3 C.7.6.8 and
C.8.7.10), and from dose reports their totals (PS3.16 TID 10012 and TID 10004).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from phr import words
from phr.scans import title_of
from vault.catalogue import Catalogue
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.keyring import Keyring
from vault.reading import Instance, open_series
from vault.studies import Study

WRITES_DOSE = frozenset({"CT", "CR", "DX", "DR", "RG", "XA", "RF", "MG", "PX", "IO", "SR"})
CTDIVOL, AREA_PRODUCT = "00189345", "0018115E"
NAME, CODE, CONTENT, MEASURED, VALUE = "0040A043", "00080100", "0040A730", "0040A300", "0040A30A"
# Totals of dose reports by their code (DCM), the measure they are shown as, and what a unit of theirs is in ours.
TOTALS = {"113813": ("dlp", 1.0), "113722": ("dap", 10_000.0)}  # mGy.cm; Gy.m2 in Gy.cm2
DECI = 0.1  # the area product of a picture is in dGy.cm2
UNITS = {"dlp": "mGy·cm", "ctdi": "mGy", "dap": "Gy·cm²"}


@dataclass(frozen=True, slots=True)
class Dose:
    """One scan's dose by one measure: a key of `UNITS`."""

    day: date
    title: str
    measure: str
    amount: float


def doses_of(work: Work, keyring: Keyring, catalogue: Catalogue) -> list[Dose]:
    """What is written in the scans somebody has, the newest first; a scan may have several measures or none."""
    found = [one for study in catalogue.studies for one in _of_study(work, keyring, study)]
    return sorted(found, key=lambda one: one.day, reverse=True)


def writes_dose(study: Study) -> bool:
    """Whether it is worth looking: it came from a machine with X-rays."""
    return any(one.facts.modality in WRITES_DOSE for one in study.series)


def _of_study(work: Work, keyring: Keyring, study: Study) -> Iterator[Dose]:
    day = words.day_of(study.facts.date)
    if day is None or not writes_dose(study):
        return
    for measure, amount in _amounts(_instances(work, keyring, study)).items():
        yield Dose(day=day, title=title_of(study), measure=measure, amount=amount)


def _instances(work: Work, keyring: Keyring, study: Study) -> Iterator[Instance]:
    for series in study.series:
        if series.facts.modality in WRITES_DOSE:
            try:
                yield from open_series(work, keyring, study.uid, series.facts.uid)
            except (NotThere, NoKey):
                continue


def _amounts(instances: Iterable[Instance]) -> dict[str, float]:
    reported: dict[str, float] = {}
    pictured: dict[str, float] = {}
    for one in instances:
        for measure, amount in _totals(one.dicom):
            reported[measure] = max(amount, reported.get(measure, 0.0))
        for amount in _numbers(one.dicom, CTDIVOL):
            pictured["ctdi"] = max(amount, pictured.get("ctdi", 0.0))
        for amount in _numbers(one.dicom, AREA_PRODUCT):
            pictured["dap"] = max(amount * DECI, pictured.get("dap", 0.0))
    return {measure: amount for measure, amount in {**pictured, **reported}.items() if amount > 0}


def _totals(dicom: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The totals of a dose report, wherever its tree has them."""
    waiting = _items(dicom, CONTENT)
    while waiting:
        item = waiting.pop()
        waiting += _items(item, CONTENT)
        codes = [str(value) for name in _items(item, NAME) for value in _values(name, CODE)]
        for measure, factor in (TOTALS[code] for code in codes if code in TOTALS):
            for measured in _items(item, MEASURED):
                yield from ((measure, amount * factor) for amount in _numbers(measured, VALUE))


def _values(dicom: Mapping[str, Any], tag: str) -> list[Any]:
    element = dicom.get(tag)
    found = element.get("Value") if isinstance(element, dict) else None
    return found if isinstance(found, list) else []


def _items(dicom: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    return [item for item in _values(dicom, tag) if isinstance(item, dict)]


def _numbers(dicom: Mapping[str, Any], tag: str) -> Iterator[float]:
    for value in _values(dicom, tag):
        try:
            amount = float(value)
        except (TypeError, ValueError):
            continue
        if 0 < amount < 1_000_000:
            yield amount
