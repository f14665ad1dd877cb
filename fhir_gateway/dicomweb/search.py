"""QIDO-RS: searching studies, series and instances (PS3.18 10.6), among what is opened for the asker."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import orjson
from flask import Response, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb.answers import blueprint, links, metadata_answer
from fhir_gateway.dicomweb.gathered import described, facts_of, instances_of, series_of, studies_for, studies_under
from fhir_gateway.dicomweb.levels import ALL_LISTED, SERIES_HELD, SERIES_MORE, STUDY_HELD, STUDY_MORE
from fhir_gateway.dicomweb.query import Query
from fhir_gateway.dicomweb.rows import (
    INSTANCE_ALWAYS,
    SERIES_ALWAYS,
    STUDY_ALWAYS,
    Json,
    instance_row,
    series_row,
    study_row,
    told,
)
from fhir_gateway.dicomweb.shortlist import opened, shortlist
from fhir_gateway.looking import tell_listed
from vault.database import Work
from vault.errors import NotThere
from vault.studies import Series, Study

SEARCH = "patient/ImagingStudy.s"
MORE = "More results remain; ask for them with offset."


@dataclass(frozen=True, slots=True)
class Search:
    """One question, where it is asked, and where answers come from."""

    work: Work
    query: Query
    study_uid: str | None = None
    series_uid: str | None = None

    def studies(self) -> Iterator[tuple[Study, Json]]:
        """The studies below the address that may fit, each with its row. Raises `NotThere` for one not seen."""
        wanted = self.query.uids("0020000D")
        if self.study_uid is not None:
            found = studies_under(self.work, access(), [self.study_uid])
            if not found:
                raise NotThere
            found = [study for study in found if wanted is None or study.uid in wanted]
        else:
            found = studies_for(self.work, access()) if wanted is None else studies_under(self.work, access(), wanted)
        for study in found:
            yield study, self.study_row(study)

    def page(self) -> tuple[list[Json], int]:
        """The rows of the studies on the page, and how many fit in all."""
        listed = None if self.query.uids("0020000D") is not None else shortlist(self.work, access(), self.query)
        if listed is None:
            rows = [row for _, row in self.studies() if self.query.fits(row)]
            return self.query.page(rows), len(rows)
        found = opened(self.work, access(), listed, slice(self.query.offset, self.query.offset + self.query.limit))
        rows = [self.study_row(study) for study in found]
        if listed.sure:
            return rows, len(listed.places)
        rows = [row for row in rows if self.query.fits(row)]
        return self.query.page(rows), len(rows)

    def series(self) -> Iterator[tuple[Study, Series, Json]]:
        """Their series that may fit, each with its row and its study's."""
        wanted = self.query.uids("0020000E")
        for study, upper in self.studies():
            for one in series_of(study):
                if self.series_uid in {None, one.facts.uid} and (wanted is None or one.facts.uid in wanted):
                    yield study, one, upper | self._series_row(study, one)

    def instances(self) -> Iterator[Json]:
        """Their instances, each row with all that is said above it; descriptions are opened only where they count."""
        found = facts_of if self.query.stays_within(ALL_LISTED) else instances_of
        for study, one, upper in self.series():
            for instance in found(self.work, access(), study.uid, one.facts.uid):
                yield upper | instance_row(study, one, instance, links())

    def study_row(self, study: Study) -> Json:
        """What a list says of a study, and of its descriptions what is asked for."""
        row = study_row(study, links())
        if self.query.matches_any(STUDY_MORE) or self.query.wants_any(STUDY_MORE):
            said = described(self.work, access(), study)
            row = {tag: value for tag, value in said.items() if tag in STUDY_MORE} | row
        return row

    def _series_row(self, study: Study, one: Series) -> Json:
        row = series_row(study, one, links())
        # What a list of all series is not slowed down for is told of the series of one study.
        known = self.study_uid is not None or self.query.wants_any(SERIES_MORE) or self.query.matches_any(SERIES_MORE)
        if known:
            said = described(self.work, access(), study, one)
            row = {tag: value for tag, value in said.items() if tag in SERIES_MORE} | row
        return row


@blueprint.get("/studies")
@needs(SEARCH)
def search_studies() -> Response:
    """All studies that fit."""
    query = Query.parse(request.args.items(multi=True), matched=STUDY_HELD)
    with services().reading() as work:
        rows, count = Search(work, query).page()
    return _answer(query, [told(row, STUDY_ALWAYS, query, STUDY_HELD) for row in rows], of=count)


@blueprint.get("/series")
@blueprint.get("/studies/<study_uid>/series")
@needs(SEARCH)
def search_series(study_uid: str | None = None) -> Response:
    """The series of a study, or of all studies; these with what is said of each study (PS3.18 10.6.3.3)."""
    query = Query.parse(request.args.items(multi=True), matched=STUDY_HELD | SERIES_HELD)
    always = SERIES_ALWAYS if study_uid is not None else SERIES_ALWAYS | STUDY_ALWAYS
    with services().reading() as work:
        asked = Search(work, query, study_uid and check_uid(study_uid))
        rows = [row for _, _, row in asked.series() if query.fits(row)]
    made = [told(row, always, query, STUDY_HELD | SERIES_HELD) for row in query.page(rows)]
    return _answer(query, made, of=len(rows))


@blueprint.get("/instances")
@blueprint.get("/studies/<study_uid>/instances")
@blueprint.get("/studies/<study_uid>/series/<series_uid>/instances")
@needs(SEARCH)
def search_instances(study_uid: str | None = None, series_uid: str | None = None) -> Response:
    """The instances of a series, of a study, or of all studies, with what is said above the address."""
    query = Query.parse(request.args.items(multi=True), matched=None)
    always = INSTANCE_ALWAYS
    if series_uid is None:
        always |= SERIES_ALWAYS
    if study_uid is None:
        always |= STUDY_ALWAYS
    with services().reading() as work:
        asked = Search(work, query, study_uid and check_uid(study_uid), series_uid and check_uid(series_uid))
        fitting = (told(row, always, query) for row in asked.instances() if query.fits(row))
        # No more than a page is ever held, and one row beyond it that tells of more.
        page = list(islice(fitting, query.offset, query.offset + query.limit + 1))
    return _answer(query, page[: query.limit], of=query.offset + len(page))


def _answer(query: Query, page: list[Json], *, of: int) -> Response:
    tell_listed(services(), access())
    more = (MORE,) if of > query.offset + len(page) else ()
    return metadata_answer([orjson.dumps(row) for row in page], warnings=(*query.warnings, *more))
