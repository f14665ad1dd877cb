"""Whose each pushed resource is, and which study it belongs to, found among what the site itself sent."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fhir_gateway.outcome import Issue, Refusal, unprocessable
from fhir_gateway.resources import diagnostic_report, imaging_study, patient
from fhir_gateway.resources.imaging_study import accession_of
from fhir_gateway.rest.entries import Entry, Json, identifier_of
from vault.database import Services
from vault.errors import NotThere
from vault.facts import PersonFacts
from vault.ids import Id, parse_id
from vault.intake import Pusher, papers_uid
from vault.patients import SitePatient, identify
from vault.pushed import condition_of, find_pushed, patient_of

TRAVELLERS = frozenset({"Organization", "Practitioner", "PractitionerRole", "ServiceRequest", "Observation"})
# Travellers that are about a patient have a place even where nobody refers to them.
SETTLED = frozenset({"ServiceRequest", "Observation"})
# An organisation or practitioner sent alone is nobody's; the site keeps it under a number no patient can have.
DIRECTORY = "urn:keepray:directory"


@dataclass(frozen=True, slots=True)
class Person:
    """A patient of the site, as far as this push tells."""

    patient: SitePatient
    facts: PersonFacts = field(default_factory=PersonFacts)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a resource is kept: a patient's study, by its UID or by the identifier the site was told."""

    person: Person
    study: str | Id

    @property
    def key(self) -> tuple[bytes, int | None, str | bytes]:
        """Equal for equal places."""
        return self.person.patient.bi, self.person.patient.dob_check, self.study


