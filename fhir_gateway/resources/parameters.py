"""
Search parameters: where in a resource their values lie, and which standard defines them (R4 search parameters).

Paths lead to elements, not into them: a CodeableConcept, a Reference or a Period is compared as a whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
ParamKind = Literal["token", "date", "reference", "string", "uri"]
_DEFINITIONS = "http://hl7.org/fhir/SearchParameter/"
_IMR = "https://profiles.ihe.net/RAD/IMR/SearchParameter/"


@dataclass(frozen=True, slots=True)
class Param:
    """One search parameter: `paths` lead to its values, `definition` names it for programs.

    `targets` are the types a reference may point at; none named means any. `in_instances` says that its values are
    told only of a study drawn with its instances.
    """

    name: str
    kind: ParamKind
    paths: tuple[str, ...]
    definition: str
    targets: tuple[str, ...] = ()
    in_instances: bool = False

    def values(self, resource: Json) -> Iterator[Any]:
        """Every value it finds in the resource."""
        for path in self.paths:
            yield from _at([resource], path.split("."))

    def points_at(self, kind: str) -> bool:
        """Whether one of its references may be to a resource of this type."""
        return self.kind == "reference" and (not self.targets or kind in self.targets)


def _at(values: Iterable[Any], steps: list[str]) -> Iterator[Any]:
    """What lies at the end of a path; lists are walked through."""
    for value in values:
        if isinstance(value, list):
            yield from _at(value, steps)
        elif not steps:
            yield value
        elif isinstance(value, dict) and steps[0] in value:
            yield from _at([value[steps[0]]], steps[1:])


def param(name: str, kind: ParamKind, *paths: str, of: str = "", to: tuple[str, ...] = ()) -> Param:
    """The parameter that FHIR defines for the type or group `of`."""
    return Param(name, kind, paths, f"{_DEFINITIONS}{of}-{name.lstrip('_')}", to)


_PEOPLE = ("Practitioner", "PractitionerRole", "Organization")
_DONE_FOR = ("CarePlan", "ServiceRequest", "MedicationRequest", "ImmunizationRecommendation", "NutritionOrder")

EVERYWHERE = (
    param("_id", "token", "id", of="Resource"),
    param("_lastUpdated", "date", "meta.lastUpdated", of="Resource"),
    param("_profile", "uri", "meta.profile", of="Resource"),
    param("_tag", "token", "meta.tag", of="Resource"),
    param("_security", "token", "meta.security", of="Resource"),
)
OF_A_PATIENT = param("patient", "reference", "subject", "patient", of="clinical", to=("Patient",))
IDENTIFIED = param("identifier", "token", "identifier", of="clinical")


def subject(of: str) -> Param:
    """Whose it is, under the name that the type gives it."""
    return param("subject", "reference", "subject", of=of, to=("Patient",))


def _person(of: str) -> tuple[Param, ...]:
    return (
        param("identifier", "token", "identifier", of=of),
        param("name", "string", "name", of=of),
        param("family", "string", "name.family", of="individual"),
        param("given", "string", "name.given", of="individual"),
        param("telecom", "token", "telecom", of="individual"),
        param("gender", "token", "gender", of="individual"),
        param("active", "token", "active", of=of),
    )


PATIENT = (
    *_person("Patient"),
    param("birthdate", "date", "birthDate", of="individual"),
    param("link", "reference", "link.other", of="Patient", to=("Patient", "RelatedPerson")),
)
PRACTITIONER = _person("Practitioner")
_S = "ImagingStudy"
STUDY = (
    OF_A_PATIENT,
    IDENTIFIED,
    subject(_S),
    param("status", "token", "status", of=_S),
    param("modality", "token", "series.modality", "modality", of=_S),
    param("started", "date", "started", of=_S),
    param("series", "token", "series.uid", of=_S),
    param("bodysite", "token", "series.bodySite", of=_S),
    Param("instance", "token", ("series.instance.uid",), f"{_DEFINITIONS}{_S}-instance", in_instances=True),
    Param("dicom-class", "token", ("series.instance.sopClass",), f"{_DEFINITIONS}{_S}-dicom-class", in_instances=True),
    param("endpoint", "reference", "endpoint", "series.endpoint", of=_S, to=("Endpoint",)),
    param("basedon", "reference", "basedOn", of=_S, to=("ServiceRequest", "CarePlan", "Appointment", "Task")),
    param("referrer", "reference", "referrer", of=_S, to=_PEOPLE[:2]),
    param("interpreter", "reference", "interpreter", of=_S, to=_PEOPLE[:2]),
    param("performer", "reference", "series.performer.actor", of=_S, to=(*_PEOPLE, "Patient", "Device")),
    param("encounter", "reference", "encounter", of=_S, to=("Encounter",)),
    param("reason", "token", "reasonCode", of=_S),
)
_R = "DiagnosticReport"
REPORT = (
    OF_A_PATIENT,
    IDENTIFIED,
    subject(_R),
    param("status", "token", "status", of=_R),
    param("category", "token", "category", of=_R),
    param("code", "token", "code", of="clinical"),
    param("date", "date", "effectiveDateTime", "effectivePeriod", of="clinical"),
    param("issued", "date", "issued", of=_R),
    param("based-on", "reference", "basedOn", of=_R, to=_DONE_FOR),
    param("performer", "reference", "performer", of=_R, to=_PEOPLE),
    param("results-interpreter", "reference", "resultsInterpreter", of=_R, to=_PEOPLE),
    param("result", "reference", "result", of=_R, to=("Observation",)),
    param("media", "reference", "media.link", of=_R, to=("Media",)),
    param("encounter", "reference", "encounter", of="clinical", to=("Encounter",)),
    param("conclusion", "token", "conclusionCode", of=_R),
    Param("imagingStudy", "reference", ("imagingStudy",), f"{_IMR}{_R}-ImagingStudy", (_S,)),
    param("study", "reference", "imagingStudy", of=_R, to=(_S,)),
)
_Q = "ServiceRequest"
ORDER = (
    OF_A_PATIENT,
    IDENTIFIED,
    subject(_Q),
    param("status", "token", "status", of=_Q),
    param("intent", "token", "intent", of=_Q),
    param("category", "token", "category", of=_Q),
    param("code", "token", "code", of="clinical"),
    param("authored", "date", "authoredOn", of=_Q),
    param("requester", "reference", "requester", of=_Q, to=(*_PEOPLE, "Patient", "Device")),
    param("requisition", "token", "requisition", of=_Q),
    param("based-on", "reference", "basedOn", of=_Q, to=(_Q, "CarePlan", "MedicationRequest")),
)
ENDPOINT = (
    param("identifier", "token", "identifier", of="Endpoint"),
    param("status", "token", "status", of="Endpoint"),
    param("name", "string", "name", of="Endpoint"),
    param("connection-type", "token", "connectionType", of="Endpoint"),
    param("payload-type", "token", "payloadType", of="Endpoint"),
    param("organization", "reference", "managingOrganization", of="Endpoint", to=("Organization",)),
)
_C = "Consent"
CONSENT = (
    OF_A_PATIENT,
    IDENTIFIED,
    param("consentor", "reference", "performer", of=_C, to=(*_PEOPLE, "Patient", "RelatedPerson")),
    param("status", "token", "status", of=_C),
    param("scope", "token", "scope", of=_C),
    param("category", "token", "category", of=_C),
    param("date", "date", "dateTime", of="clinical"),
    param("period", "date", "provision.period", of=_C),
    param("organization", "reference", "organization", of=_C, to=("Organization",)),
    param("source-reference", "reference", "sourceReference", of=_C, to=("DocumentReference", "Consent", "Contract")),
    param("actor", "reference", "provision.actor.reference", of=_C, to=(*_PEOPLE, "Patient", "Device")),
    param("action", "token", "provision.action", of=_C),
    param("purpose", "token", "provision.purpose", of=_C),
    param("data", "reference", "provision.data.reference", of=_C),
    param("security-label", "token", "provision.securityLabel", of=_C),
)
ORGANIZATION = (
    param("identifier", "token", "identifier", of="Organization"),
    param("name", "string", "name", "alias", of="Organization"),
    param("active", "token", "active", of="Organization"),
    param("type", "token", "type", of="Organization"),
    param("partof", "reference", "partOf", of="Organization", to=("Organization",)),
    param("endpoint", "reference", "endpoint", of="Organization", to=("Endpoint",)),
)
