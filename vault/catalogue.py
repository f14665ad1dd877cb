"""What one keyring can see, opened in memory: studies, series, reports. All searching happens here.

The database holds nothing worth searching, so no SQL is ever made from a value somebody searches for.
Only the head of one series index per series is opened, and every FHIR resource; never a picture.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from vault.blobs import BlobMissing
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.facts import PersonFacts, ReportFacts, SeriesFacts, StudyFacts
from vault.gathering import gathered
from vault.ids import Id
from vault.keyring import KeyClass, Keyring
from vault.objects import check_uid, read_index_head, read_resource
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.studies import Report, Resource, Series, Study
from vault.tables import BatchRow, InstanceRow, ObjectRow, PreviewRow, ResourceRow, ScopeRow, SeriesRow, StudyRow
from vault.versions import with_versions


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for; an absent field means "any". Names and numbers match with * and ?."""

    uids: frozenset[str] | None = None
    modality: str | None = None
    taken_from: str | None = None
    taken_to: str | None = None
    accession: str | None = None
    patient_name: str | None = None
    mrn: str | None = None
    study_number: str | None = None
    description: str | None = None
    referrer: str | None = None
    received_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything one keyring can see, newest study first.

    `papers` came without pictures and without a report, and are about none of the studies.
    `damaged` are the studies of which something is missing in the store or is not what was sealed; what else there is
    of them is listed.
    """

    studies: tuple[Study, ...]
    damaged: frozenset[Id] = frozenset()
    papers: tuple[Study, ...] = ()

    def study(self, study_id: bytes) -> Study:
        """The study with this identifier. Raises `NotThere`."""
        for study in self.studies:
            if study.id == study_id:
                return study
        raise NotThere

    def by_uid(self, uid: str) -> list[Study]:
        """The studies with this StudyInstanceUID: one, or one per site that pushed it."""
        return [study for study in self.studies if study.uid == uid]

    def matching(self, wanted: Wanted) -> list[Study]:
        """The studies that fit."""
        return [study for study in self.studies if _fits(study, wanted)]

    def report(self, report_id: bytes) -> tuple[Study, Report]:
        """A report, in the version that stands, and the study it belongs to. Raises `NotThere`."""
        for study in self.studies:
            for report in study.reports:
                if report.id == report_id:
                    return study, report
        raise NotThere

    @property
    def people(self) -> tuple[PersonFacts, ...]:
        """The patient as each study's site wrote them, without repeats."""
        return tuple(dict.fromkeys(study.facts.person for study in self.studies))


def open_catalogue(work: Work, keyring: Keyring, *, only: Iterable[bytes] | None = None) -> Catalogue:
    """Open what this keyring can see; `only` limits it to some studies."""
    ids = keyring.study_ids(work)
    if only is not None:
        wanted = set(only)
        ids = [study_id for study_id in ids if study_id in wanted]
    if not ids:
        return Catalogue(())
    reader = _Reader(work, keyring, ids)
    studies = [study for study_id in ids if (study := reader.study(study_id)) is not None]
    whole, papers = gathered(studies)
    in_order = sorted(with_versions(whole), key=_newest_first, reverse=True)
    return Catalogue(tuple(in_order), frozenset(reader.damaged), tuple(papers))


_Read = Callable[[Work, ObjectRow, bytes, bytes], dict[str, Any]]


