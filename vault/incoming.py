"""What a site brings: instances, resources, and the reports that are read out of instances."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vault.blobs import Octets
from vault.facts import InstanceFacts, SeriesFacts, StudyFacts
from vault.ids import Id
from vault.keyring import KeyClass

Kept = Literal["stored", "already"]


@dataclass(frozen=True, slots=True)
class IncomingResource:
    """A pushed FHIR resource: `body` is {"type", "facts", "fhir"}; `condition` its conditional-create index."""

    key_class: KeyClass
    body: dict[str, Any]
    condition: bytes | None = None


@dataclass(frozen=True, slots=True)
class IncomingReport:
    """A report that an instance holds: its files (media type, octets), and its resource, told the files' ids."""

    documents: tuple[tuple[str, bytes], ...] = field(repr=False)
    resource: Callable[[Sequence[Id]], IncomingResource]


@dataclass(frozen=True, slots=True)
class IncomingObject:
    """A pushed instance. What it is asked for by a call, it is asked for once all its `octets` have been taken.

    `dicom` is its DICOM JSON without bulk data, with addresses below the origin `base` in it if that is named; `full`
    is that of a document, whose words belong to the reports' class.
    `report` is what people read of a document; it is kept with the instance or not at all.
    """

    uid: str
    key_class: KeyClass
    study: StudyFacts
    series: SeriesFacts
    octets: Iterable[Octets]
    facts: Callable[[], InstanceFacts]
    dicom: Callable[[], dict[str, Any]]
    layout: Callable[[], dict[str, Any]]
    full: Callable[[], dict[str, Any]] | None = None
    report: Callable[[], IncomingReport | None] | None = None
    base: str = ""
