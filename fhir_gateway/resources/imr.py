"""IHE's multimedia reports (RAD-141): what a bundle that says it is one has to keep to, and what is not believed."""

from typing import Any

from fhir_gateway.outcome import unprocessable

Json = dict[str, Any]

PROFILES = "https://profiles.ihe.net/RAD/IMR/StructureDefinition/"
BUNDLE = f"{PROFILES}imr-store-multimedia-report-bundle"


def check_bundle(bundle: Json) -> None:
    """Raise `Refusal` 422 for a bundle of this profile with resources inside of resources."""
    if BUNDLE not in _profiles(bundle):
        return
    for number, entry in enumerate(bundle["entry"]):
        resource = entry.get("resource")
        if isinstance(resource, dict) and resource.get("contained"):
            place = f"Bundle.entry[{number}].resource.contained"
            raise unprocessable("A bundle of this profile holds no contained resources.", place, "invariant")


def believed(resource: Json) -> Json:
    """The resource without a claim to be a multimedia report, if it has no words in HTML."""
    claimed = _profiles(resource)
    forms = resource.get("presentedForm") or []
    if resource.get("resourceType") != "DiagnosticReport" or not any(one.startswith(PROFILES) for one in claimed):
        return resource
    if any(str(one.get("contentType") or "").startswith("text/html") for one in forms if isinstance(one, dict)):
        return resource
    kept = [one for one in claimed if not one.startswith(PROFILES)]
    plain = {name: value for name, value in resource.items() if name != "meta"}
    return plain | {"meta": {"profile": kept}} if kept else plain


def _profiles(resource: Json) -> list[str]:
    meta = resource.get("meta")
    listed = meta.get("profile") if isinstance(meta, dict) else None
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
