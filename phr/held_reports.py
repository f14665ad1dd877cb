"""Reports that a scan center must keep back for some days, where its law or its regulator says so (experience R2).

Only our own pages and files wait, and only for the patient: doctors and apps that were let in read a report at once, so
that somebody who can explain it may have looked by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from vault.catalogue import Catalogue
from vault.database import Work
from vault.errors import NotThere
from vault.sites import SiteDetails, find_site
from vault.studies import Report, Study


@dataclass(frozen=True, slots=True)
class Held:
    """Who keeps a report back, whom to call about it, and the day from which it is shown."""

    site: str
    phone: str
    until: date


def held(work: Work, study: Study) -> Held | None:
    """Why none of the study's reports is shown yet; None where one is, or where there is none."""
    holds = [_hold_of(work, report) for report in study.reports]
    kept_back = [one for one in holds if one is not None]
    return min(kept_back, key=lambda one: one.until) if kept_back and len(kept_back) == len(holds) else None


def shown_to_owner(work: Work, study: Study) -> Study:
    """The study without the reports that are still kept back, and without series that may hold such a report, too.

    Of a series without pictures nothing tells when it came: it waits as long as what came last.
    """
    reports = tuple(report for report in study.reports if _hold_of(work, report) is None)
    if len(reports) == len(study.reports) and _hold(work, study.site_id, study.arrived) is None:
        return study
    return replace(study, reports=reports, series=tuple(series for series in study.series if series.pictures))


def all_shown_to_owner(work: Work, catalogue: Catalogue) -> Catalogue:
    """The same of each study of a catalogue; where no site keeps anything back none is looked into."""
    sites = {study.site_id for study in catalogue.studies} | {
        report.site_id for study in catalogue.studies for report in study.reports
    }
    if not any(details is not None and details.reports_held_days for details in map(partial(_site_of, work), sites)):
        return catalogue
    return replace(catalogue, studies=tuple(shown_to_owner(work, study) for study in catalogue.studies))


def _hold_of(work: Work, report: Report) -> Held | None:
    return _hold(work, report.site_id, _first_received(report))


def _hold(work: Work, site_id: bytes | None, came: datetime) -> Held | None:
    details = _site_of(work, site_id)
    if details is None or not details.reports_held_days:
        return None
    zone = ZoneInfo(details.zone)
    until = came.astimezone(zone).date() + timedelta(days=details.reports_held_days)
    return Held(details.name, details.phone, until) if work.now.astimezone(zone).date() < until else None


def _first_received(report: Report) -> datetime:
    """A change of a report that was shown keeps nothing back."""
    return min(version.received for version in report.versions)


def _site_of(work: Work, site_id: bytes | None) -> SiteDetails | None:
    try:
        return None if site_id is None else find_site(work, site_id).details
    except NotThere:
        return None
