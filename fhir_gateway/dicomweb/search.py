"""QIDO-RS: searching studies, series and instances (PS3.18 10.6), among what is opened for the asker."""

from collections.abc import Iterator

import orjson
from flask import Response, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb.answers import blueprint, links, metadata_answer
from fhir_gateway.dicomweb.query import Query
from fhir_gateway.dicomweb.rows import (
    ALWAYS_INSTANCE,
    INSTANCE_MATCHED,
    SERIES_MATCHED,
    STUDY_MATCHED,
    Json,
    instance_row,
    merged,
    series_row,
    shown,
    study_row,
)
from fhir_gateway.looking import catalogue_for, tell_listed
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.reading import Instance, open_series
from vault.studies import Series, Study

SEARCH = "patient/ImagingStudy.s"
MORE = "More results remain; ask for them with offset."


@blueprint.get("/studies")
@needs(SEARCH)
def search_studies() -> Response:
    """All studies that fit."""
    query = Query.parse(request.args.items(multi=True), matched=STUDY_MATCHED)
    with services().reading() as work:
        rows = [study_row(study, links()) for study in _studies(work, query)]
    return _answer(query, [shown(row, query) for row in query.fitting(rows)])


@blueprint.get("/series")
@blueprint.get("/studies/<study_uid>/series")
@needs(SEARCH)
def search_series(study_uid: str | None = None) -> Response:
    """The series of a study, or of all studies."""
    query = Query.parse(request.args.items(multi=True), matched=STUDY_MATCHED | SERIES_MATCHED)
    with services().reading() as work:
        rows = [
            (study_row(study, links()), series_row(study, one, links()))
            for study in _studies(work, query, study_uid)
            for one in study.series
        ]
    fitting = [pair for pair in rows if query.fitting([merged(pair)])]
    return _answer(query, [_with_upper(own, upper, query) for upper, own in fitting])


@blueprint.get("/instances")
@blueprint.get("/studies/<study_uid>/instances")
@blueprint.get("/studies/<study_uid>/series/<series_uid>/instances")
@needs(SEARCH)
def search_instances(study_uid: str | None = None, series_uid: str | None = None) -> Response:
    """The instances of a series, of a study, or of all studies."""
    query = Query.parse(request.args.items(multi=True), matched=STUDY_MATCHED | SERIES_MATCHED | INSTANCE_MATCHED)
    if series_uid is not None:
        check_uid(series_uid)
    found: list[Json] = []
    most = query.offset + query.limit + 1
    with services().reading() as work:
        for study in _studies(work, query, study_uid):
            for one, own in _instances(work, study, query, series_uid):
                upper = merged((study_row(study, links()), series_row(study, one, links())))
                row = merged((upper, own))
                if query.fitting([row]):
                    found.append(_with_upper(shown(own, query, ALWAYS_INSTANCE), upper, query))
                if len(found) >= most:
                    return _answer(query, found)
    return _answer(query, found)


def _studies(work: Work, query: Query, study_uid: str | None = None) -> list[Study]:
    """The studies with pictures that the asker sees. Raises `NotThere` for one they do not."""
    found = [study for study in catalogue_for(work, access()).studies if study.uid and study.series]
    if study_uid is not None:
        found = [study for study in found if study.uid == check_uid(study_uid)]
        if not found:
            raise NotThere
    wanted = query.uids("0020000D")
    found = [study for study in found if wanted is None or study.uid in wanted]
    return sorted(found, key=lambda study: (study.facts.date, study.facts.time, study.uid), reverse=True)


def _instances(work: Work, study: Study, query: Query, series_uid: str | None) -> Iterator[tuple[Series, Json]]:
    wanted = query.uids("0020000E")
    for one in study.series:
        if series_uid not in (None, one.facts.uid) or (wanted is not None and one.facts.uid not in wanted):
            continue
        try:
            opened = open_series(work, access().opened(), study.uid, one.facts.uid)
        except (NoKey, NotThere):
            continue
        for instance in sorted((each for each in opened if each.study_id in study.folders), key=_by_number):
            yield one, instance_row(study, one, instance, links())


def _by_number(instance: Instance) -> tuple[bool, int, str]:
    number = instance.facts.number
    return number is None, number or 0, instance.facts.uid


def _with_upper(own: Json, upper: Json, query: Query) -> Json:
    """A row with those attributes of the levels above that were asked for (PS3.18 10.6.1.2.3)."""
    asked = {tag: value for tag, value in upper.items() if query.everything or tag in query.fields}
    return dict(sorted((asked | own).items()))


def _answer(query: Query, rows: list[Json]) -> Response:
    tell_listed(services(), access())
    page = query.page(rows)
    more = (MORE,) if len(rows) > query.offset + len(page) else ()
    return metadata_answer([orjson.dumps(row) for row in page], warnings=(*query.warnings, *more))
