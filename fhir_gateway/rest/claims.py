"""The claim operations: a site asks for a slip, for another one, and what became of it (docs/format.md 4.2)."""

import binascii
import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Response, current_app, request

from consent.guards import needs_site
from consent.request import access, reading, services
from fhir_gateway.dicomweb.accept import parse_accept
from fhir_gateway.outcome import malformed, unprocessable
from fhir_gateway.resources.patient import day_of, number_of, person_name
from fhir_gateway.rest.answers import answer, blueprint, body, check_accepted, instant
from fhir_gateway.rest.slips import PDF, SlipForm, SlipWords, form_of, printed
from vault import claims
from vault.claims import ClaimStatus, Issued
from vault.errors import NotThere
from vault.ids import parse_id
from vault.patients import SitePatient, identify
from vault.pushed import patient_of
from vault.sites import Site, logo_of

Json = dict[str, Any]

SCOPE = "system/Patient.c"
RIGHT = "claims"
DAYS = 90
_PART_OF_A_DATE = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of an operation."""

    patient: SitePatient
    born: str
    seal_seed: bytes = field(repr=False)
    language: str
    days: int
    name: str
    description: str
    taken_on: str
    form: SlipForm


@blueprint.post("/Patient/$issue-claim")
@blueprint.post("/Patient/<patient_id>/$issue-claim")
@needs_site(SCOPE)
def issue_claim(patient_id: str = "") -> Response:
    """A claim is open for the patient, and the answer has its PIN."""
    return _slip(claims.issue, patient_id)


@blueprint.post("/Patient/$reissue-claim")
@blueprint.post("/Patient/<patient_id>/$reissue-claim")
@needs_site(SCOPE)
def reissue_claim(patient_id: str = "") -> Response:
    """Another slip; the one before opens nothing any more."""
    return _slip(claims.reissue, patient_id)


@blueprint.post("/Patient/$claim-status")
@blueprint.post("/Patient/<patient_id>/$claim-status")
@needs_site(SCOPE)
def claim_status(patient_id: str = "") -> Response:
    """What became of the patient's claim: never who took it."""
    access().check_right(RIGHT)
    check_accepted()
    asked = _asked(patient_id, needs_seed=False)
    return answer(_status(claims.status(services(), patient=asked.patient)))


def _slip(issue: Callable[..., Issued], patient_id: str) -> Response:
    access().check_right(RIGHT)
    wants_pdf = _wants_pdf()
    asked = _asked(patient_id, needs_seed=True)
    with reading() as work:  # before: a PIN is told once, and nothing may come between it and its answer
        logo = logo_of(work, _site().id)
    made = issue(
        services(),
        site=_site(),
        patient=asked.patient,
        born=asked.born or None,
        days=asked.days,
        seal_seed=asked.seal_seed,
        by=access().actor,
    )
    paper = printed(
        made,
        site=_site().details,
        logo=logo,
        words=SlipWords(asked.name, asked.born, asked.description, asked.taken_on, asked.language),
        form=asked.form,
    )
    if wants_pdf and paper is not None:
        slip = Response(paper, content_type=PDF)
        slip.headers["Content-Disposition"] = 'inline; filename="slip.pdf"'
        return _never_kept(slip)
    if wants_pdf and made.pin is not None:
        current_app.logger.warning("a slip could not be printed here; its PIN was told without it")
    return _never_kept(answer(_issued(made, paper)))


def _site() -> Site:
    site = access().site
    assert site is not None  # the guard lets only sites in
    return site


def _never_kept(made: Response) -> Response:
    """The PIN leaves once, and stays in no cache on its way."""
    made.headers["Cache-Control"] = "no-store"
    made.headers["Pragma"] = "no-cache"
    return made


def _wants_pdf() -> bool:
    for wanted in parse_accept(request.headers.get("Accept")):
        if wanted.media_type == PDF and wanted.quality > 0:
            return True
    check_accepted()
    return False


# --- in --------------------------------------------------------------------------------------------------------------


def _asked(patient_id: str, *, needs_seed: bool) -> Asked:
    sent = body()
    if sent.get("resourceType") != "Parameters":
        raise malformed("Parameters are expected here.", "resourceType")
    given = _parameters(sent)
    person = given["patient"] if isinstance(given.get("patient"), dict) else {}
    born = _born(_text(given, "birthDate") or str(person.get("birthDate") or ""))
    told = {one for one in (patient_id, _text(given, "id").removeprefix("Patient/")) if one}
    names = [given["name"]] if isinstance(given.get("name"), dict) else person.get("name") or []
    name = person_name(names) or _text(given, "name")
    return Asked(
        patient=_whose(told, _number(given, person), born),
        born=born,
        seal_seed=_seed(_text(given, "sealSeed"), needed=needs_seed),
        language=_text(given, "language") or _site().details.language,
        days=_days(given.get("days")),
        name=name,
        description=_text(given, "description"),
        taken_on=_text(given, "date"),
        form=form_of(given),
    )


