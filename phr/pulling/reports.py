"""Fetches the reports of what was shared, as the files they came as, or as text (FHIR R4 DiagnosticReport)."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_gateway.dicom.uids import is_uid
from phr.pulling import NotLetIn, PullError
from phr.pulling.passing import Way
from phr.pulling.shelf import write_whole

Json = dict[str, Any]

FHIR = "application/fhir+json"
_ENDINGS = {"application/pdf": "pdf", "text/plain": "txt", "text/html": "html"}
_DICOM_UID = "urn:dicom:uid"


class Reports:
    """The reports of one patient, on their way into a folder."""

    def __init__(self, way: Way, folder: Path) -> None:
        self._way, self._folder, self._fhir = way, folder, f"{way.web.base}/fhir"

    def run(self) -> int | None:
        """Every report is in `<study>/reports/`, or in `reports/` where it is about none of the studies.

        Answers how many there are; None where reports were not shared.
        """
        try:
            reports = list(self._found("DiagnosticReport"))
        except NotLetIn:
            return None
        uids = dict(self._study_uids()) if reports else {}
        for report in reports:
            study = _study_of(report, uids)
            place = (self._folder / study if study else self._folder) / "reports"
            self._keep(report, place)
        return len(reports)

    def _keep(self, report: Json, place: Path) -> None:
        name = _name_of(report)
        kept = 0
        for form in report.get("presentedForm") or []:
            ending = _ENDINGS.get(str(form.get("contentType") or "").partition(";")[0])
            url = str(form.get("url") or "")
            if ending is None or not url.startswith(f"{self._fhir}/Binary/"):
                continue
            number = f"-{kept + 1}" if kept and (place / f"{name}.{ending}").exists() else ""
            self._fetch(url, form, place / f"{name}{number}.{ending}")
            kept += 1
        if not kept:
            write_whole(place / f"{name}.txt", _as_text(report).encode())

    def _fetch(self, url: str, form: Json, place: Path) -> None:
        if place.is_file() and _is_as_promised(place.read_bytes(), form):
            return
        answer = self._way.get(url, str(form["contentType"]))
        if answer.status != 200 or not _is_as_promised(answer.body, form):
            raise PullError("A report did not arrive as it was announced. Run the same again.")
        write_whole(place, answer.body)

    def _study_uids(self) -> Iterator[tuple[str, str]]:
        """What the studies are called in DICOM, by what they are called in FHIR."""
        for study in self._found("ImagingStudy"):
            yield f"ImagingStudy/{study.get('id')}", _uid_in(study.get("identifier") or [])

    def _found(self, kind: str) -> Iterator[Json]:
        """Everything of one kind, page by page. Raises `NotLetIn` where it was not shared."""
        url: str | None = f"{self._fhir}/{kind}?patient={self._way.patient}&_count=100"
        while url:
            answer = self._way.get(url, FHIR)
            if answer.status == 403:
                raise NotLetIn(answer.words() or "The patient did not share this.")
            if answer.status != 200:
                raise PullError(f"The server did not list the reports (status {answer.status}). {answer.words()}")
            bundle = answer.json()
            entries = bundle.get("entry") or []
            yield from (one["resource"] for one in entries if one.get("search", {}).get("mode") == "match")
            links = {one.get("relation"): one.get("url") for one in bundle.get("link") or []}
            url = links.get("next")


def _study_of(report: Json, uids: dict[str, str]) -> str:
    """The UID of the study a report is about; empty where it names none that was shared."""
    for reference in report.get("imagingStudy") or []:
        uid = uids.get(str(reference.get("reference") or "")) or _uid_in([reference.get("identifier") or {}])
        if uid and uid in uids.values():
            return uid
    return ""


def _uid_in(identifiers: list[Json]) -> str:
    for one in identifiers:
        uid = str(one.get("value") or "").removeprefix("urn:oid:")
        if one.get("system") == _DICOM_UID and is_uid(uid):
            return uid
    return ""


def _name_of(report: Json) -> str:
    """Date, title and a part of its number: nothing in it but letters of any file system."""
    day = re.sub(r"[^0-9-]", "", str(report.get("effectiveDateTime") or report.get("issued") or "")[:10])
    title = re.sub(r"[^A-Za-z0-9]+", "-", str((report.get("code") or {}).get("text") or "report")).strip("-")[:60]
    number = re.sub(r"[^A-Za-z0-9]", "", str(report.get("id") or ""))[:8]
    return "-".join(word for word in (day, title or "report", number) if word)


def _as_text(report: Json) -> str:
    code = report.get("code") or {}
    lines = [str(code.get("text") or "Report"), str(report.get("effectiveDateTime") or report.get("issued") or "")]
    return "\n".join([*lines, "", str(report.get("conclusion") or "The report has no words.")]).strip() + "\n"


def _is_as_promised(octets: bytes, form: Json) -> bool:
    """R4 Attachment: its size, and the base64 of its SHA-1, where they are told."""
    digest = b64encode(hashlib.sha1(octets, usedforsecurity=False).digest()).decode()
    return form.get("size") in (None, len(octets)) and form.get("hash") in (None, digest)
