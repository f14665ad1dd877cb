"""A report on paper: its words, the picture of the scan center and the pictures it marked (experience 4.7)."""

from __future__ import annotations

from consent.request import reading
from phr import reports
from phr.key_pictures import key_pictures_of
from phr.people import today
from phr.report_words import as_paper
from phr.reports import Paper
from phr.scans import Scan
from vault.sites import logo_of
from vault.studies import Report, Study


def printed(report: Report, study: Study, scan: Scan, *, made_by: str = "") -> Paper:
    """Our PDF of one report of the study, and what its file is called. Raises `PrintingError`."""
    with reading() as work:
        logo = None if report.site_id is None else logo_of(work, report.site_id)
    return reports.patient_report(
        as_paper(
            report,
            study.reports,
            scan=scan,
            study=study.facts,
            made_by=made_by,
            today=today(),
            pictures=key_pictures_of(study),
            logo=None if logo is None else (logo.media_type, logo.octets),
        )
    )
