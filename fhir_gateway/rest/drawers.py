"""What is on the shelf beside studies and reports: each drawer draws one type, for one asker, from what they see."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from consent import clients
from consent.access import Access
from consent.shared import names_for
from fhir_gateway.resources import audit_event, consent, document_reference, organization, provenance
from fhir_gateway.resources.attachments import attachments_of, file_id
from fhir_gateway.resources.document_reference import Telling
from fhir_gateway.rest.answers import versioned
from fhir_gateway.rest.found import Found, Json
from fhir_gateway.rest.replaced import documents_of
from vault import audit
from vault.audit import Event
from vault.database import Work
from vault.keyring import KeyClass, Owner, OwnerKind
from vault.limits import Standing, whole_limits
from vault.sharing import grants_of
from vault.sites import find_site
from vault.studies import Study

if TYPE_CHECKING:
    from fhir_gateway.rest.shelf import Shelf


_ALL: Final = 1 << 62

# --- documents -------------------------------------------------------------------------------------------------------


def documents(shelf: "Shelf") -> Iterator[Found]:
    """What sites sent as documents, and each file of a report, unless its site sent it as a document as well."""
    reports: dict[bytes, list[Json]] = defaultdict(list)
    studies: dict[bytes, Study] = {}
    for found in shelf.all_of("DiagnosticReport"):
        assert found.study is not None
        studies[found.study.id] = found.study
        reports[found.study.id].append(found.resource)
    sent: set[tuple[bytes, str]] = set()
    for study in shelf.studies:
        twins = {
            one["hash"]: one["url"]
            for report in reports[study.id]
            for _, one in attachments_of(report)
            if file_id(one, shelf.links)
        }
        for paper in study.resources:
            opened = shelf.opened(paper.id) if paper.type == "DocumentReference" else None
            if opened is None:
                continue
            telling = Telling(shelf.patient_of(study), study.id.hex(), study.uid, shelf.links, twins)
            made = document_reference.to_fhir(shelf.for_reader(opened, study), paper.id.hex(), telling)
            sent |= {(study.id, str(one.get("url"))) for _, one in attachments_of(made)}
            yield Found(versioned(made, paper.received), study)
    for study_id, listed in reports.items():
        for report in listed:
            yield from _drawn(shelf, report, studies[study_id], sent)


def _drawn(shelf: "Shelf", report: Json, study: Study, sent: set[tuple[bytes, str]]) -> Iterator[Found]:
    for one in documents_of(shelf, study, report):
        if (study.id, one["content"][0]["attachment"]["url"]) not in sent:
            yield Found(versioned(one, datetime.fromisoformat(report["meta"]["lastUpdated"])), study)


# --- where it came from ----------------------------------------------------------------------------------------------

_SENT = ("ImagingStudy", "DiagnosticReport", "DocumentReference", "ServiceRequest", "Observation")


def provenances(shelf: "Shelf") -> Iterator[Found]:
    """Of everything the asker may read: which site it came from, and when."""
    for kind in _SENT:
        if not shelf.access.can_scope(f"patient/{kind}.r"):
            continue
        for found in shelf.all_of(kind, "r"):
            assert found.study is not None
            made = provenance.of_sent(
                found.resource,
                sender=_sender(shelf, found.study),
                drawn_from=_drawn_from(found),
                brand=shelf.brand,
            )
            yield Found(versioned(made, datetime.fromisoformat(made["recorded"])), found.study)


def _sender(shelf: "Shelf", study: Study) -> Json:
    if study.site_id is None:
        return {"reference": f"Patient/{shelf.patient_of(study)}"}
    name = shelf.site(study.site_id).details.name
    return {"reference": f"Organization/{study.site_id.hex()}", "display": name}


def _drawn_from(found: Found) -> str:
    """The report whose file a document is that nobody sent as one."""
    if found.resource["resourceType"] != "DocumentReference":
        return ""
    sent = found.study is not None and any(one.id.hex() == found.resource["id"] for one in found.study.resources)
    related = (found.resource.get("context") or {}).get("related") or []
    return (
        ""
        if sent
        else next(one["reference"] for one in related if one.get("reference", "").startswith("DiagnosticReport/"))
    )


def organizations(shelf: "Shelf") -> Iterator[Found]:
    """The sites that something came from, and the organizations that they named."""
    told: set[bytes] = set()
    for study in shelf.studies:
        if study.site_id is not None and study.site_id not in told:
            told.add(study.site_id)
            yield Found(versioned(organization.to_fhir(shelf.site(study.site_id))), study)
    yield from shelf.sent("Organization")


# --- who was given what, and who looked ------------------------------------------------------------------------------


def consents(shelf: "Shelf") -> Iterator[Found]:
    """What the patient gave; to whoever was given something, that alone."""
    for one in shelf.access.each:
        if one.vault_id is None:
            continue
        names = names_for(shelf.work, one) if one.is_patient else {}
        given = grants_of(shelf.work, one.vault_id) if one.is_patient else []
        for limits in given or ([whole_limits(shelf.work, one.grant.grant_id)] if one.grant is not None else []):
            made = consent.to_fhir(
                limits,
                patient=one.vault_id.hex(),
                who=names.get(limits.grant_id, ""),
                brand=shelf.brand,
                now=shelf.work.now,
                studies=[study.id.hex() for study in shelf.catalogue.studies if study.id in limits.study_ids],
            )
            yield Found(versioned(made, limits.ended or limits.created))


def events(shelf: "Shelf") -> Iterator[Found]:
    """What happened with the record, newest first: all of it for the patient, and for an app they gave the whole of it;
    for everyone else what they did themselves.
    """
    for one in shelf.access.each:
        if one.vault_id is None:
            continue
        every = one.is_patient or _has_all(one)
        via = None if one.grant is None else one.grant.grant_id
        listed = [
            event
            for event in audit.events(shelf.work, Owner(OwnerKind.VAULT, one.vault_id), most=_ALL)
            if every or (via is not None and event.by.via == via)
        ]
        telling = audit_event.Telling(
            patient=one.vault_id.hex(),
            base=shelf.links.fhir,
            host=urlsplit(shelf.links.origin).hostname or "",
            brand=shelf.brand,
            names=_names(shelf.work, one, listed),
        )
        for event in listed:
            event_id = f"{one.vault_id[:8].hex()}{event.n:016x}"
            yield Found(versioned(audit_event.to_fhir(event, event_id, telling), event.at))


def _has_all(one: Access) -> bool:
    """Whether it is an app that the patient gave their record to, as it is and as it will be."""
    return (
        one.actor.kind == "app"
        and one.grant is not None
        and one.grant.standing == Standing()
        and one.grant.classes == frozenset(KeyClass)
    )


def _names(work: Work, one: Access, listed: list[Event]) -> dict[bytes, str]:
    """What to call apps and sites; and, for the patient alone, whoever they gave something to."""
    programs = {event.by.id for event in listed if event.by.kind == "app" and event.by.id is not None}
    sites = {event.by.id for event in listed if event.by.kind == "site" and event.by.id is not None}
    given = names_for(work, one) if one.is_patient else {}
    return given | clients.names_of(work, list(programs)) | {site: find_site(work, site).details.name for site in sites}
