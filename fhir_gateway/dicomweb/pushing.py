"""
One STOW-RS request: every part stored or refused for itself, and nothing acknowledged before all of it is durable
(PS3.18 10.5). A body that breaks off keeps nothing, for its sender was told nothing.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from fhir_gateway.dicom.facts import PatientFacts
from fhir_gateway.dicom.instance import IncomingInstance, read_instance
from fhir_gateway.dicom.json_model import with_base
from fhir_gateway.dicom.one_pass import Known
from fhir_gateway.dicom.syntaxes import OCTETS, is_native, is_referenced, media_type_of, syntax_of
from fhir_gateway.dicomweb import described
from fhir_gateway.dicomweb.reports import DOCUMENT_MOST, ReportsInside, Source
from fhir_gateway.dicomweb.verdicts import Failed, Failure, Outcome, Stored
from fhir_gateway.errors import MissingIdentity, UnreadableDicom
from fhir_gateway.links import Links
from vault.begun import begun_batch
from vault.blobs import StoreFull
from vault.database import Services
from vault.errors import AmbiguousPatient, DifferentContent, NotThere, WrongBirthDate
from vault.ids import Id
from vault.intake import OpenBatch, Pusher, open_batch
from vault.keyring import KeyClass
from vault.links import place_for
from vault.patients import SitePatient, identify
from vault.pushed import scope_of_begun_study
from vault.receiving import IncomingObject, Receiving

Buffer = bytes | bytearray | memoryview

_DUPLICATE = "Another object is already kept under this SOP Instance UID."
_NO_ROOM = "There is no room for it now; send it again later."
_NO_PATIENT = "The object names no patient: Patient ID (0010,0020) is empty."
_TWO_PATIENTS = "The study already belongs to another patient number."


@dataclass(slots=True)
class Arrived:
    """What is new of one series: the instances by number, for its preview."""

    batch: OpenBatch
    series_id: Id
    study_uid: str
    series_uid: str
    instances: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class Taking(ABC):
    """What one request brings, whoever sends it. Addresses in descriptions are written below `origin` if it is set."""

    def __init__(self, services: Services, pusher: Pusher | None, reports: ReportsInside) -> None:
        self._services, self._sender, self._reports = services, pusher, reports
        self._arrived: dict[tuple[str, str], Arrived] = {}
        self._known: Known = {}
        self.origin = ""
        self.outcome = Outcome()

    @abstractmethod
    def _batch(self, incoming: IncomingInstance) -> OpenBatch:
        """The open batch of the instance's study. Raises `RefusedInstance`, and what opening a batch raises."""

    def take(self, parts: Iterable[tuple[str, Iterator[memoryview]]]) -> Outcome:
        """Read all parts, make durable what can be kept. Raises `BadBody`, and then keeps nothing."""
        with Receiving(self._services, self._sender) as receiving:
            for content_type, pieces in parts:
                self._one(receiving, content_type, pieces)
                for _ in pieces:  # a part refused halfway is read on, or the next one would be lost
                    pass
            if self.outcome.stored:
                self._commit(receiving)
        return self.outcome

    @property
    def arrived(self) -> list[Arrived]:
        """The series that have something new."""
        return list(self._arrived.values())

    def _one(self, receiving: Receiving, content_type: str, pieces: Iterator[memoryview]) -> None:
        if content_type.partition(";")[0].strip().lower() not in ("application/dicom", ""):
            self.outcome.failed.append(Failed(Failure.NOT_UNDERSTOOD, "The part is not of the type application/dicom."))
            return
        try:
            incoming = read_instance(pieces, self._known)
        except MissingIdentity as lacking:
            self.outcome.failed.append(
                Failed(Failure.NOT_UNDERSTOOD, str(lacking), lacking.sop_class, lacking.instance_uid)
            )
            return
        except UnreadableDicom as unreadable:
            self.outcome.failed.append(Failed(Failure.NOT_UNDERSTOOD, str(unreadable)))
            return
        try:
            self._keep(receiving, incoming)
        except RefusedInstance as refused:
            self._fail(incoming, refused.reason, refused.words)
        except UnreadableDicom as unreadable:
            self._fail(incoming, Failure.NOT_UNDERSTOOD, str(unreadable))
        except DifferentContent:
            self._fail(incoming, Failure.DUPLICATE, _DUPLICATE)
        except StoreFull:
            self._fail(incoming, Failure.OUT_OF_RESOURCES, _NO_ROOM)
        except AmbiguousPatient:
            self._fail(incoming, Failure.PROCESSING, "Two patients have this number; send the birth date as well.")
        except WrongBirthDate:
            self._fail(incoming, Failure.PROCESSING, "The open claim carries another birth date; reissue it.")

    def _fail(self, incoming: IncomingInstance, reason: Failure, words: str) -> None:
        self.outcome.failed.append(Failed(reason, words, incoming.sop_class, incoming.instance_uid))

    def _keep(self, receiving: Receiving, incoming: IncomingInstance) -> None:
        if not _is_known(incoming.transfer_syntax):
            raise RefusedInstance(Failure.SYNTAX, "Its transfer syntax (0002,0010) is not one that is known here.")
        batch = self._batch(incoming)
        kept = receiving.instance(batch, self._reports.read(incoming, batch, _incoming_object(incoming, self.origin)))
        self.outcome.stored.append(Stored(incoming.sop_class, incoming.instance_uid, incoming.blanked))
        self.outcome.study_uids.add(incoming.study_uid)
        if kept == "stored":
            self._note(receiving, batch, incoming)

    def _note(self, receiving: Receiving, batch: OpenBatch, incoming: IncomingInstance) -> None:
        if incoming.key_class != "img" or incoming.pixel is None:
            return
        key = (incoming.study_uid, incoming.series_uid)
        if key not in self._arrived:
            series_id = receiving.series_id(batch, incoming.series_uid, incoming.modality)
            self._arrived[key] = Arrived(batch, series_id, *key)
        number = described.instance_facts(incoming).number
        self._arrived[key].instances.append((number if number is not None else 0, incoming.instance_uid))

    def _commit(self, receiving: Receiving) -> None:
        """Everything stored is durable afterwards, or is counted as failed."""
        try:
            refused = receiving.commit()
        except StoreFull:
            self._all_failed(Failure.OUT_OF_RESOURCES, _NO_ROOM)
            return
        except NotThere:  # the study was erased while it was being pushed
            self._all_failed(Failure.PROCESSING, "The study was erased while it was being pushed.")
            return
        by_reason: dict[bool, list[Stored]] = defaultdict(list)
        for one in self.outcome.stored:
            by_reason[one.instance_uid in refused].append(one)
        self.outcome.stored = by_reason[False]
        self._turn(by_reason[True], Failure.DUPLICATE, _DUPLICATE)
        self._reports.tell({one.instance_uid for one in self.outcome.stored})

    def _turn(self, taken: list[Stored], reason: Failure, words: str) -> None:
        self.outcome.failed += [Failed(reason, words, one.sop_class, one.instance_uid) for one in taken]

    def _all_failed(self, reason: Failure, words: str) -> None:
        self._turn(self.outcome.stored, reason, words)
        self.outcome.stored = []
        self._arrived.clear()


