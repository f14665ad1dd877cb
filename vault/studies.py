"""Studies, series, reports: what a catalogue lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vault.facts import ReportFacts, SeriesFacts, StudyFacts
from vault.ids import Id


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a study; `instances` are counted, not copied from the sender."""

    id: Id
    facts: SeriesFacts
    instances: int
    has_preview: bool


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a study. `study_id` is the folder it lies in."""

    id: Id
    facts: ReportFacts
    received: datetime
    study_id: Id
    site_id: Id | None


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
    """One study with all that is known of it. `folders` are the rows a grant of it must name."""

    id: Id
    folders: tuple[Id, ...]
    scope_id: Id
    facts: StudyFacts
    site_id: Id | None
    received: datetime
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
