"""The files behind a report as its page offers them."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _

from phr.report_words import standing
from vault.facts import DocumentFacts
from vault.studies import Report

SHOWN_BY_BROWSERS = {"application/pdf": "pdf", "text/plain": "txt"}
ONLY_SAVED = {"text/html": "html", "application/xml": "xml"}


def files_of(report: Report, here: str) -> list[tuple[str, str]]:
    """Address and words of each file that the scan center sent; what was drawn here from its words is no file of it."""
    return [(f"{here}/files/{one.resource_id}", _title_of(one)) for one in report.facts.documents if not one.drawn]


def _title_of(document: DocumentFacts) -> str:
    if document.media_type == "application/pdf":
        return _("The scan center's PDF")
    return document.title or _("A file from the scan center")


def handed_out_as(media_type: str) -> tuple[str, str]:
    """Media type and ending of a file that is handed out.

    Anything but PDF and text is handed over as octets: a page of a site's making never runs as ours.
    """
    if media_type in SHOWN_BY_BROWSERS:
        return media_type, SHOWN_BY_BROWSERS[media_type]
    return "application/octet-stream", ONLY_SAVED.get(media_type, "bin")


def asked_for(reports: Sequence[Report], chosen: Report) -> str:
    """The question that leads to `chosen`, empty where the bare address does."""
    return "" if chosen is standing(reports)[0] else f"?old={chosen.kept.hex()}"
