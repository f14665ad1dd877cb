"""The people of the demo: one who has claimed two scans and shares them, and one whose slip waits."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from consent import grants, sessions
from consent.decisions import row_of
from consent.errors import Area
from consent.grants import Offer
from phr.commands import CommandFailed
from phr.demo.home import Notes
from phr.demo.site import Desk
from phr.samples.studies import ABDOMEN_MR, CHEST_CT, CHEST_XRAY, ULTRASOUND, Person
from vault import accounts, claims, recovery
from vault.accounts import SignedIn
from vault.catalogue import open_catalogue
from vault.database import Services, Work
from vault.errors import NotThere, WrongSecret
from vault.sealing.codes import ClaimPin
from vault.settling import settle

HERE = "127.0.0.1"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
SHARED_DAYS = 30
CLAIMED = (CHEST_CT, ABDOMEN_MR)
WAITING = (CHEST_XRAY, ULTRASOUND)


@dataclass(frozen=True, slots=True)
class Ready:
    """The patient who has claimed, signed in."""

    person: Person
    login: str
    password: str
    signed_in: SignedIn


def ada(number: int) -> Person:
    """The one who has claimed; another number is another patient of the site."""
    return Person(name="Sample^Ada", born="19600412", sex="F", mrn=f"DEMO-1{number:03d}")


def ben(number: int) -> Person:
    """The one whose slip waits."""
    return Person(name="Example^Ben", born="19750930", sex="M", mrn=f"DEMO-2{number:03d}")


def lay_out(desk: Desk) -> None:
    """What the first run pushes lies ready."""
    for samples, person in ((CLAIMED, ada(1)), (WAITING, ben(1))):
        for sample in samples:
            desk.lay_out(sample, person)


def ready_patient(services: Services, desk: Desk, notes: Notes) -> Ready:
    """The patient of earlier runs, or a new one where there is none or nobody knows the password any more."""
    kept: dict[str, Any] = notes.get("patient") or {"number": 0}
    if "login" in kept:
        try:
            signed_in = accounts.sign_in(services, login=kept["login"], password=kept["password"], source=HERE)
        except WrongSecret:
            pass  # deleted while someone tried that, or the password was changed
        else:
            return Ready(ada(kept["number"]), kept["login"], kept["password"], signed_in)
    number = kept["number"] + 1
    person = ada(number)
    login = "ada.sample" if number == 1 else f"ada.sample.{number}"
    password = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(5))
    for sample in CLAIMED:
        desk.push(sample, person)
    pin = desk.issue_slip(person).pin
    if pin is None:
        raise CommandFailed("The demo's patient has claimed with another account; remove the folder to begin anew.")
    signed_in = accounts.open_account(services, login=login, password=password, name=person.spoken, born=person.born)
    _move_in(services, signed_in, pin, person)
    notes["patient"] = {"number": number, "login": login, "password": password}
    return Ready(person, login, password, signed_in)


def _move_in(services: Services, signed_in: SignedIn, pin: str, person: Person) -> None:
    """The scans are claimed and the recovery kit is made; its code is thrown away, the demo has its password."""
    claims.take(
        services,
        pin=ClaimPin.parse(pin),
        born=person.born,
        keyring=signed_in.keyring,
        account_id=signed_in.account_id,
        source=HERE,
    )
    with services.work() as work:
        settle(work, signed_in.keyring)
        code = recovery.new_recovery_code(work, signed_in.keyring)
        recovery.confirm_recovery_code(work, signed_in.keyring, code.reveal().split("-")[2])


def waiting_slip(desk: Desk, notes: Notes) -> tuple[Person, str]:
    """A person whose scans wait, and a fresh PIN for them; somebody new when the one before has claimed."""
    number = notes.get("waiting", 0)
    pin = desk.issue_slip(ben(number)).pin if number else None
    while pin is None:
        number += 1
        for sample in WAITING:
            desk.push(sample, ben(number))
        pin = desk.issue_slip(ben(number)).pin
    notes["waiting"] = number
    return ben(number), pin


def share(services: Services, ready: Ready, notes: Notes) -> str:
    """A fresh code for all of the ready patient's scans; the one before ends unless somebody typed it."""
    with services.work() as work:
        cookie = sessions.sign_in(work, ready.signed_in, device="phr demo")
        _, access = sessions.open_session(work, cookie.octets(), Area.PATIENT)
        _end_unused(work, access, notes.get("shared"))
        study_ids = [one for study in open_catalogue(work, access.opened()).studies for one in study.folders]
        offer = Offer(
            study_ids=tuple(study_ids),
            expires=work.now + timedelta(days=SHARED_DAYS),
            view_only=False,
            label="Code of the demo",
        )
        grant_id, code = grants.give_code(work, access, offer)
        sessions.sign_out(work, access)
    notes["shared"] = grant_id.hex()
    return code.reveal()


def _end_unused(work: Work, access: Any, grant: str | None) -> None:
    if grant is None:
        return
    try:
        row = row_of(work, bytes.fromhex(grant))
        if row.redeemed_at is None and row.ended_at is None:
            grants.end(work, access, row.id)
    except NotThere:
        pass  # it was of a patient who is gone


def scans_of(services: Services, ready: Ready) -> Sequence[dict[str, Any]]:
    """The ready patient's scans and reports, as programs ask for them."""
    with services.reading() as work:
        catalogue = open_catalogue(work, ready.signed_in.keyring)
        return [
            {
                "study_uid": study.uid,
                "study_id": study.id.hex(),
                "description": study.facts.description,
                "date": study.facts.date,
                "series": len(study.series),
                "instances": study.instances,
                "reports": [report.id.hex() for report in study.reports],
            }
            for study in catalogue.studies
        ]
