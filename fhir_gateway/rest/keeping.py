"""One push of FHIR resources, kept all together or not at all (R4 http, transaction)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fhir_gateway.outcome import Issue, Refusal, unprocessable
from fhir_gateway.reporting import REPORT, Lines, as_sent, content_of, identifier_of, named
from fhir_gateway.resources import diagnostic_report, document_reference, imaging_study
from fhir_gateway.resources.attachments import HOLDERS, with_addresses
from fhir_gateway.resources.references import references_in, rewritten
from fhir_gateway.rest.entries import Entry, Json, condition_in
from fhir_gateway.rest.told import first_identifier, name_of, told_id, told_of
from fhir_gateway.rest.whose import SETTLED, TRAVELLERS, Home, Whereabouts
from vault import audit
from vault.audit import Actor, Did
from vault.database import Services
from vault.errors import NotThere
from vault.facts import ReportFacts
from vault.ids import parse_id
from vault.intake import OpenBatch, Pusher, open_batch
from vault.keyring import KeyClass
from vault.pushed import (
    condition_of,
    find_pushed,
    open_batch_of,
    pushed_resource,
    scope_of_study,
)
from vault.receiving import IncomingResource, Receiving

CLASSES: Mapping[str, KeyClass] = dict.fromkeys(
    ("DiagnosticReport", "DocumentReference", "Observation", "ServiceRequest"), KeyClass.REPORTS
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one entry: its id as the site is told it, whether it was there before, and its version."""

    kind: str
    id: str
    created: bool
    version: int = 1


