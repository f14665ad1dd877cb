"""The papers people take away: recovery kit, share slip, report and history (the slip: slip_forms).

Each function takes one value and gives (file name, PDF). Nothing here knows keys, tables or
FHIR; nothing is written to a disk. A file name never holds a person's name. Secrets stand in
the paper only: in its text, and behind the # of its QR code.

All may raise what `phr.printing` raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app, has_app_context
from flask_babel import gettext, ngettext
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from phr import dates, languages, printing, qr
from phr.components import grouped, template_folder

if TYPE_CHECKING:
    from datetime import date

Paper = tuple[str, bytes]

FONTS = {
    "next-400.woff2": "atkinson-hyperlegible-next-latin-400.woff2",
    "next-700.woff2": "atkinson-hyperlegible-next-latin-700.woff2",
    "ext-400.woff2": "atkinson-hyperlegible-next-latin-ext-400.woff2",
    "ext-700.woff2": "atkinson-hyperlegible-next-latin-ext-700.woff2",
    "mono-700.woff2": "atkinson-hyperlegible-mono-latin-700.woff2",
}


@dataclass(frozen=True, slots=True)
class RecoveryKit:
    """The way back in. `code` has 28 letters and numbers."""

    address: str
    account_name: str
    made_on: date
    kit_number: int | str
    code: str

    def __repr__(self) -> str:
        """Nothing of it: it holds the code."""
        return "RecoveryKit(…)"


@dataclass(frozen=True, slots=True)
class SharedScan:
    """One line of a share slip."""

    scan: str
    taken_on: date | None
    place: str
    pictures: int


@dataclass(frozen=True, slots=True)
class ShareSlip:
    """What a patient takes to a doctor. `code` has 20 letters and numbers; an empty name leaves the person out."""

    patient_name: str
    born: date | None
    rows: tuple[SharedScan, ...]
    until: str  # in words: "30 March 2026, 14:42"
    code: str
    address: str
    made_on: date
    questions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Nothing of it: it holds the code."""
        return "ShareSlip(…)"


@dataclass(frozen=True, slots=True)
class ReportSection:
    """One part of a report under its patient heading: "Main points (Impression)"."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class KeyPicture:
    """A picture in a report, as JPEG, with what a person who cannot see it is told."""

    jpeg: bytes
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class PatientReport:
    """A report as the patient takes it home. `status` is in words: "Final", "Changed"."""

    site_name: str
    patient_name: str
    born: date | None
    scan: str  # "MRI of the right knee"
    scan_date: date | None
    sections: tuple[ReportSection, ...]
    status: str
    written_by: str
    signed_on: date | None
    made_on: date
    made_by: str  # the patient's own name
    asked_by: str = ""
    changed_on: date | None = None
    replaces: date | None = None  # when the report it replaces was signed
    report_language: str = ""  # when it is not the page's
    pictures: tuple[KeyPicture, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    logo: tuple[str, bytes] | None = None  # a media type, and a file of it


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One event in the patient's words."""

    when: str
    who: str
    what: str
    scan: str


@dataclass(frozen=True, slots=True)
class AccessHistory:
    """Who did what with a patient's scans, newest first."""

    patient_name: str
    period: str  # "1 January 2026 to 3 March 2026"
    made_on: date
    rows: tuple[HistoryRow, ...]
    record_number: str
    address: str
    counts: tuple[tuple[str, int], ...] = ()


def recovery_kit(kit: RecoveryKit) -> Paper:
    """One A4 page; its QR code opens the recovery page with the code in the box."""
    return _kit(kit, "recovery_kit.html", door="/sign-in/recover")


def provider_kit(kit: RecoveryKit) -> Paper:
    """The same for a provider, whose page asks for one thing more."""
    return _kit(kit, "provider_kit.html", door="/pro/sign-in/recover")


def _kit(kit: RecoveryKit, template: str, *, door: str) -> Paper:
    return "recovery kit.pdf", on_paper(
        template,
        {"qr.svg": square(f"{kit.address}{door}#{bare(kit.code)}")},
        kit=kit,
        typed_address=typed(kit.address),
    )


def share_slip(slip: ShareSlip) -> Paper:
    """One A4 page; its QR code opens the page for doctors with the code in the box."""
    return f"share slip {slip.made_on.isoformat()}.pdf", on_paper(
        "share_slip.html",
        {"qr.svg": square(f"{slip.address}/see#{bare(slip.code)}")},
        slip=slip,
        typed_address=typed(slip.address),
    )


def patient_report(report: PatientReport) -> Paper:
    """As many pages as the report needs; the file is named after the scan and its day."""
    pictures = {f"picture-{n}": ("image/jpeg", shown.jpeg) for n, shown in enumerate(report.pictures, start=1)}
    if report.logo is not None:
        pictures["logo"] = report.logo
    day = report.scan_date.isoformat() if report.scan_date else ""
    changed = f"changed {report.changed_on.isoformat()}" if report.changed_on else ""
    name = _file_name(day, report.scan, "report", changed)
    return name, on_paper("patient_report.html", pictures, report=report)


def access_history(history: AccessHistory) -> Paper:
    """As many pages as there are events; the heading of the table stands on each."""
    name = f"history {history.made_on.isoformat()}.pdf"
    return name, on_paper("access_history.html", {}, history=history, typed_address=typed(history.address))


def on_paper(template: str, files: dict[str, tuple[str, bytes]], *, roll: str = "", **values: Any) -> bytes:
    """The template as a PDF in our fonts; `files` are what it names as given:name. `roll` as in `printing.pdf`."""
    values.setdefault("language", languages.here().replace("_", "-"))
    html = _templates().get_template(template).render(brand=_brand(), paper=_paper(), **values)
    return printing.pdf(html, _fonts() | files, roll=roll)


def _brand() -> str:
    """The name of the product: what the pages say, or its own where there is no app."""
    return current_app.jinja_env.globals["brand"] if has_app_context() else "Keepray"


def _paper() -> str:
    """The sheet that printers here hold."""
    settings = current_app.extensions.get("settings") if has_app_context() else None
    return settings.paper if settings is not None else "A4"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(template_folder() / "reports"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    environment.filters.update(
        day=dates.in_words,
        groups=lambda code: grouped(code).split(),
        paragraphs=_paragraphs,
    )
    return environment


@cache
def _fonts() -> dict[str, tuple[str, bytes]]:
    folder = Path(__file__).parent / "static" / "site" / "fonts"
    return {name: ("font/woff2", (folder / file).read_bytes()) for name, file in FONTS.items()}


def square(text: str) -> tuple[str, bytes]:
    """The text as a QR code."""
    return "image/svg+xml", qr.svg(text)


def _paragraphs(text: str) -> list[list[str]]:
    """The lines of each paragraph; an empty line begins a new one."""
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return [[line.strip() for line in block.splitlines()] for block in blocks if block.strip()]


def bare(code: str) -> str:
    """A code without its spaces."""
    return grouped(code).replace(" ", "")


def typed(address: str) -> str:
    """An address as people type it: without the scheme."""
    return address.removeprefix("https://").removeprefix("http://").rstrip("/")


def _file_name(*parts: str) -> str:
    """The parts as one file name that every system takes."""
    plain = " ".join(part for part in parts if part)
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s.-]", " ", plain)).strip(" .")[:120] + ".pdf"
