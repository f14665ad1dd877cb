"""What the identifiers of a history are called, found with the patient's own keys; and the number of its record."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask_babel import gettext as _

from consent.access import Access
from consent.health_links import readers_of
from phr.event_words import Names
from phr.forms import Mistakes
from phr.scans import scans_of, site_names
from phr.shares import ended_shares_of, shares_of
from vault.catalogue import Catalogue
from vault.database import Work
from vault.ids import parse_id

RECORD_MARK = 16  # hexadecimal digits: 64 bits of a hash that nobody can choose


def names_for(work: Work, access: Access, catalogue: Catalogue) -> Names:
    """Names of scans, of those it was shared with (also ended), and of scan centers."""
    shares = [*shares_of(work, access, catalogue), *ended_shares_of(work, access, catalogue)]
    scans = {parse_id(scan.id): scan.title for scan in scans_of(work, catalogue)}
    folders = {folder: scans[study.id] for study in catalogue.studies for folder in study.folders if study.id in scans}
    return Names(
        scans={**folders, **scans},
        shares={parse_id(share.id): share.who for share in shares},
        called={parse_id(share.id): share.called for share in shares},
        sites=site_names(work, catalogue.studies),
        readers=readers_of(work, access),
    )


def record_number(lines: int, hashed: bytes) -> str:
    """What stands on a printed history: how many lines there were, and the beginning of the last one's hash."""
    return f"{lines}-{hashed.hex()[:RECORD_MARK]}"


def read_record_number(typed: Mapping[str, str]) -> tuple[int, str]:
    """The two parts of a record number, spaces and capitals forgiven."""
    lines, _dash, mark = "".join(typed.get("number", "").split()).lower().partition("-")
    if not lines:
        raise Mistakes({"number": _("Type the record number from your paper.")})
    if not (lines.isdecimal() and 1 <= int(lines) < 1 << 31 and re.fullmatch(f"[0-9a-f]{{{RECORD_MARK}}}", mark)):
        raise Mistakes({"number": _("A record number reads like 61-4f2a9c0b7d1e8a35. Look at your paper again.")})
    return int(lines), mark
