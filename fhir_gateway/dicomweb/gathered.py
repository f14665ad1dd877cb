"""What the asker sees, with everything under one UID as one: two sites may have pushed the same study."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from consent.access import Access
from vault.catalogue import find_studies, listing, newest_first
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.reading import Instance, list_series, open_first, open_series
from vault.studies import Series, Study

Json = dict[str, Any]


def studies_for(work: Work, access: Access) -> list[Study]:
    """The studies with pictures or documents in DICOM, each UID once; the newest first, then by UID."""
    return each_once(work, access, listing(work, access.opened()).studies)


def studies_under(work: Work, access: Access, uids: Collection[str]) -> list[Study]:
    """Those of them that have one of these UIDs."""
    keyring = access.opened()
    return each_once(work, access, listing(work, keyring, find_studies(work, keyring, uids)).studies)


def each_once(work: Work, access: Access, studies: Iterable[Study]) -> list[Study]:
    """The same, what several sites pushed under one UID as one; without those that have no pictures."""
    by_uid: dict[str, Study] = {}
    for study in sorted(studies, key=newest_first, reverse=True):
        if study.uid and study.series:
            known = by_uid.get(study.uid)
            by_uid[study.uid] = study if known is None else _joined(work, access, known, study)
    return sorted(by_uid.values(), key=lambda study: (study.facts.date, study.facts.time, study.uid), reverse=True)


def _joined(work: Work, access: Access, first: Study, second: Study) -> Study:
    """Both as one, described as the first; of a series that both have the instances are counted by UID."""
    series = {one.facts.uid: one for one in first.series}
    for one in second.series:
        if one.facts.uid in series:
            known = series[one.facts.uid]
            count = len(instances_of(work, access, first.uid, one.facts.uid))
            series[one.facts.uid] = replace(known, instances=count, has_preview=known.has_preview or one.has_preview)
        else:
            series[one.facts.uid] = one
    return replace(first, series=tuple(series.values()), folders=(*first.folders, *second.folders))


def instances_of(work: Work, access: Access, study_uid: str, series_uid: str) -> list[Instance]:
    """A series' instances by number, each UID once, as the first one kept; empty where none may be described."""
    return _instances(open_series, work, access, study_uid, series_uid)


def facts_of(work: Work, access: Access, study_uid: str, series_uid: str) -> list[Instance]:
    """The same with the facts alone: their `dicom` is empty, and was not read."""
    return _instances(list_series, work, access, study_uid, series_uid)


def _instances(
    found: Callable[..., list[Instance]], work: Work, access: Access, study_uid: str, series_uid: str
) -> list[Instance]:
    try:
        return once_each(found(work, access.opened(), study_uid, series_uid))
    except (NoKey, NotThere):
        return []


def once_each(opened: Iterable[Instance]) -> list[Instance]:
    """Each UID once, as the first one kept, by number."""
    first: dict[str, Instance] = {}
    for one in opened:
        first.setdefault(one.facts.uid, one)
    return sorted(first.values(), key=_by_number)


def _by_number(instance: Instance) -> tuple[bool, int, str]:
    number = instance.facts.number
    return number is None, number or 0, instance.facts.uid


def series_of(study: Study) -> Iterator[Series]:
    """A study's series by number, then by UID."""
    yield from sorted(study.series, key=lambda one: (one.facts.number is None, one.facts.number or 0, one.facts.uid))


def described(work: Work, access: Access, study: Study, series: Series | None = None) -> Json:
    """What an instance says of its series, or of its study; empty where none may be described."""
    for one in [series] if series is not None else series_of(study):
        try:
            return open_first(work, access.opened(), study.uid, one.facts.uid).dicom
        except (NoKey, NotThere):
            continue
    return {}
