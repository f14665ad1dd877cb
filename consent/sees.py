"""What an app sees by its scopes, for whoever has to say it in plain words, and which keys that takes."""

from dataclasses import dataclass
from urllib.parse import unquote

from consent.scopes import SIGN_IN, Scopes
from vault.keyring import KeyClass

COMES_BACK, FOR_ONE_SCAN = "offline_access", "launch/imagingstudy"
_REPORTS = ("DiagnosticReport", "DocumentReference", "Binary", "Observation")


@dataclass(frozen=True, slots=True)
class Sees:
    """What scopes let an app see beside name and birth date.

    `categories` are codes of the only reports it sees; empty where it sees all, or none.
    """

    pictures: bool
    reports: bool
    categories: tuple[str, ...]
    new_scans: bool
    one_scan: bool
    recognises: bool
    comes_back: bool


def sees(scopes: Scopes) -> Sees:
    """What these scopes let an app see."""
    return Sees(
        pictures=KeyClass.PICTURES in classes_of(scopes),
        reports=KeyClass.REPORTS in classes_of(scopes),
        categories=_categories(scopes),
        new_scans=scopes.has_every_type,
        one_scan=FOR_ONE_SCAN in scopes,
        recognises=SIGN_IN in scopes,
        comes_back=COMES_BACK in scopes,
    )


def classes_of(scopes: Scopes) -> frozenset[KeyClass]:
    """What has to be given so that these scopes show something."""
    found = {KeyClass.META}
    if scopes.touches("patient/ImagingStudy.r"):
        found.add(KeyClass.PICTURES)
    if any(scopes.touches(f"patient/{kind}.{letter}") for kind in _REPORTS for letter in "rs"):
        found.add(KeyClass.REPORTS)
    return frozenset(found)


def _categories(scopes: Scopes) -> tuple[str, ...]:
    """The codes of the only reports that are asked for; none where all are, or no reports at all."""
    asked = [scopes.filters_of(kind, "rs") for kind in _REPORTS]
    if None in asked:
        return ()
    values = [one.partition("=")[2] for filters in asked for together in filters or () for one in together]
    codes = [unquote(code).rpartition("|")[2] for value in values for code in value.split(",")]
    return tuple(dict.fromkeys(code for code in codes if code))
