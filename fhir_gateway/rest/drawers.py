"""What is on the shelf beside studies and reports: each drawer draws one type, for one asker, from what they see."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from fhir_gateway.resources import document_reference
from fhir_gateway.resources.attachments import attachments_of, file_id
from fhir_gateway.resources.document_reference import Telling
from fhir_gateway.rest.answers import versioned
from fhir_gateway.rest.found import Found, Json
from fhir_gateway.rest.replaced import documents_of
from vault.studies import Study

if TYPE_CHECKING:
    from fhir_gateway.rest.shelf import Shelf


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
            one["hash"]: one["url"] for report in reports[study.id] for _, one in attachments_of(report) if file_id(one)
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
