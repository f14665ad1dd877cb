"""A whole record, or a part of it named by types and times: what `$everything` pages through and `$export` writes.

It is all of the patient's compartment that the asker's scopes let through, and what is referred to from there. What
happened with the record comes last and oldest first, so that a page does not move while it is read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from fhir_gateway.errors import BadParameter
from fhir_gateway.params import DateTest, Span
from fhir_gateway.rest.asked import span_of
from fhir_gateway.rest.found import Found, Json
from fhir_gateway.rest.shelf import Shelf

ORDER = (
    "Patient",
    "ImagingStudy",
    "DiagnosticReport",
    "DocumentReference",
    "Observation",
    "ServiceRequest",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Endpoint",
    "Consent",
    "Provenance",
    "AuditEvent",
)
# When care was given, by type (R4 Patient/$everything: start and end). What has no such time is always there.
_CARE: Mapping[str, tuple[str, ...]] = {
    "ImagingStudy": ("started",),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod"),
    "DocumentReference": ("date",),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    "ServiceRequest": ("occurrenceDateTime", "occurrencePeriod", "authoredOn"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a record: some types (all, if none are named), what changed in a time, care given in a time."""

    types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    care: tuple[DateTest, ...] = ()

    @classmethod
    def parse(cls, values: Mapping[str, Iterable[str]]) -> Self:
        """From parameters by name; each may be repeated, or hold several separated by commas. Raises `BadParameter`."""
        types = tuple(dict.fromkeys(one for text in values.get("_type", ()) for one in text.split(",") if one))
        if unknown := [one for one in types if one not in ORDER]:
            raise BadParameter(f"{len(unknown)} of the types asked for are not offered here.")
        bounds = (("start", "ge"), ("end", "le"))
        care = tuple(DateTest.parse(prefix + text) for name, prefix in bounds for text in values.get(name, ()))
        return cls(types, _moment(values.get("_since", ())), _moment(values.get("_until", ())), care)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types, in the order in which they come."""
        return tuple(one for one in ORDER if not self.types or one in self.types)

    def has(self, resource: Json) -> bool:
        """Whether it belongs to the part by its times."""
        updated = resource["meta"].get("lastUpdated")
        if updated is not None:
            changed = datetime.fromisoformat(updated)
            if (self.since and changed < self.since) or (self.until and changed > self.until):
                return False
        written = [resource[name] for name in _CARE.get(resource["resourceType"], ()) if resource.get(name)]
        given = [span for span in map(span_of, written) if span is not None]
        return not given or all(any(test.fits(span) for span in given) for test in self.care)


def _moment(texts: Iterable[str]) -> datetime | None:
    for text in texts:
        start = Span.parse(text).start
        if start.tzinfo is None:
            raise BadParameter("A time of change is written with its zone.")
        return start
    return None


def of_kind(shelf: Shelf, kind: str, patient: str = "") -> Iterator[Found]:
    """Everything of one type that the asker may read; of one patient, where one is named."""
    if not shelf.access.can_scope(f"patient/{kind}.r"):
        return
    drawn = shelf.all_of(kind, "r")
    if kind == "AuditEvent":
        drawn = reversed(list(drawn))
    seen: set[str] = set()
    for found in drawn:
        if (not patient or _is_of(shelf, found, patient)) and found.resource["id"] not in seen:
            seen.add(found.resource["id"])
            yield found


def _is_of(shelf: Shelf, found: Found, patient: str) -> bool:
    resource = found.resource
    match resource["resourceType"]:
        case "Patient":
            return bool(resource["id"] == patient)
        case "Endpoint":
            return True
        case "Consent":
            return bool(resource["patient"]["reference"] == f"Patient/{patient}")
        case "AuditEvent":
            return bool(resource["entity"][0]["what"]["reference"] == f"Patient/{patient}")
        case _:
            return found.study is not None and shelf.patient_of(found.study) == patient


def record(shelf: Shelf, part: Part, patient: str = "") -> list[Found]:
    """The part of the record, type by type."""
    return [found for kind in part.kinds for found in of_kind(shelf, kind, patient) if part.has(found.resource)]


def values_of(items: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Parameters by name."""
    found: dict[str, list[str]] = {}
    for name, text in items:
        found.setdefault(name, []).append(text)
    return found
