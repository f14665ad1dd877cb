"""The slip a site hands out: what is printed on it, by a printer that the app is given at start-up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, cast

from flask import current_app

from fhir_gateway.outcome import unprocessable
from fhir_gateway.resources.patient import human_name
from vault.claims import Issued
from vault.sites import Logo, SiteDetails

PDF = "application/pdf"
SHEETS = ("a5", "a6", "a4", "receipt")
LETTERS = (12, 14, 18)
SMALL = ("a6", 12)  # the smallest sheet takes the smallest letters only
NO_SECOND = "none"


@dataclass(frozen=True, slots=True)
class SlipForm:
    """The sheet a slip is printed on, how large its letters are in points, and the second language.

    None leaves the letters as large as the sheet allows; "" is English below any other language, "none" is none.
    """

    sheet: str = "a5"
    letters: int | None = None
    second_language: str = ""


def form_of(given: Mapping[str, Any]) -> SlipForm:
    """What the parameters `paper`, `letters` and `secondLanguage` ask for. Raises `Refusal` 422."""
    sheet, letters, second = given.get("paper", "a5"), given.get("letters"), given.get("secondLanguage", "")
    if sheet not in SHEETS:
        raise unprocessable(f"A slip is printed on one of: {', '.join(SHEETS)}.", "Parameters.parameter", "value")
    if letters is not None and (letters not in LETTERS or isinstance(letters, bool)):
        raise unprocessable("Letters are 12, 14 or 18 points large.", "Parameters.parameter", "value")
    if letters is not None and sheet == SMALL[0] and letters > SMALL[1]:
        raise unprocessable("Large letters need a larger sheet than a6.", "Parameters.parameter", "value")
    if not isinstance(second, str):
        raise unprocessable("The second language is a code, or none.", "Parameters.parameter", "value")
    return SlipForm(sheet, letters, second.strip())


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
    form: SlipForm
    logo: Logo | None
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


def printed(made: Issued, *, site: SiteDetails, logo: Logo | None, words: SlipWords, form: SlipForm) -> bytes | None:
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
            form=form,
            logo=logo,
            pin=made.pin.reveal(),
        )
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
