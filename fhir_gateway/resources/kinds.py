"""
Which types are served, how, and what can be searched: the one table that routes, searches and is declared.

A parameter names where in the resource its values are; searching and the CapabilityStatement read the same line, so
that what is declared is what works.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_gateway.resources import paper_parameters as papers
from fhir_gateway.resources import parameters
from fhir_gateway.resources.codes import SMART_STUDY
from fhir_gateway.resources.parameters import EVERYWHERE, Param

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type as it is served.

    `versions` says that its history can be asked for, `keeps_versions` that it can have more than the present one.
    """

    name: str
    reads: bool = True
    searches: bool = True
    creates: bool = False
    versions: bool = True
    keeps_versions: bool = False
    params: tuple[Param, ...] = ()
    profile: str = ""
    operations: Mapping[str, str] | None = None

    def param(self, name: str) -> Param | None:
        """The parameter of this name, in the spelling of R4 or R5: `basedon`, `based-on`, `basedOn`."""
        plain = _plain(name)
        return next((one for one in (*EVERYWHERE, *self.params) if _plain(one.name) == plain), None)

    @property
    def references(self) -> tuple[Param, ...]:
        """Its parameters that are references: what can be included, and followed."""
        return tuple(one for one in self.params if one.kind == "reference")

    @property
    def includes(self) -> tuple[str, ...]:
        """What a search may ask to come along."""
        return tuple(f"{self.name}:{one.name}" for one in self.references)

    @property
    def reverse_includes(self) -> tuple[str, ...]:
        """What refers to it and may be asked to come along."""
        return tuple(f"{source.name}:{one.name}" for source, one in pointing_at(self.name))


def _plain(name: str) -> str:
    return name if name.startswith("_") else name.replace("-", "").lower()


def pointing_at(name: str) -> Iterator[tuple[Kind, Param]]:
    """Every searchable type with a parameter whose references may be to a resource of this type."""
    for kind in KINDS.values():
        if kind.searches:
            yield from ((kind, one) for one in kind.references if one.points_at(name))


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "Patient",
            creates=True,
            params=parameters.PATIENT,
            operations={
                "issue-claim": "urn:keepray:operation:issue-claim",
                "reissue-claim": "urn:keepray:operation:reissue-claim",
                "claim-status": "urn:keepray:operation:claim-status",
                "everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
                "export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
            },
        ),
        Kind("ImagingStudy", creates=True, params=parameters.STUDY, profile=SMART_STUDY),
        Kind("DiagnosticReport", creates=True, keeps_versions=True, params=parameters.REPORT),
        Kind("DocumentReference", creates=True, params=papers.DOCUMENT),
        Kind("Observation", creates=True, params=papers.OBSERVATION),
        Kind("Binary", searches=False, versions=False),
        Kind("Endpoint", params=parameters.ENDPOINT),
        Kind("Consent", params=parameters.CONSENT),
        Kind("ServiceRequest", creates=True, params=parameters.ORDER),
        Kind("Organization", creates=True, params=parameters.ORGANIZATION),
        Kind("Practitioner", creates=True, params=parameters.PRACTITIONER),
        Kind("PractitionerRole", creates=True, params=papers.ROLE),
        Kind("Provenance", params=papers.PROVENANCE),
        Kind("AuditEvent", params=papers.EVENT),
    )
}
