"""A copy of one scan to take away: a ZIP as a disc would be, with pages for people who have no viewer.

Octets go from the sealed store through this request to the one who saves; nothing is made ready on a disk. The length
is known before the first octet, and the same scan makes the same octets, so that a broken-off copy goes on (IHE PDI;
PS3.10 clause 8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask import Response, current_app, render_template

from consent.request import access, services
from fhir_gateway.dicom.media import Page, Taken, ZipPlan, medium
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.looking import watched
from phr import report_papers
from phr.answers import ranged
from phr.people import today
from phr.printing import PrintingError
from phr.report_words import parts, standing
from phr.scans import Scan
from vault.errors import NoKey, NotThere
from vault.reading import find_preview, open_document, open_series
from vault.sealing.stream import Kind
from vault.studies import Study

MOST_PREVIEWS = 12
ENDINGS = {"application/pdf": "PDF", "text/plain": "TXT", "text/html": "HTM", "application/xml": "XML"}


class Way(NamedTuple):
    """One thing that can be saved."""

    title: str
    words: str
    href: str
    button: str = ""
    file: str = ""  # what a large file is called, which the page saves piece by piece


def copy_of(study: Study, scan: Scan, *, made_by: str) -> Response:
    """All pictures and reports of a scan, or the part that was asked for. Raises `NotThere`, `CopyNotAllowed`."""
    plan = plan_of(study, scan, made_by=made_by)
    return ranged(name_of(scan), plan, lambda pieces: watched(pieces, services(), access()), "application/zip")


def name_of(scan: Scan) -> str:
    """What the file is called."""
    day = scan.day.isoformat() if scan.day else ""
    return f"{day} {scan.title} all pictures.zip".strip()


def plan_of(study: Study, scan: Scan, *, made_by: str) -> ZipPlan:
    """What the ZIP will hold."""
    return medium(taken(study), list(_pages(study, scan, made_by)))


def size_of(study: Study) -> int:
    """Octets of the pictures, as they lie in the store."""
    return sum(one.length for one in _instances(study))


def _instances(study: Study) -> list[Shown]:
    """Those of the series that are shown: some may be kept back for now."""
    listed = {series.facts.uid for series in study.series}
    return [one for one in found.many(study.uid) if one.uids[1] in listed] if listed else []


def taken(study: Study) -> Iterator[Taken]:
    """The instances of a study with what the directory of a medium says of them."""
    shown = _instances(study)
    with services().reading() as work:
        described = (
            {one.facts.uid: one.dicom for one in open_series(work, access().opened(), study.uid)} if shown else {}
        )
    for one in shown:
        metadata = described.get(one.uids[2])
        if metadata is not None:
            yield Taken(metadata=metadata, syntax=one.syntax, length=one.length, open=one.octets)


def _pages(study: Study, scan: Scan, made_by: str) -> Iterator[Page]:
    papers = list(_papers(study, scan, made_by))
    pictures = list(pictures_of(study, "IHE_PDI/PICTURE"))
    words = {
        "scan": scan,
        "papers": [page.name for page in papers],
        "pictures": [page.name for page in pictures],
        "sections": parts(standing(study.reports)[0].facts) if study.reports else [],
        "made_on": today(),
        "settings": current_app.extensions["settings"],
    }
    # Plain text for any computer: CR LF line ends (PS3.10 8, README.TXT of IHE PDI).
    readme = render_template("copies/readme.txt", **words).replace("\n", "\r\n")
    yield Page("README.TXT", readme.encode())
    yield Page("INDEX.HTM", render_template("copies/index.html", **words).encode())
    yield from papers
    yield from pictures


def pictures_of(study: Study, name: str, *, most: int = MOST_PREVIEWS) -> Iterator[Page]:
    """The middle picture of each group as JPEG, for people without a viewer: `name`1.JPG, `name`2.JPG, and so on."""
    having = [one.facts.uid for one in study.series if one.has_preview][:most]
    for number, series_uid in enumerate(having, start=1):
        try:
            with services().reading() as work:
                jpeg = find_preview(work, access().opened(), study.uid, series_uid, Kind.QUICK_VIEW)
        except (NotThere, NoKey):
            continue
        yield Page(f"{name}{number}.JPG", jpeg)


def _papers(study: Study, scan: Scan, made_by: str) -> Iterator[Page]:
    """Each report as our PDF, and the scan center's own files as they came."""
    for number, report in enumerate(standing(study.reports), start=1):
        try:
            yield Page(f"IHE_PDI/REPORT{number}.PDF", report_papers.printed(report, study, scan, made_by=made_by)[1])
        except PrintingError:
            current_app.logger.warning("a report could not be printed for a copy")
        files = [one for one in report.facts.documents if not one.drawn]
        for place, document in enumerate(files, start=1):
            ending = ENDINGS.get(document.media_type, "BIN")
            try:
                with services().reading() as work:
                    _, octets = open_document(work, access().opened(), bytes.fromhex(document.resource_id))
            except (NotThere, NoKey):
                continue
            yield Page(f"IHE_PDI/SITE{number}{place}.{ending}", octets)
