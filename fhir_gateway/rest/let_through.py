"""
Which resources of a type the asker's scopes let through (SMART App Launch 2.2, granular scopes).

A resource that has one category of the right kind is let through, whatever other categories it has.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from consent.access import Access
from fhir_gateway.errors import BadParameter
from fhir_gateway.params import Token, alternatives

Json = dict[str, Any]


def let_through(access: Access, kind: str, letters: str) -> Callable[[Json], bool]:
    """Tells of each resource of a type whether a scope with one of `letters` lets it through.

    Where no such scope names the type, those with other letters count; whether anything may be asked at all is the
    guard's to say.
    """
    filters = access.filters_for(kind, letters)
    if filters == ():
        filters = access.filters_for(kind, "rs")
    if not filters:
        return lambda _resource: True
    return lambda resource: any(all(_has(resource, one) for one in together) for together in filters)


def _has(resource: Json, asked: str) -> bool:
    """Whether the resource has what one "name=value" of a scope says, whose name is one of `consent.scopes.FILTERS`."""
    name, _, value = asked.partition("=")
    concepts = resource.get(name) or []
    codings = [coding for concept in concepts for coding in concept.get("coding") or []]
    try:
        wanted = [Token.parse(one) for one in alternatives(unquote(value))]
    except BadParameter:
        return False
    return any(one.fits(coding) for one in wanted for coding in codings)
