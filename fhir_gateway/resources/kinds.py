"""
Which types are served, how, and what can be searched: the one table that routes, searches and is declared.

A parameter names where in the resource its values are; searching and the CapabilityStatement read the same line, so
that what is declared is what works.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fhir_gateway.resources.codes import SMART_STUDY

Json = dict[str, Any]
ParamKind = Literal["token", "date", "reference", "string"]
_DEFINITIONS = "http://hl7.org/fhir/SearchParameter/"


@dataclass(frozen=True, slots=True)
class Param:
    """One search parameter: `paths` lead to its values, `definition` names it for programs."""

    name: str
    kind: ParamKind
    paths: tuple[str, ...]
    definition: str

    def values(self, resource: Json) -> Iterator[Any]:
        """Every value it finds in the resource."""
        for path in self.paths:
            yield from _at([resource], path.split("."))


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type as it is served."""

    name: str
    reads: bool = True
    searches: bool = True
    creates: bool = False
    params: tuple[Param, ...] = ()
    includes: tuple[str, ...] = ()
    profile: str = ""
    operations: Mapping[str, str] | None = None

    def param(self, name: str) -> Param | None:
        """The parameter of this name."""
        return next((one for one in (*EVERYWHERE, *self.params) if one.name == name), None)


def _at(values: Iterable[Any], steps: list[str]) -> Iterator[Any]:
    """What lies at the end of a path; lists are walked through."""
    for value in values:
        if isinstance(value, list):
            yield from _at(value, steps)
        elif not steps:
            yield value
        elif isinstance(value, dict) and steps[0] in value:
            yield from _at([value[steps[0]]], steps[1:])


def _param(name: str, kind: ParamKind, *paths: str, of: str = "") -> Param:
    return Param(name, kind, paths, f"{_DEFINITIONS}{of}-{name.lstrip('_')}")


EVERYWHERE = (
    _param("_id", "token", "id", of="Resource"),
    _param("_lastUpdated", "date", "meta.lastUpdated", of="Resource"),
)
_CLINICAL = (
    _param("patient", "reference", "subject.reference", "patient.reference", of="clinical"),
    _param("identifier", "token", "identifier", of="clinical"),
)
_STUDY = "ImagingStudy"
_REPORT = "DiagnosticReport"

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "Patient",
            creates=True,
            params=(
                _param("identifier", "token", "identifier", of="Patient"),
                _param("birthdate", "date", "birthDate", of="individual"),
                _param("gender", "token", "gender", of="individual"),
                _param("family", "string", "name.family", of="individual"),
                _param("given", "string", "name.given", of="individual"),
                _param("name", "string", "name.family", "name.given", "name.text", of="Patient"),
            ),
            operations={
                "issue-claim": "urn:keepray:operation:issue-claim",
                "reissue-claim": "urn:keepray:operation:reissue-claim",
                "claim-status": "urn:keepray:operation:claim-status",
            },
        ),
        Kind(
            _STUDY,
            creates=True,
            params=(
                *_CLINICAL,
                _param("subject", "reference", "subject.reference", of=_STUDY),
                _param("status", "token", "status", of=_STUDY),
                _param("modality", "token", "series.modality", "modality", of=_STUDY),
                _param("started", "date", "started", of=_STUDY),
                _param("series", "token", "series.uid", of=_STUDY),
                _param("bodysite", "token", "series.bodySite", of=_STUDY),
                _param("endpoint", "reference", "endpoint.reference", of=_STUDY),
                _param("basedon", "reference", "basedOn.reference", of=_STUDY),
                _param("referrer", "reference", "referrer.reference", of=_STUDY),
                _param("interpreter", "reference", "interpreter.reference", of=_STUDY),
                _param("encounter", "reference", "encounter.reference", of=_STUDY),
                _param("reason", "token", "reasonCode.coding", of=_STUDY),
            ),
            includes=("ImagingStudy:endpoint",),
            profile=SMART_STUDY,
        ),
        Kind(
            _REPORT,
            creates=True,
            params=(
                *_CLINICAL,
                _param("subject", "reference", "subject.reference", of=_REPORT),
                _param("status", "token", "status", of=_REPORT),
                _param("category", "token", "category.coding", of=_REPORT),
                _param("code", "token", "code.coding", of="clinical"),
                _param("date", "date", "effectiveDateTime", "effectivePeriod.start", of="clinical"),
                _param("issued", "date", "issued", of=_REPORT),
                _param("based-on", "reference", "basedOn.reference", of=_REPORT),
                _param("performer", "reference", "performer.reference", of=_REPORT),
                _param("results-interpreter", "reference", "resultsInterpreter.reference", of=_REPORT),
                _param("encounter", "reference", "encounter.reference", of="clinical"),
                _param("conclusion", "token", "conclusionCode.coding", of=_REPORT),
                Param(
                    "imagingStudy",
                    "reference",
                    ("imagingStudy.reference",),
                    "https://profiles.ihe.net/RAD/IMR/SearchParameter/DiagnosticReport-ImagingStudy",
                ),
                _param("study", "reference", "imagingStudy.reference", of=_REPORT),
            ),
        ),
        Kind("Binary", searches=False),
        Kind(
            "Endpoint",
            params=(
                _param("status", "token", "status", of="Endpoint"),
                _param("connection-type", "token", "connectionType", of="Endpoint"),
                _param("payload-type", "token", "payloadType.coding", of="Endpoint"),
            ),
        ),
        Kind(
            "Consent",
            params=(
                _param("patient", "reference", "patient.reference", of="clinical"),
                _param("status", "token", "status", of="Consent"),
                _param("scope", "token", "scope.coding", of="Consent"),
                _param("category", "token", "category.coding", of="Consent"),
                _param("actor", "reference", "provision.actor.reference.reference", of="Consent"),
                _param("purpose", "token", "provision.purpose", of="Consent"),
                _param("data", "reference", "provision.data.reference.reference", of="Consent"),
            ),
        ),
        Kind(
            "ServiceRequest",
            creates=True,
            params=(
                *_CLINICAL,
                _param("status", "token", "status", of="ServiceRequest"),
                _param("intent", "token", "intent", of="ServiceRequest"),
                _param("code", "token", "code.coding", of="clinical"),
                _param("authored", "date", "authoredOn", of="ServiceRequest"),
                _param("requester", "reference", "requester.reference", of="ServiceRequest"),
            ),
        ),
        Kind(
            "Organization",
            creates=True,
            params=(
                _param("identifier", "token", "identifier", of="Organization"),
                _param("name", "string", "name", "alias", of="Organization"),
            ),
        ),
        Kind(
            "Practitioner",
            creates=True,
            params=(
                _param("identifier", "token", "identifier", of="Practitioner"),
                _param("name", "string", "name.family", "name.given", "name.text", of="Practitioner"),
            ),
        ),
    )
}
SPELLED_ALSO = {"based-on": "basedon", "body-site": "bodysite"}  # R5 spellings of R4 parameters


def token_values(found: Any) -> Json:
    """What a token is compared with: a Coding, an Identifier, or a bare code."""
    return found if isinstance(found, dict) else {"code": found if isinstance(found, str) else str(found).lower()}
