"""The slip a site hands out: what is printed on it, by a printer that the app is given at start-up."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, cast

from flask import current_app

from fhir_gateway.resources.patient import human_name
from vault.claims import Issued
from vault.sites import SiteDetails

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class SlipFacts:
    """What a slip is printed from. `first_name` and `initial` are all of the name that goes on paper."""

    site_name: str
    site_phone: str
    first_name: str
    initial: str
    birth_year: int | None
    description: str
    taken_on: date | None
    expires: datetime
    language: str
    pin: str = field(repr=False)


class PrintSlip(Protocol):
    """The app's `extensions["print_slip"]`."""

    def __call__(self, slip: SlipFacts, /) -> bytes | None:
        """The PDF; None where printing is not possible here."""
        ...


@dataclass(frozen=True, slots=True)
class SlipWords:
    """What the site told for the slip: a DICOM person name, YYYYMMDD, words, an ISO date, a language."""

    name: str
    born: str
    description: str
    taken_on: str
    language: str


def printed(made: Issued, *, site: SiteDetails, words: SlipWords) -> bytes | None:
    """The slip as PDF; None where there is no PIN, or no printing here. The PIN is told all the same."""
    printing = cast("PrintSlip | None", current_app.extensions.get("print_slip"))
    if printing is None or made.pin is None or made.expires is None:
        return None
    named = human_name(words.name)
    return printing(
        SlipFacts(
            site_name=site.name,
            site_phone=site.phone,
            first_name=(named.get("given") or [""])[0],
            initial=(named.get("family") or "")[:1],
            birth_year=int(words.born[:4]) if words.born else None,
            description=words.description,
            taken_on=_day(words.taken_on),
            expires=made.expires,
            language=words.language,
            pin=made.pin.reveal(),
        )
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
