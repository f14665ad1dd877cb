"""
Whether a resource from a site is what it says it is.

fhir.resources checks names, cardinalities and the grammar of primitive values. It does not check required codes, what
a reference may point at, lengths, or base64; those are checked here. Every fault is told with the FHIRPath of the
element, never with its value.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.outcome import Issue, Refusal, malformed, unprocessable

Json = dict[str, Any]

PUSHED = (
    "Patient",
    "ImagingStudy",
    "DiagnosticReport",
    "DocumentReference",
    "Observation",
    "ServiceRequest",
    "Organization",
    "Practitioner",
    "PractitionerRole",
)
# The library cuts these lists short (R4 DiagnosticReport.status, Observation.status, required bindings).
_REPORT_STATUS = "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
_OBSERVATION_STATUS = "registered preliminary final amended corrected cancelled entered-in-error unknown"
_CODES = {
    ("DiagnosticReport", "status"): frozenset(_REPORT_STATUS.split()),
    ("Observation", "status"): frozenset(_OBSERVATION_STATUS.split()),
}
_MOST_FAULTS = 20
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TARGET = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[^/]+)?|\?.+)$")
_FAULT_CODES = {"missing": "required", "extra_forbidden": "structure"}


def check_type(resource: Any, expected: str | None = None) -> str:
    """The resource's type, if it is one that sites push. Raises `Refusal` 400, 404 or 422."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str):
        raise malformed("The resource does not say its type.", "resourceType")
    if kind not in PUSHED:
        raise Refusal(422, Issue("not-supported", "Resources of this type are not taken in.", "resourceType"))
    if expected is not None and kind != expected:
        raise malformed("The resource is of another type than its address says.", "resourceType")
    return kind


def check_shape(resource: Json) -> None:
    """Raise `Refusal` 422 with the places of all that is wrong."""
    kind = check_type(resource)
    _check_words(resource, kind)
    try:
        model = get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        raise Refusal(422, *_faults(kind, error)) from None
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError) as error:
        # The library raises these for types and values it has never heard of.
        raise unprocessable("The resource holds something that FHIR R4 does not know.", kind) from error
    issues = list(_own_faults(model, kind))[:_MOST_FAULTS]
    if issues:
        raise Refusal(422, *issues)


def _faults(kind: str, error: ValidationError) -> list[Issue]:
    found: list[Issue] = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False)[:_MOST_FAULTS]:
        place = kind
        for step in fault["loc"]:
            place += f"[{step}]" if isinstance(step, int) else f".{step}"
        code = _FAULT_CODES.get(fault["type"], "value")
        text = {"required": "A required element is missing.", "structure": "There is no such element."}
        found.append(Issue(code, text.get(code, "The value does not fit its element."), place))
    return found or [Issue("structure", "The resource does not have the shape of its type.", kind)]


def _own_faults(model: BaseModel, place: str) -> Iterator[Issue]:
    """What the library lets pass: required codes, targets of references, lengths."""
    kind = type(model).__name__
    for name, field in type(model).model_fields.items():
        value = getattr(model, name, None)
        if value is None or name.endswith("__ext"):
            continue
        here = f"{place}.{field.alias or name}"
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        for number, one in enumerate(value if isinstance(value, list) else [value]):
            spot = f"{here}[{number}]" if isinstance(value, list) else here
            if isinstance(one, BaseModel):
                yield from _target_faults(one, extra.get("enum_reference_types"), spot)
                yield from _own_faults(one, spot)
            elif isinstance(one, str):
                yield from _code_faults(one, _CODES.get((kind, name)) or extra.get("enum_values"), spot)
                if name == "uid" and not is_uid(one):
                    yield Issue("value", "This is no DICOM UID.", spot)
                if name == "id" and not _ID.fullmatch(one):
                    yield Issue("value", "This is no FHIR id.", spot)


def _code_faults(value: str, allowed: Any, place: str) -> Iterator[Issue]:
    if allowed and "+" not in allowed and value not in allowed:
        yield Issue("code-invalid", "The code is not one of those that are required here.", place)


def _target_faults(one: BaseModel, allowed: Any, place: str) -> Iterator[Issue]:
    if not allowed or "Resource" in allowed:
        return
    reference = getattr(one, "reference", None)
    match = _TARGET.search(reference) if isinstance(reference, str) else None
    if match and match[1] not in allowed:
        yield Issue("invalid", "The reference points at a type that may not stand here.", f"{place}.reference")


def _check_words(value: Any, place: str) -> None:
    """What no element may hold: null, comments the library lets in, and base64 it would silently empty."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{place}.{name}"
            if inner is None:
                raise unprocessable("An element is left out, and never null.", here, "structure")
            if name == "fhir_comments":
                raise unprocessable("There is no such element.", here, "structure")
            if name in ("data", "valueBase64Binary") and isinstance(inner, str):
                octets_of(inner, here)
            _check_words(inner, here)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_words(inner, f"{place}[{number}]")


def octets_of(text: Any, place: str) -> bytes:
    """The octets behind strict base64; line breaks are allowed, nothing else. Raises `Refusal` 422."""
    if not isinstance(text, str):
        raise unprocessable("This is not base64.", place, "value")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise unprocessable("This is not base64.", place, "value") from error
