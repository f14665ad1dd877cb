"""The PIN slip on the paper a front desk has: a sheet of three sizes or a receipt roll, in letters of three sizes.

Whatever the form, the square code can be read by a camera and the PIN stands beside it in letters; on an A5 sheet the
PIN is one line. What does not fit below in a second language stands on the back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fhir_gateway.rest.slips import NO_SECOND, SlipForm
from phr import dates, printing
from phr.reports import Paper, bare, on_paper, square, typed
from phr.slip_words import ENGLISH, WORDS, SlipWords

if TYPE_CHECKING:
    from datetime import date

USUAL, ALONE = 12, 14  # points: with a second language below, and without one
ROLL = "80mm"


@dataclass(frozen=True, slots=True)
class ClaimSlip:
    """What a scan center hands out. `address` is the base of the service, without a slash at its end."""

    site_name: str
    site_phone: str
    patient_first_and_initial: str  # "Ana P.": a lost slip names nobody in full
    birth_year: int | None  # the day and month are the second check, so they stay off the paper
    description: str  # "MRI"; empty where even that is too much, and then the slip says "Scan"
    scan_date: date | None
    pin: str
    address: str
    expires: date
    language: str = "en"
    form: SlipForm = field(default_factory=SlipForm)
    logo: tuple[str, bytes] | None = None  # a media type, and a file of it

    def __repr__(self) -> str:
        """Nothing of it: it holds the PIN."""
        return "ClaimSlip(…)"


@dataclass(frozen=True, slots=True)
class Sheet:
    """How large everything is on one kind of paper; `square` is the QR code, `pin` its letters in points."""

    size: str
    margin: str
    square: str
    around_square: str
    pin: int
    groups_in_a_row: int
    roll: str = ""


SHEETS = {
    "a5": Sheet("A5", "8mm 11mm", "42mm", "0", 26, 4),
    "a6": Sheet("A6", "6mm 7mm", "38mm", "0", 22, 4),
    "a4": Sheet("A4", "20mm", "60mm", "3mm", 36, 4),
    "receipt": Sheet("80mm 2000mm", "4mm 5mm", "44mm", "1mm", 26, 2, ROLL),
}


def claim_slip(slip: ClaimSlip) -> Paper:
    """The slip in its form; its QR code opens the claim page with the PIN in the box. Raises what printing raises."""
    words, language = _words(slip.language)
    second, second_language = _second(slip, words)
    sheet = SHEETS[slip.form.sheet]
    when = dates.in_words(slip.scan_date, language) if slip.scan_date else ""
    pictures = {"qr.svg": square(f"{slip.address}/add#{bare(slip.pin)}")}
    if slip.logo is not None:
        pictures["logo"] = slip.logo
    return "PIN slip.pdf", on_paper(
        "claim_slip.html",
        pictures,
        roll=sheet.roll,
        language=language,
        slip=slip,
        sheet=sheet,
        letters=slip.form.letters or (USUAL if second or slip.form.sheet == "a6" else ALONE),
        words=words,
        second=second,
        second_language=second_language,
        what=", ".join(part for part in (slip.description or words.scan, when) if part),
        typed_address=typed(slip.address),
        end_of_roll=printing.END_OF_ROLL if sheet.roll else "",
    )


def _words(language: str) -> tuple[SlipWords, str]:
    """The sentences of a language and its code; English where there are none."""
    words = WORDS.get(language.split("-", maxsplit=1)[0], ENGLISH)
    return words, "en" if words is ENGLISH else language


def _second(slip: ClaimSlip, first: SlipWords) -> tuple[SlipWords | None, str]:
    """What is said once more in another language: English, unless something else was asked for."""
    if slip.form.second_language == NO_SECOND:
        return None, ""
    words, language = _words(slip.form.second_language or "en")
    return (None, "") if words is first else (words, language)
