"""WADO-RS metadata: descriptions of instances as DICOM JSON (PS3.18 10.4.1.1.2), a series at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, request

from consent.access import Access
from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.json_model import with_base
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb.accept import METADATA, choose
from fhir_gateway.dicomweb.answers import accepted, blueprint, links, metadata_answer, packed_as_accepted
from fhir_gateway.dicomweb.gathered import once_each
from fhir_gateway.dicomweb.partial import digest_tag, known
from fhir_gateway.links import Links
from fhir_gateway.looking import catalogue_for, tell_described, watched
from vault.database import Services, Work
from vault.errors import NoKey, NotThere
from vault.keyring import KeyClass
from vault.reading import Instance, find_instance, full_description, open_series

Json = dict[str, Any]

READ = "patient/ImagingStudy.r"
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

    def rows(self, series_uid: str, instance_uid: str | None = None) -> list[bytes]:
        """Written descriptions of a series' instances by number, or of one. Raises `NotThere`."""
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
    """The description of every instance of a study; no more than a series of them is held at a time."""
    check_uid(study_uid)
    media_type = choose(accepted(), METADATA)
    with services().reading() as work:
        studies = catalogue_for(work, access()).by_uid(study_uid)
    series = dict.fromkeys(one.facts.uid for study in studies for one in study.series)
    if not series:
        raise NotThere
    told = _told(study_uid)
    first, *others = series
    pieces = watched(_array(told, told.rows(first), others), services(), access())
    return packed_as_accepted(Response(pieces, content_type=media_type))


def _array(told: Described, rows: list[bytes], others: list[str]) -> Iterator[bytes]:
    """The rows of all series as one JSON array; the first ones were made before the answer began."""
    yield b"[" + b",".join(rows)
    for series_uid in others:
        yield b"," + b",".join(told.rows(series_uid))
    yield b"]"


@blueprint.get(f"{_SERIES}/metadata")
@needs(READ)
def series_metadata(study_uid: str, series_uid: str) -> Response:
    """The description of every instance of a series."""
    return _tagged(_told(check_uid(study_uid)).rows(check_uid(series_uid)))


@blueprint.get(f"{_INSTANCE}/metadata")
@needs(READ)
def instance_metadata(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """The description of one instance."""
    return _tagged(_told(check_uid(study_uid)).rows(check_uid(series_uid), check_uid(instance_uid)))


def _told(study_uid: str) -> Described:
    return Described(services(), access(), links(), study_uid)


def _tagged(rows: list[bytes]) -> Response:
    tag = digest_tag(b",".join(rows) + (request.headers.get("Accept-Encoding") or "").encode("latin-1", "replace"))
    if (nothing_new := known(tag)) is not None:
        return nothing_new
    answer = metadata_answer(rows)
    answer.headers["ETag"] = tag
    return answer