class Keeping:
    """The resources of one push on their way into the vault."""

    def __init__(self, services: Services, pusher: Pusher, entries: list[Entry], base: str) -> None:
        self._services, self._pusher = services, pusher
        self._where = Whereabouts(services, pusher, entries, base)
        self._entries = entries
        self.files: dict[tuple[str, int], str] = {}  # ids of what was in each entry's attachments
        self._homes: dict[str, Home] = {}
        self._batches: dict[Any, OpenBatch] = {}
        self._kept: dict[tuple[str, Any], Kept] = {}
        self._under_way: list[str] = []
        self._names: dict[str, str] = {}
        self._reports: list[OpenBatch] = []
        self._lines = Lines(services, pusher.site)

    def keep(self) -> list[Kept]:
        """Everything is durable afterwards, or nothing was kept. Raises `Refusal`, `StoreFull`, what places refuse."""
        for entry in self._entries:
            if entry.kind not in TRAVELLERS:
                self._homes[entry.place] = self._where.home_of(entry)
        with Receiving(self._services, self._pusher) as receiving:
            for entry in self._entries:
                if entry.kind not in TRAVELLERS:
                    self._one(receiving, entry, self._homes[entry.place])
            for entry in self._entries:
                if entry.kind in TRAVELLERS and not self._is_kept(entry):
                    self._one(receiving, entry, self._own_home(entry))
            receiving.commit()
        self._tell_of_reports()
        return [next(kept for (place, _), kept in self._kept.items() if place == one.place) for one in self._entries]

    def _is_kept(self, entry: Entry) -> bool:
        return any(place == entry.place for place, _ in self._kept)

    def _own_home(self, entry: Entry) -> Home:
        return self._where.home_of(entry) if entry.kind in SETTLED else self._where.default_home()

    def _batch(self, home: Home, entry: Entry) -> OpenBatch:
        if home.key not in self._batches:
            patient = home.person.patient
            try:
                self._batches[home.key] = (
                    open_batch(self._services, self._pusher, patient, home.study)
                    if isinstance(home.study, str)
                    else open_batch_of(self._services, self._pusher, patient, home.study)
                )
            except NotThere:
                raise unprocessable("The study is not one of this patient's.", entry.kind).at(entry.place) from None
        return self._batches[home.key]

    # --- one resource ---

    def _one(self, receiving: Receiving, entry: Entry, home: Home) -> Kept:
        """The resource is in the push, after all that it refers to; copied once for each study that refers to it."""
        key = (entry.place, home.key)
        if key in self._kept:
            return self._kept[key]
        if entry.place in self._under_way:
            raise unprocessable("The resources refer to each other in a circle.", entry.kind).at(entry.place)
        self._under_way.append(entry.place)
        batch = self._batch(home, entry)
        condition = self._condition(entry)
        # A condition that is met creates nothing, whatever came with it (R4 http, conditional create).
        kept = self._earlier(entry, condition, batch) if entry.condition else None
        kept = kept or self._store(receiving, entry, home, batch, condition)
        self._under_way.pop()
        self._kept[key] = kept
        self._names[f"{kept.kind}/{kept.id}"] = name_of(entry.resource)
        return kept

    def _condition(self, entry: Entry) -> bytes | None:
        """By what the resource is found again: its condition, else its first identifier."""
        identifier = entry.condition or first_identifier(entry)
        if identifier is None:
            return None
        return condition_of(
            self._services.secrets, self._pusher.site, type=entry.kind, system=identifier[0], value=identifier[1]
        )

    def _earlier(self, entry: Entry, condition: bytes | None, batch: OpenBatch) -> Kept | None:
        """What the site created before under the entry's condition. Raises `Refusal` 412 for several."""
        if condition is None:
            return None
        with self._services.reading() as work:
            found = find_pushed(work, self._pusher.site, condition)
        if entry.kind in TRAVELLERS:
            found = [one for one in found if one.study_id == batch.study_id]
        told = told_of(entry.kind, found)
        if len(told) > 1:
            raise Refusal(412, Issue("multiple-matches", "The condition fits several resources.", entry.place))
        version = len(found) if entry.kind == REPORT else 1
        return next((Kept(entry.kind, one, created=False, version=version) for one in told), None)

    def _store(self, receiving: Receiving, entry: Entry, home: Home, batch: OpenBatch, condition: bytes | None) -> Kept:
        if entry.kind == REPORT:
            return self._report(receiving, entry, home, batch)
        key_class = CLASSES.get(entry.kind, KeyClass.META)
        resource = entry.resource if entry.kind in HOLDERS else self._with_references(receiving, entry, home, batch)
        facts: Json = {}
        if entry.kind in HOLDERS:
            resource, papers = self._as_kept(receiving, entry, home, batch)
            facts = papers.to_dict()
            self._reports.append(batch)
        elif entry.kind == "Patient":
            facts = home.person.facts.to_dict()
        elif entry.kind == "ImagingStudy":
            facts = imaging_study.from_fhir(resource, home.person.facts).to_dict()
        elif entry.kind in SETTLED:
            facts = {"accession": self._where.accession_of(entry), "study_uids": self._where.study_uids_of(entry)}
        else:
            facts = {"name": name_of(resource)}
        body = {"type": entry.kind, "facts": facts, "fhir": as_sent(resource)}
        made = receiving.resource(batch, IncomingResource(key_class, body, condition))
        return Kept(entry.kind, told_id(entry.kind, made, batch.study_id, batch.scope_id), created=True)

    # --- reports ---

    def _report(self, receiving: Receiving, entry: Entry, home: Home, batch: OpenBatch) -> Kept:
        """The report is kept as the next of its versions, unless it says what one before it said."""
        identifier = entry.condition or identifier_of(entry.resource)
        condition = self._lines.condition(identifier)
        files = [one for one in entry.documents if one is not None]
        content = content_of(entry.resource, files, self._meant)
        version = self._lines.next(batch, condition, content)
        if version.there and version.report_id is not None:
            return Kept(REPORT, version.report_id.hex(), created=False, version=version.number)
        stored, facts = self._as_kept(receiving, entry, home, batch)
        facts = replace(facts, known_as=named(identifier), version=version.number, content=content)
        body = {"type": REPORT, "facts": facts.to_dict(), "fhir": as_sent(stored)}
        kept = receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body, condition))
        self._lines.add(batch, condition, kept, content)
        self._reports.append(batch)
        report_id = version.report_id or kept
        return Kept(REPORT, report_id.hex(), created=version.report_id is None, version=version.number)

    def _as_kept(self, receiving: Receiving, entry: Entry, home: Home, batch: OpenBatch) -> tuple[Json, ReportFacts]:
        """The report or document with its files kept beside it, and the facts a page shows."""
        resource = self._with_references(receiving, entry, home, batch)
        kept = [
            (one, receiving.document(batch, one.media_type, one.octets, KeyClass.REPORTS).hex() if one else "")
            for one in entry.documents
        ]
        self.files |= {
            (entry.place, number): document_id for number, (_, document_id) in enumerate(kept) if document_id
        }
        if entry.kind == "DiagnosticReport":
            resource = diagnostic_report.with_time(resource, self._where.started_of(entry))
        stored = with_addresses(resource, kept)
        reads = diagnostic_report if entry.kind == "DiagnosticReport" else document_reference
        facts = reads.from_fhir(
            stored,
            [(one, document_id) for one, document_id in kept if one is not None],
            self._where.study_uids_of(entry),
            lambda reference: self._names.get(reference, ""),
        )
        place = facts.place or self._pusher.site.details.name
        return stored, replace(facts, place=place, accession=self._where.accession_of(entry))

    def _meant(self, reference: str) -> str:
        """What a reference stands for, whatever this push calls it."""
        short = self._where.short(reference)
        there = self._where.entry_at(reference) or self._where.entry_at(short)
        if there is None:
            return short
        return f"{there.kind} {identifier_of(there.resource) or name_of(there.resource)}"

    # --- references ---

    def _with_references(self, receiving: Receiving, entry: Entry, home: Home, batch: OpenBatch) -> Json:
        """The resource with its references as they stay: to what is kept here, and to nobody else's."""
        new: dict[str, str] = {}
        subject = entry.resource.get("subject")
        for place, holder in references_in(entry.resource, entry.kind):
            old = holder["reference"]
            if old.startswith("#") or old in new:
                continue
            if holder is subject:
                new[old] = f"Patient/{batch.scope_id.hex()}"
                continue
            try:
                new[old] = self._target(receiving, old, home, batch)
            except NotThere:
                raise unprocessable("The reference leads nowhere.", place).at(entry.place) from None
        made = rewritten(entry.resource, lambda old: new.get(old, old))
        if isinstance(subject, dict) and "reference" not in subject:
            made["subject"] = {**subject, "reference": f"Patient/{batch.scope_id.hex()}"}
        return made

    def _target(self, receiving: Receiving, reference: str, home: Home, batch: OpenBatch) -> str:
        short = self._where.short(reference)
        there = self._where.entry_at(reference) or self._where.entry_at(short)
        if there is not None:
            kept = self._one(receiving, there, self._homes.get(there.place, home))
            return f"{kept.kind}/{kept.id}"
        if short.startswith(("https://", "http://")):
            return reference
        kind, question, query = short.partition("?")
        if question:
            return f"{kind}/{self._found_by_condition(kind, query, batch)}"
        kind, _, target_id = short.partition("/")
        with self._services.reading() as work:
            match kind:
                case "Patient":
                    scope_id = parse_id(target_id)
                case "ImagingStudy":
                    scope_id = scope_of_study(work, self._pusher.site, parse_id(target_id))
                case _:
                    scope_id = pushed_resource(work, self._pusher.site, parse_id(target_id)).scope_id
        if scope_id != batch.scope_id:
            raise NotThere  # of another patient
        return short

    def _found_by_condition(self, kind: str, query: str, batch: OpenBatch) -> str:
        system, value = condition_in(query)
        condition = condition_of(self._services.secrets, self._pusher.site, type=kind, system=system, value=value)
        with self._services.reading() as work:
            found = [one for one in find_pushed(work, self._pusher.site, condition) if one.scope_id == batch.scope_id]
        told = list(told_of(kind, found))
        if len(told) != 1:
            code = "multiple-matches" if told else "not-found"
            raise Refusal(412, Issue(code, "The reference does not mean exactly one resource."))
        return told[0]

    # --- afterwards ---

    def _tell_of_reports(self) -> None:
        by = Actor("site", self._pusher.site.id)
        for batch in self._reports:
            with self._services.work() as work:
                audit.record(work, owner=batch.owner, did=Did.REPORT_RECEIVED, by=by, to=batch.study_id)
