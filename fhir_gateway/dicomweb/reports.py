"""
Reports that are stored as DICOM objects: what people read of them is kept beside the object, in the same push.

The object itself stays as it came. Its report is known by its SOP Instance UID, so that the same object again, under
whatever token, makes no second report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import orjson

from fhir_gateway.dicom import encapsulated
from fhir_gateway.dicom.clinical_document import read_clinical_document
from fhir_gateway.dicom.encapsulated import CDA_CLASS, Held, document_in
from fhir_gateway.dicom.instance import IncomingInstance
from fhir_gateway.dicom.structured_report import is_readable, read_structured_report
from fhir_gateway.reporting import REPORT, Lines, as_sent, named
from fhir_gateway.resources.dicom_report import DicomReport, facts_of, identifier_of, resource_of, title_from
from fhir_gateway.resources.documents import HTML, PDF, XML, IncomingDocument
from fhir_gateway.resources.drawn import page_of
from vault import audit
from vault.audit import Actor, Did
from vault.database import Services
from vault.facts import ReportFacts
from vault.ids import Id
from vault.incoming import IncomingObject, IncomingReport, IncomingResource
from vault.intake import OpenBatch
from vault.keyring import KeyClass
from vault.sites import Site

DOCUMENT_MOST = 20 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """Who brings reports: who it was for the history, the place and clock of a report that names none, and what they
    brought before; no `lines` where nobody numbers versions.
    """

    by: Actor
    place: str = ""
    zone: str = "UTC"
    lines: Lines | None = None

    @classmethod
    def of_site(cls, services: Services, site: Site) -> "Source":
        """A registered site."""
        return cls(Actor("site", site.id), site.details.name, site.details.zone, Lines(services, site))


class ReportsInside:
    """The reports inside the objects of one request."""

    def __init__(self, services: Services, source: Source, *, most: int = DOCUMENT_MOST) -> None:
        self._services, self._source, self._most = services, source, most
        self._found: list[tuple[str, OpenBatch]] = []

    def read(self, incoming: IncomingInstance, batch: OpenBatch, plain: IncomingObject) -> IncomingObject:
        """The object with the report that it holds, if it holds one.

        Taking its octets may then raise `BadDocument`, and reading its report `TooDeep`, `TooLarge` or `BadDocument`.
        """
        if is_readable(incoming.sop_class):
            return replace(plain, report=lambda: self._kept(incoming, batch, structured(incoming)))
        if incoming.sop_class in encapsulated.READABLE:
            held = Held(incoming.octets, self._most)
            return replace(
                plain,
                octets=held.passing(),
                report=lambda: self._kept(incoming, batch, enclosed(incoming, document_in(incoming, held))),
            )
        return plain

    def tell(self, stored: set[str]) -> None:
        """The patients' histories say that reports arrived: those inside the instances that were `stored`."""
        by = self._source.by
        for uid, batch in self._found:
            if uid in stored:
                with self._services.work() as work:
                    audit.record(work, owner=batch.owner, did=Did.REPORT_RECEIVED, by=by, to=batch.study_id)

    def _kept(self, incoming: IncomingInstance, batch: OpenBatch, report: DicomReport | None) -> IncomingReport | None:
        if report is None:
            return None
        self._found.append((incoming.instance_uid, batch))
        identifier = identifier_of(incoming.instance_uid)
        lines = self._source.lines
        condition = lines.condition(identifier) if lines else None

        def resource(kept: Sequence[Id]) -> IncomingResource:
            facts, said = self._facts(incoming, report, kept), incoming.full_metadata or {}
            content = _content(facts)
            version = lines.next(batch, condition, content).number if lines else 1
            facts = replace(facts, known_as=named(identifier), version=version, content=content)
            made = resource_of(facts, report, said, scope=batch.scope_id.hex())
            body = {"type": REPORT, "facts": facts.to_dict(), "fhir": as_sent(made)}
            return IncomingResource(KeyClass.REPORTS, body, condition)

        return IncomingReport(tuple((one.media_type, one.octets) for one in report.documents), resource)

    def _facts(self, incoming: IncomingInstance, report: DicomReport, kept: Sequence[Id]) -> ReportFacts:
        ids = [document_id.hex() for document_id in kept]
        said, source = incoming.full_metadata or {}, self._source
        return facts_of(report, said, kept=ids, place=source.place, zone=source.zone)


def structured(incoming: IncomingInstance) -> DicomReport | None:
    """The report that a structured report is; None where it says nothing."""
    said = read_structured_report(incoming.full_metadata or {})
    if not said.blocks:
        return None
    page = IncomingDocument(
        HTML, said.title.meaning or "Report", page_of(said.title.meaning, said.language, said.blocks)
    )
    return DicomReport(said.title, said.language, said.observers, said.conclusion, said.blocks, drawn=(page,))


def enclosed(incoming: IncomingInstance, octets: bytes) -> DicomReport:
    """The report that a document inside an object is. Raises `BadDocument`."""
    said = incoming.full_metadata or {}
    title = encapsulated.title_of(said)
    if incoming.sop_class == CDA_CLASS:
        return _clinical(title_from(said, title).meaning, incoming, octets)
    encapsulated.check_pdf(octets)
    return DicomReport(title_from(said, title), files=(IncomingDocument(PDF, title, octets),))


def _clinical(title: str, incoming: IncomingInstance, octets: bytes) -> DicomReport:
    document = read_clinical_document(octets)
    named = title_from(incoming.full_metadata or {}, document.title or title)
    files = [IncomingDocument(XML, named.meaning, octets)]
    if document.attached is not None and document.attached[0] == PDF:
        encapsulated.check_pdf(document.attached[1])
        files.insert(0, IncomingDocument(PDF, named.meaning, document.attached[1]))
    return DicomReport(named, document.language, blocks=document.blocks, files=tuple(files))


def _content(facts: ReportFacts) -> str:
    """Equal for reports that say the same, wherever their files are kept."""
    plain = facts.to_dict()
    plain["documents"] = [one | {"resource_id": ""} for one in plain["documents"]]
    return sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()
