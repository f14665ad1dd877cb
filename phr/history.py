"""What the identifiers of a history are called, found with the patient's own keys; and the number of its record."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from consent.access import Access
from consent.health_links import readers_of
from phr.event_words import Names
from phr.forms import Mistakes
from phr.scans import scans_of, site_names
from phr.shares import ended_shares_of, shares_of
from vault import audit
from vault.audit import Did, Event
from vault.catalogue import Catalogue
from vault.database import Work
from vault.ids import parse_id
from vault.owners import Owner

A_READING = 200  # events that are read at a time
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


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which events are wanted: about one scan (under any of its folders), of one person's shares; none is all."""

    scan: frozenset[bytes] = frozenset()
    shares: frozenset[bytes] = frozenset()

    def holds(self, event: Event) -> bool:
        """Whether the event is one of them."""
        about = {event.to or b"", bytes.fromhex(str(event.detail.get("study", "")))}
        if self.scan and not about & self.scan:
            return False
        return not self.shares or bool(self.shares & {event.by.via or b"", event.to or b""})


def events_of(
    work: Work, owner: Owner, narrowed: Narrowed, *, before: int | None, most: int, kinds: Collection[Did]
) -> list[Event]:
    """The newest events that are wanted, at most `most`, from number `before` back."""
    found: list[Event] = []
    while len(found) < most:
        several = audit.events(work, owner, before=before, most=A_READING, kinds=kinds)
        found += [one for one in several if narrowed.holds(one)]
        if len(several) < A_READING:
            break
        before = several[-1].n
    return found[:most]


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
