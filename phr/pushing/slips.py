"""Asks for a claim and writes its slip: `Patient/$issue-claim`, or `$reissue-claim` where the old slip is lost."""

import base64
import binascii
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhir_gateway.dicom.facts import PatientFacts
from fhir_gateway.rest.slips import SlipForm
from phr.pushing import Refused, WrongConfig
from phr.pushing.config import SiteConfig
from phr.pushing.papers import human_name, mrn_identifier
from phr.pushing.web import Web, check_taken

ISSUE, REISSUE = "issue-claim", "reissue-claim"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the slip shall be: whose, for which scan, for how many days. Days are YYYY-MM-DD or empty."""

    patient: PatientFacts
    born: str
    description: str
    taken: str
    days: int | None
    language: str
    form: SlipForm


@dataclass(frozen=True, slots=True)
class Issued:
    """The claim. `pin` is None where the patient has linked, or where a claim is open that has its PIN already."""

    pin: str | None = field(repr=False)
    expires: str
    linked: bool
    slip: bytes | None = field(repr=False)


def issue(web: Web, config: SiteConfig, wanted: Wanted, operation: str = ISSUE) -> Issued:
    """A claim is open for the patient, or the patient has linked already. Raises `PushError`."""
    if not config.seal_seed:
        raise WrongConfig("The site's file has no seal_seed; without it no slip can be issued.")
    answer = web.post_json(f"{config.fhir_base}/Patient/${operation}", _asked(config, wanted))
    check_taken(answer, "issue a slip")
    told = {one.get("name"): one for one in answer.json().get("parameter") or [] if isinstance(one, dict)}
    if "linked" not in told:
        raise Refused("The server's answer about the slip cannot be read.", answer.status)
    return Issued(
        pin=_value(told.get("pin")),
        expires=str(_value(told.get("expires")) or ""),
        linked=bool(_value(told["linked"])),
        slip=_octets(told.get("slip")),
    )


def write_slip(path: Path, octets: bytes) -> None:
    """The slip lies at `path` and only its owner can read it; an older one is replaced whole."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _asked(config: SiteConfig, wanted: Wanted) -> dict[str, Any]:
    asked: list[dict[str, Any]] = [
        {"name": "identifier", "valueIdentifier": mrn_identifier(config, wanted.patient)},
        {"name": "sealSeed", "valueString": config.seal_seed},
        {"name": "language", "valueCode": wanted.language},
    ]
    wishes: dict[str, tuple[str, Any]] = {
        "birthDate": ("valueDate", wanted.born),
        "name": ("valueHumanName", human_name(wanted.patient)),
        "description": ("valueString", wanted.description),
        "date": ("valueDate", wanted.taken),
        "days": ("valuePositiveInt", wanted.days),
        "paper": ("valueCode", wanted.form.sheet),
        "letters": ("valuePositiveInt", wanted.form.letters),
        "secondLanguage": ("valueCode", wanted.form.second_language),
    }
    asked += [{"name": name, kind: value} for name, (kind, value) in wishes.items() if value]
    return {"resourceType": "Parameters", "parameter": asked}


def _value(parameter: dict[str, Any] | None) -> Any:
    """The one value[x] of a parameter."""
    return next((value for name, value in (parameter or {}).items() if name.startswith("value")), None)


def _octets(parameter: dict[str, Any] | None) -> bytes | None:
    """The PDF, whether it came as Attachment or as Binary."""
    held = _value(parameter) or (parameter or {}).get("resource")
    data = held.get("data") if isinstance(held, dict) else held
    try:
        return base64.b64decode(data) if isinstance(data, str) else None
    except binascii.Error:
        return None
