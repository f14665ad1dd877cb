"""How stories begin: somebody, a scan of theirs, and the scan in their account."""

import os
from dataclasses import dataclass, field, replace
from typing import Any

from tests.factories import Person, a_ct_series, a_uid
from tests.papers import a_report
from tests.people import ANA, Patient, Site


def someone(name: str = ANA.name, born: str = ANA.born, **more: Any) -> Person:
    """A person with a patient number that nobody else has."""
    return Person(name=name, mrn=f"M{os.urandom(5).hex()}", born=born, sex="F", **more)


@dataclass(frozen=True)
class Scan:
    """One study that nobody pushed before."""

    name: str
    person: Person
    files: tuple[bytes, ...] = field(repr=False)

    @property
    def uid(self) -> str:
        return a_uid("study", self.name)

    @property
    def series_uid(self) -> str:
        return a_uid("series", self.name, "first")

    def instance_uid(self, number: int = 1) -> str:
        return a_uid("instance", self.name, "first", number)

    def address(self, number: int | None = None) -> str:
        """Where DICOMweb has it, or one picture of it."""
        study = f"/dicomweb/studies/{self.uid}"
        if number is None:
            return study
        return f"{study}/series/{self.series_uid}/instances/{self.instance_uid(number)}"


def a_scan(person: Person, pictures: int = 2, *, name: str = "", **facts: Any) -> Scan:
    name = name or f"study-{os.urandom(6).hex()}"
    facts = {"StudyDescription": "CT of the chest", "BodyPartExamined": "CHEST"} | facts
    return Scan(name, person, tuple(a_ct_series(pictures, study=name, person=person, **facts)))


@dataclass
class Story:
    """A patient who has a scan with a report, and the site that made it."""

    site: Site
    patient: Patient
    scan: Scan
    id: str

    @property
    def page(self) -> str:
        return f"/scans/{self.id}"

    def another_scan(self, **facts: Any) -> tuple[Scan, str]:
        """Pushed by the linked site; it is there without a slip."""
        before = set(self.patient.scans())
        scan = a_scan(self.patient.person, **facts)
        self.site.pushes(*scan.files)
        (new,) = set(self.patient.scans()) - before
        return scan, new


def a_story(
    house, *, site: Site | None = None, person: Person | None = None, report: str = "No acute finding."
) -> Story:
    """Pushed, claimed with the slip into a new account, ready to be looked at."""
    site = site or Site(house)
    scan = a_scan(person or someone())
    site.pushes(*scan.files)
    if report:
        site.reports(scan.person, scan.name, a_report(report, text=f"FINDINGS: as seen.\nIMPRESSION: {report}"))
    slip = site.hands_out_a_slip(scan.person)
    patient = Patient(house, scan.person)
    patient.types_a_slip(slip)
    page = patient.makes_an_account()
    assert page.path.startswith("/scans/"), page
    return Story(site, patient, scan, page.path.rpartition("/")[2])


def born_as(person: Person, born: str) -> Person:
    return replace(person, born=born)