class Whereabouts:
    """Finds the home of each entry of one push."""

    def __init__(self, services: Services, pusher: Pusher, entries: list[Entry], base: str) -> None:
        self._services, self._pusher, self._base = services, pusher, base
        self.entries = entries
        self._by_url = {one.full_url: one for one in entries if one.full_url}
        self._people: dict[str, Person] = {}

    # --- references ---

    def entry_at(self, reference: str) -> Entry | None:
        """The entry of this push that a reference means."""
        return self._by_url.get(reference)

    def short(self, reference: str) -> str:
        """A reference to this server without its base."""
        return reference.removeprefix(f"{self._base}/")

    # --- people ---

    def person_of(self, entry: Entry) -> Person:
        """The patient that an entry is about. Raises `Refusal` 412 or 422."""
        if entry.kind == "Patient":
            return self._person_in(entry)
        subject = entry.resource.get("subject")
        if not isinstance(subject, dict):
            raise unprocessable("It must say whose it is.", f"{entry.kind}.subject", "required").at(entry.place)
        try:
            return self._person_meant(subject, entry)
        except NotThere:
            raise unprocessable("The patient is not known.", f"{entry.kind}.subject").at(entry.place) from None

    def _person_in(self, entry: Entry) -> Person:
        if entry.place not in self._people:
            try:
                self._people[entry.place] = self._identified(entry.resource)
            except Refusal as refusal:
                raise refusal.at(entry.place) from None
        return self._people[entry.place]

    def _identified(self, resource: Json) -> Person:
        facts = patient.from_fhir(resource, self._pusher.site.details.issuers)
        return Person(self._identify(facts.mrn, facts.issuer, facts.born), facts)

    def _identify(self, mrn: str, issuer: str, born: str = "") -> SitePatient:
        return identify(self._services.secrets, self._pusher.site, mrn=mrn, issuer=issuer or None, born=born or None)

    def _person_meant(self, subject: Json, entry: Entry) -> Person:
        reference = self.short(str(subject.get("reference") or ""))
        there = self.entry_at(reference)
        if there is not None:
            if there.kind != "Patient":
                raise unprocessable("A subject is a patient.", f"{entry.kind}.subject")
            return self._person_in(there)
        if reference.startswith("#"):
            return self._contained(entry, reference[1:])
        if reference.startswith("Patient?"):
            return self._patient_found(reference)
        if reference.startswith("Patient/"):
            with self._services.reading() as work:
                return Person(patient_of(work, self._pusher.site, parse_id(reference.removeprefix("Patient/"))))
        number = patient.number_of([subject.get("identifier") or {}], self._pusher.site.details.issuers)
        if reference or number is None:
            raise NotThere
        return Person(self._identify(*number))

    def _contained(self, entry: Entry, inner: str) -> Person:
        for one in entry.resource.get("contained") or []:
            if one.get("id") == inner and one.get("resourceType") == "Patient":
                return self._identified(one)
        raise NotThere

    def _patient_found(self, reference: str) -> Person:
        """A conditional reference: exactly one patient the site pushed before (R4 http, 412 else)."""
        pairs = parse_qsl(reference.removeprefix("Patient?"))
        if len(pairs) != 1 or pairs[0][0] != "identifier":
            raise Refusal(412, Issue("not-supported", "A patient is referred to by one identifier."))
        scopes = self.scopes_with("Patient", identifier_of(pairs[0][1]))
        if len(scopes) != 1:
            code = "multiple-matches" if scopes else "not-found"
            raise Refusal(412, Issue(code, "The reference does not mean exactly one patient."))
        with self._services.reading() as work:
            return Person(patient_of(work, self._pusher.site, scopes[0]))

    def scopes_with(self, kind: str, identifier: tuple[str, str]) -> list[Id]:
        """The scopes in which the site has created such a resource."""
        system, value = identifier
        condition = condition_of(self._services.secrets, self._pusher.site, type=kind, system=system, value=value)
        with self._services.reading() as work:
            return list(dict.fromkeys(one.scope_id for one in find_pushed(work, self._pusher.site, condition)))

    # --- homes ---

    def home_of(self, entry: Entry) -> Home:
        """Where an entry that is about a patient is kept."""
        person = self.person_of(entry)
        return Home(person, self._study_of(entry))

    def _study_of(self, entry: Entry) -> str | Id:
        match entry.kind:
            case "ImagingStudy":
                return imaging_study.from_fhir(entry.resource, PersonFacts()).uid
            case "DiagnosticReport" | "DocumentReference" | "Observation":
                return self._study_told(entry)
            case "ServiceRequest":
                return papers_uid(accession_of(entry.resource)[0])
            case _:
                return papers_uid()

    def _study_told(self, entry: Entry) -> str | Id:
        for reference in diagnostic_report.study_references(entry.resource):
            target = self.short(str(reference.get("reference") or ""))
            there = self.entry_at(target)
            if there is not None and there.kind in ("ImagingStudy", "DiagnosticReport"):
                return self._study_of(there)
            if target.startswith("ImagingStudy/"):
                try:
                    return parse_id(target.removeprefix("ImagingStudy/"))
                except NotThere:
                    raise unprocessable("The study is not known.", entry.kind).at(entry.place) from None
            if uid := diagnostic_report.study_uid_named(reference):
                return uid
        return papers_uid(self.accession_of(entry))

    def accession_of(self, entry: Entry) -> str:
        """A paper's accession number: its own, or that of the order it is based on or related to."""
        number, _ = accession_of(entry.resource)
        for reference in [*(entry.resource.get("basedOn") or []), *diagnostic_report.study_references(entry.resource)]:
            there = self.entry_at(self.short(str(reference.get("reference") or "")))
            number = number or (accession_of(there.resource)[0] if there is not None else "")
        return number

    def study_uids_of(self, entry: Entry) -> list[str]:
        """The UIDs of all studies a report is about, as far as they are told."""
        found: list[str] = []
        for reference in diagnostic_report.study_references(entry.resource):
            there = self.entry_at(self.short(str(reference.get("reference") or "")))
            if there is not None and there.kind in ("ImagingStudy", "DiagnosticReport"):
                uid = self._study_of(there)
            else:
                uid = diagnostic_report.study_uid_named(reference)
            if isinstance(uid, str) and uid:
                found.append(uid)
        return list(dict.fromkeys(found))

    def started_of(self, entry: Entry) -> str | None:
        """When the study of a report was made, as far as this push tells: "" where it may be told later, None if not.

        A study that is named, or an accession number, leads to a study that has its time.
        """
        references = diagnostic_report.study_references(entry.resource)
        for reference in references:
            there = self.entry_at(self.short(str(reference.get("reference") or "")))
            if there is not None and there.resource.get("started"):
                return str(there.resource["started"])
        return "" if references or self.accession_of(entry) else None

    def default_home(self) -> Home:
        """Where a traveller nobody refers to is kept: with the push's one patient, else in the site's directory."""
        people = [self.person_of(one) for one in self.entries if one.kind == "Patient"]
        if len(people) == 1:
            return Home(people[0], papers_uid())
        return Home(Person(self._identify(DIRECTORY, DIRECTORY)), papers_uid())
