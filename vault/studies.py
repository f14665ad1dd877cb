"""Studies, series, reports: what a catalogue lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vault.facts import ReportFacts, SeriesFacts, StudyFacts
from vault.ids import Id


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a study; `instances` are counted, not copied from the sender, and so are those with a picture."""

    id: Id
    facts: SeriesFacts
    instances: int
    has_preview: bool
    pictures: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One instance as lists name it."""

    uid: str
    sop_class: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a study, in the version that stands. `study_id` is the folder it lies in.

    All its versions have one `id`, that of the first; each is kept under an identifier of its own. `earlier` are the
    versions that do not stand, the newest of them first: replaced ones, and a draft that came after the signed report.
    `replaces` are other reports it stands in for, `replaced_by` is the one that stands in for it. `is_document`: it
    came as a document by itself, and is read as a report because there is no other.
    """

    id: Id
    kept: Id
    facts: ReportFacts
    received: datetime
    study_id: Id
    site_id: Id | None
    version: int = 1
    earlier: tuple["Report", ...] = ()
    replaces: tuple[Id, ...] = ()
    replaced_by: Id | None = None
    is_document: bool = False

    @property
    def versions(self) -> tuple["Report", ...]:
        """Every version, the newest first."""
        return tuple(sorted((self, *self.earlier), key=lambda one: one.version, reverse=True))


@dataclass(frozen=True, slots=True)
class Resource:
    """Any other FHIR resource a site sent: its type, and what the gateway noted of it."""

    id: Id
    type: str
    facts: Mapping[str, Any]
    received: datetime
    site_id: Id | None


@dataclass(frozen=True, slots=True)
class Study:
    """One study with all that is known of it. `folders` are the rows a grant of it must name.

    `received` is when it first began to arrive, `arrived` when something of it last did.
    """

    id: Id
    folders: tuple[Id, ...]
    scope_id: Id
    facts: StudyFacts
    site_id: Id | None
    received: datetime
    arrived: datetime
    series: tuple[Series, ...]
    reports: tuple[Report, ...]
    resources: tuple[Resource, ...]

    @property
    def uid(self) -> str:
        """StudyInstanceUID; "" where a report came without pictures."""
        return self.facts.uid

    @property
    def modalities(self) -> tuple[str, ...]:
        """The distinct modalities, in the order of their series."""
        return tuple(dict.fromkeys(one.facts.modality for one in self.series if one.facts.modality))

    @property
    def instances(self) -> int:
        """How many instances are kept."""
        return sum(one.instances for one in self.series)

    @property
    def pictures(self) -> int:
        """How many instances are pictures: all but reports and documents."""
        return sum(one.pictures for one in self.series)

    @property
    def every_report(self) -> tuple[Report, ...]:
        """Every version of each report."""
        return tuple(version for report in self.reports for version in report.versions)
