"""WADO-RS metadata: descriptions of instances as DICOM JSON (PS3.18 10.4.1.1.2).

They lie ready, written and deflated when they were pushed (docs/format.md 6), and are handed out so. What cannot be is
written anew: documents, of which the asker may be given more; versions; a study that two sites pushed under one UID;
addresses of an origin that is no more ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
from flask import Response

from consent.access import Access
from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.json_model import with_base
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb.answers import accepts_gzip, array_answer, array_stream, blueprint, links
from fhir_gateway.dicomweb.arrays import Rows
from fhir_gateway.dicomweb.gathered import once_each
from fhir_gateway.dicomweb.partial import digest_tag, known
from fhir_gateway.links import Links
from fhir_gateway.looking import catalogue_for, tell_described
from vault.database import Services, Work
from vault.errors import NoKey, NotThere
from vault.keyring import KeyClass
from vault.reading import Instance, find_instance, full_description, open_series
from vault.strips import DescribedSeries, OpenStrip, find_described

Json = dict[str, Any]

READ = "patient/ImagingStudy.r"
HELD_MOST = 1 << 20  # sealed octets of a study's descriptions that are held at a time; more of them series by series
_STUDY = "/studies/<study_uid>"
_SERIES = f"{_STUDY}/series/<series_uid>"
_INSTANCE = f"{_SERIES}/instances/<instance_uid>"


@dataclass(frozen=True, slots=True)
class Described:
    """Descriptions for one asker; used while an answer streams, when there is no request to ask any more."""

    services: Services
    asker: Access
    links: Links
    study_uid: str

    def found(self, series_uid: str | None = None, instance_uid: str | None = None) -> list[DescribedSeries]:
        """The series that are described. Raises `NotThere`, `NoKey`."""
        with self.services.reading() as work:
            return find_described(work, self.asker.opened(), self.study_uid, series_uid, instance_uid)

    def as_sealed(self, series: DescribedSeries) -> tuple[str, list[Rows] | None]:
        """The series' UID, and its rows as they lie ready; None where they must be written anew."""
        opened = series.opened(self.services)
        tell_described(self.services, self.asker, series.study_id)
        uid = opened[0].strip.series_uid
        if series.has_versions or not all(self._is_ready(one) for one in opened):
            return uid, None
        return uid, [_ready(one) for one in opened]

    def rows_of(self, series: DescribedSeries) -> list[Rows]:
        """The rows of a series, ready or written anew."""
        uid, ready = self.as_sealed(series)
        return [Rows.written(self.rows(uid))] if ready is None else ready

    def _is_ready(self, one: OpenStrip) -> bool:
        return one.strip.base == self.links.origin and not one.strip.documents

    def rows(self, series_uid: str, instance_uid: str | None = None) -> list[bytes]:
        """Descriptions of a series' instances by number, or of one, written anew. Raises `NotThere`."""
        with self.services.reading() as work:
            instances = once_each(open_series(work, self.asker.opened(), self.study_uid, series_uid))
            if instance_uid is not None:
                instances = [one for one in instances if one.facts.uid == instance_uid]
            if not instances:
                raise NotThere
            rows = [self._row(work, one, (self.study_uid, series_uid, one.facts.uid)) for one in instances]
        for study_id in {one.study_id for one in instances}:
            tell_described(self.services, self.asker, study_id)
        return rows

    def _row(self, work: Work, one: Instance, uids: tuple[str, str, str]) -> bytes:
        return orjson.dumps(with_base(self._whole(work, one, uids), self.links.instance(*uids)))

    def _whole(self, work: Work, one: Instance, uids: tuple[str, str, str]) -> Json:
        """Of a document all that it says, where the asker was given reports; else what its study says of it."""
        if one.facts.key_class != KeyClass.REPORTS.value:
            return one.dicom
        try:
            keyring = self.asker.opened_for_objects()
            return full_description(work, keyring, find_instance(work, keyring, *uids)) or one.dicom
        except (NoKey, NotThere):
            return one.dicom


@blueprint.get(f"{_STUDY}/metadata")
@needs(READ)
def study_metadata(study_uid: str) -> Response:
    """The description of every instance of a study; of a large one no more than a series is held at a time."""
    told = _told(check_uid(study_uid))
    found = told.found()
    if _is_one(found):
        small = len(found) == 1 or sum(one.sealed_octets for one in found) <= HELD_MOST
        return _tagged(told, found) if small else array_stream(chain.from_iterable(map(told.rows_of, found)))
    return array_stream(_joined(told))


@blueprint.get(f"{_SERIES}/metadata")
@needs(READ)
def series_metadata(study_uid: str, series_uid: str) -> Response:
    """The description of every instance of a series."""
    told = _told(check_uid(study_uid))
    found = told.found(check_uid(series_uid))
    return _tagged(told, found) if _is_one(found) else _anew(told.rows(series_uid))


@blueprint.get(f"{_INSTANCE}/metadata")
@needs(READ)
def instance_metadata(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """The description of one instance."""
    told = _told(check_uid(study_uid))
    found = told.found(check_uid(series_uid), check_uid(instance_uid))
    return _tagged(told, found, instance_uid) if _is_one(found) else _anew(told.rows(series_uid, instance_uid))


def _told(study_uid: str) -> Described:
    return Described(services(), access(), links(), study_uid)


def _ready(one: OpenStrip) -> Rows:
    return Rows.lying(one.strip) if one.is_whole else Rows.written(one.strip.rows(one.places))


def _is_one(found: list[DescribedSeries]) -> bool:
    """Whether all series are of one study; two sites may have pushed it under one UID."""
    return len({one.study_id for one in found}) == 1


def _joined(told: Described) -> Iterator[Rows]:
    """The series of a study that is there more than once, each UID once."""
    with told.services.reading() as work:
        studies = catalogue_for(work, told.asker).by_uid(told.study_uid)
    for series_uid in dict.fromkeys(one.facts.uid for study in studies for one in study.series):
        yield Rows.written(told.rows(series_uid))


def _tagged(told: Described, found: list[DescribedSeries], instance_uid: str | None = None) -> Response:
    """The whole answer, named by what it is made of; where it is written anew, by its octets."""
    tag = digest_tag(b"".join(one.mark for one in found) + _form() + told.links.origin.encode())
    if (nothing_new := known(tag)) is not None:
        return nothing_new
    series = [told.as_sealed(one) for one in found]
    if any(ready is None for _, ready in series):
        return _anew([row for uid, ready in series for row in _all_of(told, uid, ready, instance_uid)])
    answer = array_answer([rows for _, ready in series for rows in ready or ()])
    answer.headers["ETag"] = tag
    return answer


def _all_of(told: Described, series_uid: str, ready: list[Rows] | None, instance_uid: str | None) -> list[bytes]:
    return told.rows(series_uid, instance_uid) if ready is None else [one.plain() for one in ready]


def _anew(rows: list[bytes]) -> Response:
    tag = digest_tag(b",".join(rows) + _form())
    if (nothing_new := known(tag)) is not None:
        return nothing_new
    answer = array_answer([Rows.written(rows)])
    answer.headers["ETag"] = tag
    return answer


def _form() -> bytes:
    """In which of its two forms the answer will be; a strong tag names one."""
    return b"gzip" if accepts_gzip() else b"plain"
