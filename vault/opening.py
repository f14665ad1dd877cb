"""Studies opened from what was sealed of them: the head of one series index per series, and every FHIR resource.

What is opened here is a study by itself. Which papers are about it, and which version of a report stands, is found
where studies are listed together (`gathering`, `versions`). Never a picture is opened.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from vault.blobs import BlobMissing
from vault.database import Work
from vault.errors import NoKey
from vault.facts import ReportFacts, SeriesFacts, StudyFacts
from vault.ids import Id
from vault.keyring import KeyClass, Keyring, OwnerKind
from vault.objects import check_uid, read_index_head, read_resource
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.studies import Report, Resource, Series, Study
from vault.tables import (
    BatchKeyRow,
    BatchRow,
    InstanceRow,
    ObjectRow,
    PreviewRow,
    ResourceRow,
    ScopeRow,
    SeriesRow,
    StudyRow,
)
from vault.tables_sharing import GrantKeyRow

AT_ONCE: Final = 400  # studies whose rows are fetched together

_Row = sa.Row[bytes, bytes, bytes, datetime, int, bytes | None]
_Read = Callable[[Work, ObjectRow, bytes, bytes], dict[str, Any]]


@dataclass(slots=True)
class Opened:
    """What was opened: each study as its rows were when it had changed so often, or None where it shows nothing yet.

    `damaged` are those of which something is missing in the store or is not what was sealed.
    """

    studies: dict[Id, tuple[int, Study | None]] = field(default_factory=dict[Id, tuple[int, Study | None]])
    damaged: set[Id] = field(default_factory=set[Id])


def open_studies(work: Work, keyring: Keyring, study_ids: Sequence[bytes]) -> Opened:
    """These studies, as far as this keyring opens them; one that was erased meanwhile is left out.

    Whether the keyring holds them is asked before.
    """
    opened = Opened()
    for start in range(0, len(study_ids), AT_ONCE):
        reader = _Reader(work, keyring, study_ids[start : start + AT_ONCE])
        opened.studies |= reader.studies()
        opened.damaged |= reader.damaged
    return opened


class KeysAtHand:
    """The class keys of some batches: their rows are fetched together, and each is unwrapped once."""

    def __init__(self, work: Work, keyring: Keyring, batches: Collection[bytes]) -> None:
        self._work, self._keyring = work, keyring
        self._known: dict[tuple[bytes, KeyClass], bytes | None] = {}
        self._rows = [row for part in keyring.parts for row in _key_rows(work, part, batches)]  # so that they stay

    def of(self, batch: bytes, key_class: KeyClass) -> bytes | None:
        """None where this keyring was not given it."""
        if (batch, key_class) not in self._known:
            try:
                self._known[batch, key_class] = self._keyring.class_key(self._work, batch, key_class)
            except NoKey:
                self._known[batch, key_class] = None
        return self._known[batch, key_class]


def _key_rows(work: Work, keyring: Keyring, batches: Collection[bytes]) -> Sequence[BatchKeyRow | GrantKeyRow]:
    owner = keyring.owner
    if owner.kind is OwnerKind.GRANT:
        given = sa.select(GrantKeyRow).where(GrantKeyRow.grant == owner.id, GrantKeyRow.batch.in_(batches))
        return work.session.scalars(given).all()
    held = sa.select(BatchKeyRow).where(BatchKeyRow.batch.in_(batches))
    return work.session.scalars(held.where(BatchKeyRow.owner_kind == owner.kind, BatchKeyRow.owner == owner.id)).all()


class _Reader:
    """Fetches all rows of some studies at once, then opens what lists need."""

    def __init__(self, work: Work, keyring: Keyring, ids: Sequence[bytes]) -> None:
        self._work = work
        self.damaged: set[Id] = set()
        session = work.session
        columns = (StudyRow.id, StudyRow.scope, StudyRow.uid_bi, StudyRow.created, StudyRow.changed, ScopeRow.site)
        rows = sa.select(*columns).join(ScopeRow, StudyRow.scope == ScopeRow.id).where(StudyRow.id.in_(ids))
        self._studies = session.execute(rows).all()
        self._series: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
        series = sa.select(SeriesRow.study, SeriesRow.id, SeriesRow.uid_bi).where(SeriesRow.study.in_(ids))
        for study_id, series_id, uid_bi in session.execute(series):
            self._series[study_id].append((series_id, uid_bi))
        series_ids = [series_id for many in self._series.values() for series_id, _ in many]
        self._counts = _counted(work, series_ids)
        self._previews = set(session.scalars(sa.select(PreviewRow.series).where(PreviewRow.series.in_(series_ids))))
        self._resources: dict[bytes, list[ResourceRow]] = defaultdict(list)
        resources = sa.select(ResourceRow).where(ResourceRow.study.in_(ids)).order_by(ResourceRow.created)
        for resource in session.scalars(resources):
            self._resources[resource.study].append(resource)
        self._arrived: dict[bytes, datetime] = {}
        batches = sa.select(BatchRow.id, BatchRow.study, BatchRow.created).where(BatchRow.study.in_(ids))
        held = session.execute(batches.order_by(BatchRow.created)).all()
        for _, study_id, created in held:
            self._arrived[study_id] = created
        self._keys = KeysAtHand(work, keyring, [batch for batch, _, _ in held])
        self._fetch_objects(ids)

    def _fetch_objects(self, ids: Sequence[bytes]) -> None:
        self._indexes: dict[bytes, list[ObjectRow]] = defaultdict(list)
        self._papers: dict[bytes, ObjectRow] = {}
        kinds = (int(Kind.SERIES_INDEX), int(Kind.RESOURCE))
        found = sa.select(ObjectRow).join(BatchRow, ObjectRow.batch == BatchRow.id)
        for row in self._work.session.scalars(
            found.where(ObjectRow.kind.in_(kinds), BatchRow.study.in_(ids)).order_by(BatchRow.created)
        ):
            if row.kind == int(Kind.RESOURCE):
                self._papers[row.id] = row
            elif row.series is not None:
                self._indexes[row.series].append(row)

    def studies(self) -> dict[Id, tuple[int, Study | None]]:
        """Each study that is there."""
        return {Id(row.id): (row.changed, self._study(row)) for row in self._studies}

    def _study(self, row: _Row) -> Study | None:
        study_id, scope_id, _, created, _, site = row
        site_id = Id(site) if site is not None else None
        opened = [one for series in self._series[study_id] if (one := self._one_series(row, *series)) is not None]
        resources, reports = self._opened_resources(study_id, site_id)
        facts = opened[0][0] if opened else _facts_without_pictures(resources)
        if facts is None and not reports and not any(_is_paper(one) for one in resources):
            return None
        return Study(
            id=Id(study_id),
            folders=(Id(study_id),),
            scope_id=Id(scope_id),
            facts=facts or StudyFacts(uid=""),
            site_id=site_id,
            received=created,
            arrived=self._arrived.get(study_id, created),
            series=tuple(sorted((series for _, series in opened), key=_by_number)),
            reports=tuple(reports),
            resources=tuple(resources),
        )

    def _one_series(self, study: _Row, series_id: bytes, uid_bi: bytes) -> tuple[StudyFacts, Series] | None:
        count, pictures = self._counts.get(series_id, (0, 0))
        for row in self._indexes[series_id]:
            key = self._keys.of(row.batch, KeyClass.META)
            if key is None or not count:
                continue
            head = self._opened(_head_of(study, uid_bi), row, key, study.id)
            if head is None:
                continue
            facts, has_preview = SeriesFacts.from_dict(head["series"]), series_id in self._previews
            found = Series(Id(series_id), facts, count, has_preview, pictures)
            return StudyFacts.from_dict(head["study"]), found
        return None

    def _opened_resources(self, study_id: bytes, site_id: Id | None) -> tuple[list[Resource], list[Report]]:
        resources: list[Resource] = []
        reports: list[Report] = []
        for resource in self._resources[study_id]:
            paper = self._papers.get(resource.id)  # which is its object's, too
            key = self._keys.of(resource.batch, KeyClass(resource.key_class)) if paper is not None else None
            if paper is None or key is None:
                continue
            body = self._opened(read_resource, paper, key, study_id)
            if body is None:
                continue
            if body["type"] == "DiagnosticReport":
                facts = ReportFacts.from_dict(body["facts"])
                kept = Id(resource.id)
                reports.append(Report(kept, kept, facts, resource.created, Id(study_id), site_id, facts.version))
                continue
            paper = Resource(Id(resource.id), body["type"], body.get("facts") or {}, resource.created, site_id)
            resources.append(paper)
            if paper.type == "DocumentReference":
                told = ReportFacts.from_dict(paper.facts)
                alone = Report(paper.id, paper.id, told, paper.received, Id(study_id), site_id, is_document=True)
                reports.append(alone)
        return resources, reports

    def _opened(self, read: _Read, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any] | None:
        """None for what cannot be opened: one lost blob must not hide everything else a person has."""
        try:
            return read(self._work, row, key, study_id)
        except (BlobMissing, Tampered):
            self.damaged.add(Id(study_id))
            return None


def _head_of(study: _Row, uid_bi: bytes) -> _Read:
    def read(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
        head = read_index_head(work, row, key, study_id)
        check_uid(work, head["series"]["uid"], scope=study.scope, uid_bi=uid_bi)
        check_uid(work, head["study"]["uid"], scope=study.scope, uid_bi=study.uid_bi)
        return head

    return read


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


def _by_number(series: Series) -> tuple[bool, int, str]:
    return series.facts.number is None, series.facts.number or 0, series.facts.uid