class _Reader:
    """Fetches all rows of the studies at once, then opens what lists need."""

    def __init__(self, work: Work, keyring: Keyring, ids: list[bytes]) -> None:
        self._work, self._keyring = work, keyring
        self._keys: dict[tuple[bytes, KeyClass], bytes | None] = {}
        self.damaged: set[Id] = set()
        session = work.session
        rows = session.execute(
            sa.select(StudyRow, ScopeRow.site).join(ScopeRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id.in_(ids))
        )
        self._studies = {row.id: (row, site) for row, site in rows}
        self._series: dict[bytes, list[SeriesRow]] = defaultdict(list)
        for series in session.scalars(sa.select(SeriesRow).where(SeriesRow.study.in_(ids))):
            self._series[series.study].append(series)
        self._resources: dict[bytes, list[ResourceRow]] = defaultdict(list)
        for resource in session.scalars(
            sa.select(ResourceRow).where(ResourceRow.study.in_(ids)).order_by(ResourceRow.created)
        ):
            self._resources[resource.study].append(resource)
        series_ids = [series.id for many in self._series.values() for series in many]
        self._counts = _counted(work, series_ids)
        self._previews = set(session.scalars(sa.select(PreviewRow.series).where(PreviewRow.series.in_(series_ids))))
        self._indexes: dict[bytes, list[ObjectRow]] = defaultdict(list)
        indexes = (
            sa.select(ObjectRow)
            .join(BatchRow, ObjectRow.batch == BatchRow.id)
            .where(ObjectRow.kind == int(Kind.SERIES_INDEX), BatchRow.study.in_(ids))
            .order_by(BatchRow.created)
        )
        for row in session.scalars(indexes):
            if row.series is not None:
                self._indexes[row.series].append(row)
        papers = (
            sa.select(ObjectRow)
            .join(BatchRow, ObjectRow.batch == BatchRow.id)
            .where(ObjectRow.kind == int(Kind.RESOURCE), BatchRow.study.in_(ids))
        )
        self._papers = {row.id: row for row in session.scalars(papers)}

    def study(self, study_id: bytes) -> Study | None:
        """One study, or None where the rows hold nothing that can be opened."""
        if study_id not in self._studies:
            return None  # erased since its keyring was asked
        row, site = self._studies[study_id]
        site_id = Id(site) if site is not None else None
        opened = [one for series in self._series[study_id] if (one := self._one_series(series, study_id)) is not None]
        resources, reports = self._opened_resources(row, site_id)
        facts = opened[0][0] if opened else _facts_without_pictures(resources)
        if facts is None and not reports and not any(_is_paper(one) for one in resources):
            return None
        return Study(
            id=Id(row.id),
            folders=(Id(row.id),),
            scope_id=Id(row.scope),
            facts=facts or StudyFacts(uid=""),
            site_id=site_id,
            received=row.created,
            series=tuple(sorted((series for _, series in opened), key=_by_number)),
            reports=tuple(reports),
            resources=tuple(resources),
        )

    def _one_series(self, series: SeriesRow, study_id: bytes) -> tuple[StudyFacts, Series] | None:
        count, pictures = self._counts.get(series.id, (0, 0))
        for row in self._indexes[series.id]:
            key = self._key(row.batch, KeyClass.META)
            if key is None or not count:
                continue
            head = self._opened(self._head_of(series), row, key, study_id)
            if head is None:
                continue
            facts, has_preview = SeriesFacts.from_dict(head["series"]), series.id in self._previews
            found = Series(Id(series.id), facts, count, has_preview, pictures)
            return StudyFacts.from_dict(head["study"]), found
        return None

    def _head_of(self, series: SeriesRow) -> _Read:
        def read(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
            head = read_index_head(work, row, key, study_id)
            study, _ = self._studies[study_id]
            check_uid(work, head["series"]["uid"], scope=study.scope, uid_bi=series.uid_bi)
            check_uid(work, head["study"]["uid"], scope=study.scope, uid_bi=study.uid_bi)
            return head

        return read

    def _opened_resources(self, row: StudyRow, site_id: Id | None) -> tuple[list[Resource], list[Report]]:
        resources: list[Resource] = []
        reports: list[Report] = []
        for resource in self._resources[row.id]:
            paper = self._papers.get(resource.id)  # which is its object's, too
            key = self._key(resource.batch, KeyClass(resource.key_class)) if paper is not None else None
            if paper is None or key is None:
                continue
            body = self._opened(read_resource, paper, key, row.id)
            if body is None:
                continue
            if body["type"] == "DiagnosticReport":
                facts = ReportFacts.from_dict(body["facts"])
                kept = Id(resource.id)
                reports.append(Report(kept, kept, facts, resource.created, Id(row.id), site_id, facts.version))
                continue
            paper = Resource(Id(resource.id), body["type"], body.get("facts") or {}, resource.created, site_id)
            resources.append(paper)
            if paper.type == "DocumentReference":
                told = ReportFacts.from_dict(paper.facts)
                alone = Report(paper.id, paper.id, told, paper.received, Id(row.id), site_id, is_document=True)
                reports.append(alone)
        return resources, reports

    def _opened(self, read: _Read, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any] | None:
        """None for what cannot be opened: one lost blob must not hide everything else a person has."""
        try:
            return read(self._work, row, key, study_id)
        except (BlobMissing, Tampered):
            self.damaged.add(Id(study_id))
            return None

    def _key(self, batch: bytes, key_class: KeyClass) -> bytes | None:
        if (batch, key_class) not in self._keys:
            try:
                self._keys[batch, key_class] = self._keyring.class_key(self._work, batch, key_class)
            except NoKey:
                self._keys[batch, key_class] = None
        return self._keys[batch, key_class]


def _counted(work: Work, series_ids: list[bytes]) -> dict[bytes, tuple[int, int]]:
    """How many instances each series has, and how many of them are pictures."""
    uids = sa.func.count(sa.distinct(InstanceRow.uid_bi))
    counts = sa.select(InstanceRow.series, uids, uids.filter(ObjectRow.key_class == KeyClass.PICTURES.value))
    counted = (
        counts.join(ObjectRow, InstanceRow.object == ObjectRow.id)
        .where(InstanceRow.series.in_(series_ids))
        .group_by(InstanceRow.series)
    )
    return {series: (instances, pictures) for series, instances, pictures in work.session.execute(counted)}


def _facts_without_pictures(resources: list[Resource]) -> StudyFacts | None:
    """A study known from its ImagingStudy alone: the pictures are still on their way."""
    for resource in reversed(resources):
        if resource.type == "ImagingStudy":
            return StudyFacts.from_dict(resource.facts)
    return None


def _is_paper(resource: Resource) -> bool:
    """Whether it is about a study or an order, and so more than who somebody is."""
    return bool("study_uids" in resource.facts or resource.facts.get("accession"))


def _newest_first(study: Study) -> tuple[str, str, datetime]:
    return study.facts.date, study.facts.time, study.received


def _by_number(series: Series) -> tuple[bool, int, str]:
    return series.facts.number is None, series.facts.number or 0, series.facts.uid


def _fits(study: Study, wanted: Wanted) -> bool:
    facts = study.facts
    words = (
        (wanted.accession, facts.accession),
        (wanted.mrn, facts.person.mrn),
        (wanted.study_number, facts.study_number),
        (wanted.description, facts.description),
    )
    names = ((wanted.patient_name, facts.person.name), (wanted.referrer, facts.referrer))
    return (
        (wanted.uids is None or study.uid in wanted.uids)
        and (wanted.modality is None or any(fnmatchcase(one, _glob(wanted.modality)) for one in study.modalities))
        and (wanted.taken_from is None or facts.date >= wanted.taken_from)
        and (wanted.taken_to is None or (facts.date != "" and facts.date <= wanted.taken_to))
        and (wanted.received_since is None or study.received >= wanted.received_since)
        and all(asked is None or fnmatchcase(found, _glob(asked)) for asked, found in words)
        and all(asked is None or fnmatchcase(found.casefold(), _glob(asked.casefold())) for asked, found in names)
    )


def _glob(text: str) -> str:
    """DICOM knows * and ?; brackets are letters (PS3.4 C.2.2.2.4)."""
    return text.replace("[", "[[]")
