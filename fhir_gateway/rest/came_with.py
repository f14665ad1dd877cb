"""What a file came with: the report or document that names it, if the asker may read that."""

from fhir_gateway.resources.attachments import attachments_of, file_id
from fhir_gateway.rest.let_through import let_through
from fhir_gateway.rest.shelf import Shelf
from vault.errors import NotThere
from vault.ids import parse_id
from vault.studies import Report, Resource, Study


def what_came_with(shelf: Shelf, document_id: str) -> tuple[Study, Report | Resource]:
    """The report or document that a file came with. Raises `NotThere`."""
    wanted = parse_id(document_id).hex()
    for study in shelf.studies:
        for report in (one for one in study.every_report if not one.is_document):
            if any(one.resource_id == wanted for one in report.facts.documents):
                _check_lets_read(shelf, study, report, wanted)
                return study, report
        for paper in study.resources:
            if any(one["resource_id"] == wanted for one in paper.facts.get("documents") or ()):
                shelf.one_of(paper.type, paper.id.hex())
                return study, paper
    raise NotThere


def _check_lets_read(shelf: Shelf, study: Study, report: Report, document_id: str) -> None:
    """Raise `NotThere` unless the scopes let the report through that a file came with.

    Where none of them is about reports, the file is a document like any other.
    """
    if not any(shelf.access.can_scope(f"patient/DiagnosticReport.{letter}") for letter in "rs"):
        documents = (found.resource for found in shelf.all_of("DocumentReference", "r"))
        files = {file_id(one, shelf.links) for made in documents for _, one in attachments_of(made)}
        if document_id not in files:
            raise NotThere
        return
    opened = shelf.opened(report.kept)
    drawn = {} if opened is None else shelf.report(study, report, opened)
    if not let_through(shelf.access, "DiagnosticReport", "r")(drawn):
        raise NotThere