def _born(text: str) -> str:
    """YYYYMMDD; "" where only the year or month is known, and then the slip asks for no date. Raises `Refusal` 422."""
    if not text or _PART_OF_A_DATE.fullmatch(text):
        return ""
    born = day_of(text)
    try:
        date.fromisoformat(born)
    except ValueError:
        raise unprocessable("This is no date of birth.", "Parameters.parameter", "value") from None
    return born


def _parameters(sent: Json) -> Json:
    found: Json = {}
    for number, one in enumerate(sent.get("parameter") or []):
        place = f"Parameters.parameter[{number}]"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise malformed("A parameter needs a name.", place)
        if one["name"] in found:
            raise malformed("A parameter is given twice.", place)
        values = [value for name, value in one.items() if name.startswith("value") or name == "resource"]
        if len(values) != 1:
            raise malformed("A parameter has one value.", place)
        found[one["name"]] = values[0]
    return found


def _number(given: Mapping[str, Any], person: Json) -> tuple[str, str] | None:
    """The patient's number and issuer, by identifier or in a Patient resource; None where none is told."""
    identifier = given.get("identifier")
    if isinstance(identifier, str):
        system, _, value = identifier.rpartition("|")
        identifier = {"system": system, "value": value}
    listed = [identifier] if isinstance(identifier, dict) else person.get("identifier") or []
    return number_of([one for one in listed if isinstance(one, dict)], _site().details.issuers)


def _whose(ids: Iterable[str], number: tuple[str, str] | None, born: str) -> SitePatient:
    """The patient with this number, or under the id the site was told; with both, they must be one.

    Raises `NotThere` for an id that is not the site's, or another patient's. Under an id alone the birth check of the
    pushes stays: it can only be made from the number.
    """
    found: SitePatient | None = None
    if number is not None:
        found = identify(services().secrets, _site(), mrn=number[0], issuer=number[1] or None, born=born or None)
    for told in ids:
        with services().reading() as work:
            one = patient_of(work, _site(), parse_id(told))
        if found is not None and one.bi != found.bi:
            raise NotThere
        found = found or one
    if found is None:
        raise unprocessable("The patient's identifier or id is needed.", "Parameters.parameter", "required")
    return found


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return value.strip() if isinstance(value, str) else ""


def _seed(text: str, *, needed: bool) -> bytes:
    if not text and not needed:
        return b""
    try:
        seed = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if text.isascii() else b""
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != 32:
        raise unprocessable("The site's seal seed is needed, as base64url.", "Parameters.parameter", "required")
    return seed


def _days(value: Any) -> int:
    if value is None:
        return DAYS
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 365:
        raise unprocessable("A claim is open for 1 to 365 days.", "Parameters.parameter", "value")
    return value


# --- out -------------------------------------------------------------------------------------------------------------


def _issued(made: Issued, paper: bytes | None) -> Json:
    values: list[Json] = []
    if made.pin is not None:
        values.append({"name": "pin", "valueString": made.pin.reveal()})
    if made.expires is not None:
        values.append({"name": "expires", "valueDateTime": instant(made.expires)})
    values.append({"name": "linked", "valueBoolean": made.linked})
    values.append({"name": "studies", "valueUnsignedInt": made.studies})
    if paper is not None:
        slip = {"contentType": PDF, "title": "Slip", "data": b64encode(paper).decode("ascii")}
        values.append({"name": "slip", "valueAttachment": slip})
    if made.pin is None and not made.linked:
        values.append({"name": "note", "valueString": "A claim is open already; reissue it for a new slip."})
    return {"resourceType": "Parameters", "parameter": values}


def _status(state: ClaimStatus) -> Json:
    values: list[Json] = [
        {"name": "state", "valueCode": str(state.state)},
        {"name": "linked", "valueBoolean": state.linked},
        {"name": "studies", "valueUnsignedInt": state.studies},
        {"name": "instances", "valueUnsignedInt": state.instances},
    ]
    for name, moment in (("issued", state.issued), ("expires", state.expires)):
        if moment is not None:
            values.append({"name": name, "valueDateTime": instant(moment)})
    if state.many_wrong_tries:
        values.append({"name": "manyWrongTries", "valueBoolean": True})
    return {"resourceType": "Parameters", "parameter": values}
