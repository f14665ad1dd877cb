"""References inside a resource: finding and rewriting them (R4 references, bundle 3.1.1.5)."""

from collections.abc import Callable, Iterator
from typing import Any

from fhir_gateway.outcome import unprocessable

Json = dict[str, Any]
MOST_REFERENCES = 2000


def references_in(value: Any, place: str) -> Iterator[tuple[str, Json]]:
    """Every object with a literal `reference`, and the FHIRPath of that element."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield f"{place}.reference", value
        for name, inner in value.items():
            yield from references_in(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from references_in(inner, f"{place}[{number}]")


def check_references(resource: Json) -> None:
    """Raise `Refusal` 422 for too many references and for `#` that leads nowhere."""
    kind = resource["resourceType"]
    contained = {one.get("id") for one in resource.get("contained") or [] if isinstance(one, dict)}
    for number, (place, holder) in enumerate(references_in(resource, kind)):
        if number >= MOST_REFERENCES:
            raise unprocessable("The resource refers to more than is followed.", kind, "too-costly")
        target = holder["reference"]
        if target.startswith("#") and target != "#" and target[1:] not in contained:
            raise unprocessable("The reference leads nowhere.", place)
    for number, inner in enumerate(resource.get("contained") or []):
        if isinstance(inner, dict) and inner.get("contained"):
            raise unprocessable("A contained resource contains another.", f"{kind}.contained[{number}]")


def rewritten(value: Any, new: Callable[[str], str]) -> Any:
    """A copy with every reference as `new` gives it; narratives and attachments' addresses as well."""
    if isinstance(value, dict):
        return {
            name: new(inner) if name in ("reference", "url") and isinstance(inner, str) else rewritten(inner, new)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [rewritten(inner, new) for inner in value]
    return value
