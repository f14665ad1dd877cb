"""
What the asker can read, as FHIR resources: drawn from what their keys open, and from nothing else.

Endpoint, Binary, Organization and Practitioner are outside the patient compartment: they are there for whoever sees a
study they came with (R4 compartment definition).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from consent.access import Access
from fhir_gateway.links import Links
from fhir_gateway.resources import diagnostic_report, endpoint, imaging_study, patient
from fhir_gateway.resources.imaging_study import Telling
from fhir_gateway.resources.references import rewritten
from fhir_gateway.rest import drawers as more
from fhir_gateway.rest.answers import version_of, versioned
from fhir_gateway.rest.found import Found, Json
from fhir_gateway.rest.let_through import let_through
from fhir_gateway.rest.replaced import with_replaced
from vault.catalogue import Catalogue, open_catalogue, open_study
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.ids import Id, parse_id
from vault.instances import BySeries, listed_instances
from vault.reading import OpenResource, open_resource
from vault.sites import Site, find_site
from vault.studies import Listed, Report, Resource, Study

FIRST = "1"  # the version of whatever a site sent and cannot replace


class Shelf:
    """Everything one asker sees, within one unit of work."""

    def __init__(self, work: Work, access: Access, links: Links, brand: str, *, named_endpoint: str = "") -> None:
        self._work, self._access, self._links, self._brand = work, access, links, brand
        self._named = named_endpoint  # the Endpoint resource that studies refer to besides the one they contain
        self._patients: dict[bytes, str] = {}
        self._instances: dict[Id, BySeries] = {}
        self._sites: dict[Id, Site] = {}

    @property
    def base(self) -> str:
        """The FHIR base."""
        return self._links.fhir

    @cached_property
    def catalogue(self) -> Catalogue:
        """The studies they see."""
        return open_catalogue(self._work, self._access.opened())

    @cached_property
    def covered(self) -> frozenset[str]:
        """The patients they may ask about."""
        return frozenset(one.patient for one in self._access.each if one.patient is not None)

    @cached_property
    def patients(self) -> dict[str, list[Study]]:
        """The patients they may ask about, each with their studies."""
        found: dict[str, list[Study]] = {patient: [] for patient in self.covered}
        for study in self.catalogue.studies:
            found.setdefault(self.patient_of(study), []).append(study)
        return found

    def patient_of(self, study: Study) -> str:
        """The patient whose study it is."""
        if study.id not in self._patients:
            whose = self._access if self._access.parts is None else self._access.for_study(self._work, study.id)
            if whose.patient is None:
                raise NotThere
            self._patients[study.id] = whose.patient
        return self._patients[study.id]

    # --- by type ---

    def all_of(self, kind: str, letters: str = "s") -> Iterator[Found]:
        """Every resource of a type that a scope with one of `letters` lets through, studies without their instances."""
        drawers: Mapping[str, Callable[[], Iterator[Found]]] = {
            "Patient": self._all_patients,
            "ImagingStudy": self._all_studies,
            "DiagnosticReport": self._all_reports,
            "Endpoint": self._all_endpoints,
            "Consent": lambda: more.consents(self),
            "DocumentReference": lambda: more.documents(self),
            "Provenance": lambda: more.provenances(self),
            "Organization": lambda: more.organizations(self),
            "AuditEvent": lambda: more.events(self),
        }
        lets_through = let_through(self._access, kind, letters)
        drawn = drawers[kind]() if kind in drawers else self.sent(kind)
        return (one for one in drawn if lets_through(one.resource))

    def one_of(self, kind: str, resource_id: str) -> Found:
        """One resource. Raises `NotThere` for what is not there and for what is not theirs."""
        if kind == "ImagingStudy":
            return self._one_study(parse_id(resource_id))
        wanted = resource_id if kind == "Endpoint" else parse_id(resource_id).hex()
        for found in self.all_of(kind, "r"):
            if found.resource["id"] == wanted:
                return self.whole(found)
        raise NotThere

    def _one_study(self, study_id: Id) -> Found:
        """A study without a look at the others."""
        study = open_study(self._work, self._access.opened(), study_id)
        found = self.drawn_whole(study)
        if not study.uid or not let_through(self._access, "ImagingStudy", "r")(found.resource):
            raise NotThere
        return found

    def versions_of(self, kind: str, resource_id: str) -> list[Found]:
        """Every version of a resource that can be read, the newest first. Raises `NotThere` where there is none.

        Of what is drawn from what is kept there is the present one alone.
        """
        found = self.one_of(kind, resource_id)
        if kind != "DiagnosticReport" or found.study is None:
            return [found]
        lets_through = let_through(self._access, kind, "r")
        report = next(one for one in found.study.reports if one.id.hex() == found.resource["id"])
        opened = [(one, self.opened(one.kept)) for one in report.versions]
        drawn = [self.report(found.study, one, body) for one, body in opened if body is not None]
        return [Found(one, found.study) for one in drawn if lets_through(one)]

    def whole(self, found: Found) -> Found:
        """The same with its instances, if it is a study."""
        if found.resource["resourceType"] != "ImagingStudy" or found.study is None or not found.study.series:
            return found
        return self.drawn_whole(found.study)

    def drawn_whole(self, study: Study) -> Found:
        """A study with its instances."""
        return Found(self._study(study, with_instances=True), study)

    def look_into(self, found: Iterable[Found]) -> None:
        """The instances of these studies are opened together: what is then asked to be `whole` is so at once."""
        studies = (one.study for one in found if one.resource["resourceType"] == "ImagingStudy")
        self.look_into_studies(study for study in studies if study is not None)

    def look_into_studies(self, studies: Iterable[Study]) -> None:
        """The same of studies that are not drawn yet."""
        wanted = {study.id for study in studies if study.series} - self._instances.keys()
        self._instances |= listed_instances(self._work, self._access.opened(), wanted)

    def endpoint(self) -> Json:
        """The one endpoint there is."""
        return versioned(endpoint.to_fhir(self._links.dicomweb))

    # --- what other drawers need ---

    @property
    def studies(self) -> tuple[Study, ...]:
        """Whatever was sent together: studies with their papers, and papers that are about no study."""
        return (*self.catalogue.studies, *self.catalogue.papers)

    @property
    def work(self) -> Work:
        """The unit of work."""
        return self._work

    @property
    def access(self) -> Access:
        """Who asks."""
        return self._access

    def site(self, site_id: Id) -> Site:
        """A site that something came from."""
        if site_id not in self._sites:
            self._sites[site_id] = find_site(self._work, site_id)
        return self._sites[site_id]

    @property
    def brand(self) -> str:
        """What this service is called."""
        return self._brand

    @property
    def links(self) -> Links:
        """Our addresses."""
        return self._links

    # --- drawing ---

    def _all_patients(self) -> Iterator[Found]:
        own = self._access.own if self._access.is_patient else None
        for patient_id, studies in self.patients.items():
            name = born = ""
            if own is not None and own.vault_id.hex() == patient_id:
                name, born = own.field(self._work, "name") or "", own.field(self._work, "born") or ""
            # A disc that the patient added says what it says: where a site knows them, the site's word stands.
            people = [one.facts.person for one in [one for one in studies if one.site_id is not None] or studies]
            made = patient.to_fhir(patient_id, people, name=name, born=born)
            yield Found(versioned(made, max((one.arrived for one in studies), default=None)))

    def _all_studies(self) -> Iterator[Found]:
        for study in self.catalogue.studies:
            if study.uid:
                yield Found(self._study(study), study)

    def _study(self, study: Study, *, with_instances: bool = False) -> Json:
        telling = Telling(
            patient=self.patient_of(study),
            address=self._links.dicomweb,
            zone="" if study.facts.zone else self.zone_of(study.site_id),
            site_resource=self._said_of(study),
        )
        # One version, however much of the study is drawn: what is kept, and when something last came.
        made = imaging_study.to_fhir(study, telling)
        version = version_of(made, study.arrived)
        if self._named:
            imaging_study.name_endpoint(made, self._named)
        if with_instances:
            imaging_study.add_instances(made, self._instances_of(study))
        return versioned(made, study.arrived, version)

    def _said_of(self, study: Study) -> Json:
        """What the site itself said of the study, the newest of it."""
        for one in reversed(study.resources):
            if one.type == "ImagingStudy":
                opened = self.opened(one.id)
                return self.for_reader(opened, study) if opened else {}
        return {}

    def _instances_of(self, study: Study) -> dict[str, list[Listed]]:
        """By the UID of their series."""
        if study.id not in self._instances:
            self._instances |= listed_instances(self._work, self._access.opened(), [study.id])
        listed = self._instances.get(study.id, {})
        return {series.facts.uid: listed.get(series.id, []) for series in study.series}

    def _all_reports(self) -> Iterator[Found]:
        for study in self.catalogue.studies:
            for report in (one for one in study.reports if not one.is_document):
                opened = self.opened(report.kept)
                if opened is not None:
                    yield Found(self.report(study, report, opened), study)

    def report(self, study: Study, report: Report, opened: OpenResource) -> Json:
        """A report as its reader gets it."""
        made = diagnostic_report.to_fhir(
            self.for_reader(opened, study),
            report_id=report.id.hex(),
            patient=self.patient_of(study),
            links=self._links,
            started=self._started(study),
        )
        if study.uid and not any(one.get("reference") for one in made.get("imagingStudy") or []):
            identified = {"system": "urn:dicom:uid", "value": f"urn:oid:{study.uid}"}
            made["imagingStudy"] = [{"reference": f"ImagingStudy/{study.id.hex()}", "identifier": identified}]
        return versioned(with_replaced(self, report, made), report.received, str(report.version))

    def _all_endpoints(self) -> Iterator[Found]:
        if any(study.series for study in self.catalogue.studies):
            yield Found(self.endpoint())

    def sent(self, kind: str) -> Iterator[Found]:
        """Every resource of a type as sites sent it."""
        for study in self.studies:
            for one in study.resources:
                if one.type == kind and (opened := self.opened(one.id)) is not None:
                    yield Found(self._other(study, one, opened), study)

    def _other(self, study: Study, one: Resource, opened: OpenResource) -> Json:
        return versioned({**self.for_reader(opened, study), "id": one.id.hex()}, one.received, FIRST)

    # --- opening ---

    def opened(self, resource_id: Id) -> OpenResource | None:
        """A stored resource; None where its class was not given."""
        try:
            return open_resource(self._work, self._access.opened(), resource_id)
        except (NoKey, NotThere):
            return None

    def for_reader(self, opened: OpenResource, study: Study) -> Json:
        """A stored resource with the site's patient replaced by the reader's."""
        patient_id = self.patient_of(study)
        sites_own = f"Patient/{opened.scope_id.hex()}"

        def new(reference: str) -> str:
            return f"Patient/{patient_id}" if reference == sites_own else reference

        return rewritten(json.loads(opened.body["fhir"]), new)

    def _started(self, study: Study) -> str:
        facts = study.facts
        return imaging_study.started_at(facts.date, facts.time, facts.zone, self.zone_of(study.site_id))

    def zone_of(self, site_id: Id | None) -> str:
        """The clock of a site; of what the patient added, nobody knows it."""
        return "UTC" if site_id is None else self.site(site_id).details.zone