class Push(Taking):
    """One request of one site."""

    def __init__(
        self, services: Services, pusher: Pusher, study_uid: str | None = None, *, document_octets: int = DOCUMENT_MOST
    ) -> None:
        source = Source.of_site(services, pusher.site)
        super().__init__(services, pusher, ReportsInside(services, source, most=document_octets))
        self._pusher, self._only = pusher, study_uid
        self._batches: dict[str, tuple[SitePatient, OpenBatch]] = {}
        self._people: dict[PatientFacts, SitePatient] = {}

    def _batch(self, incoming: IncomingInstance) -> OpenBatch:
        """The open batch of the instance's study, made once; a second patient in it is refused."""
        said = incoming.patient
        if self._only not in (None, incoming.study_uid):
            raise RefusedInstance(Failure.MISMATCH, "Its study is not the one in the address.")
        if not said.mrn.strip():
            raise RefusedInstance(Failure.NOT_UNDERSTOOD, _NO_PATIENT)
        patient = self._identified(said)
        if incoming.study_uid in self._batches:
            first, batch = self._batches[incoming.study_uid]
            if first.bi != patient.bi:
                raise RefusedInstance(Failure.MISMATCH, _TWO_PATIENTS)
            return batch
        with self._services.reading() as work:
            batch = begun_batch(work, self._pusher, patient, incoming.study_uid)
        if batch is None:
            batch = self._first_batch(patient, incoming.study_uid)
        self._batches[incoming.study_uid] = (patient, batch)
        return batch

    def _identified(self, said: PatientFacts) -> SitePatient:
        if said not in self._people:
            issuer = said.issuer or None
            self._people[said] = identify(
                self._services.secrets, self._pusher.site, mrn=said.mrn, issuer=issuer, born=said.born
            )
        return self._people[said]

    def _first_batch(self, patient: SitePatient, study_uid: str) -> OpenBatch:
        with self._services.reading() as work:
            begun = scope_of_begun_study(work, self._pusher, study_uid)
        if begun is not None:
            with self._services.work() as work:
                if place_for(work, patient).scope_id != begun:
                    raise RefusedInstance(Failure.MISMATCH, _TWO_PATIENTS)
        return open_batch(self._services, self._pusher, patient, study_uid)


class RefusedInstance(Exception):
    """One instance is not taken in, and why."""

    def __init__(self, reason: Failure, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words


def _is_known(syntax: str) -> bool:
    return is_native(syntax) or is_referenced(syntax) or syntax_of(syntax).deflated or media_type_of(syntax) != OCTETS


def _incoming_object(incoming: IncomingInstance, origin: str) -> IncomingObject:
    full = incoming.full_metadata
    address = Links(origin).instance(incoming.study_uid, incoming.series_uid, incoming.instance_uid)
    return IncomingObject(
        uid=incoming.instance_uid,
        key_class=KeyClass(incoming.key_class),
        study=described.study_facts(incoming),
        series=described.series_facts(incoming),
        octets=incoming.octets,
        facts=lambda: described.instance_facts(incoming),
        dicom=lambda: with_base(incoming.metadata, address) if origin else incoming.metadata,
        layout=lambda: described.layout(incoming),
        full=None if full is None else lambda: full,
        base=origin,
    )


def first_of(parts: Iterator[tuple[str, Iterator[memoryview]]]) -> Iterator[tuple[str, Iterator[memoryview]]]:
    """The same parts, the first of them already asked for, so that a body without any shows at once."""
    first = next(parts, None)
    return iter(()) if first is None else chain((first,), parts)
