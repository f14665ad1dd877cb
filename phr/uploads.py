"""What somebody found on an old disc beside what they have: theirs or not, there already or new (experience U3).

The browser reads the disc and sends words about it first; pictures follow only of scans that their owner ticked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from phr import words
from phr.scans import Scan
from vault.catalogue import Catalogue, open_catalogue
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.facts import PersonFacts, SeriesFacts
from vault.keyring import VaultKeyring
from vault.reading import open_series
from vault.settling import Doubt, doubt_about

MOST_STUDIES = 1000
LONGEST = 200  # letters of any word a disc says
Json = Mapping[str, Any]


class NotUnderstood(Exception):
    """What was sent is not a list of scans; its words are not in the message."""


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """One scan on a disc, as the disc describes it."""

    uid: str
    date: str
    description: str
    person: PersonFacts
    series: tuple[SeriesFacts, ...]
    pictures: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The same beside the record of whoever found it.

    `doubt`: why it may be another's. `there`: "sent" where a scan center sent it, "added" where they added it
    before, wholly or in part.
    """

    scan: Scan
    name: str
    born: date | None
    doubt: Doubt
    there: str = ""


def read_found(said: Any) -> list[FoundStudy]:
    """What a browser says it found. Raises `NotUnderstood`."""
    studies = said.get("studies") if isinstance(said, dict) else None
    if not isinstance(studies, list) or not 0 < len(studies) <= MOST_STUDIES:
        raise NotUnderstood("a list of scans")
    return [_study(one) for one in studies]


def _study(said: Any) -> FoundStudy:
    if not isinstance(said, dict) or not isinstance(said.get("series"), list) or not _text(said, "uid"):
        raise NotUnderstood("a scan")
    count = said.get("pictures")
    return FoundStudy(
        uid=_text(said, "uid"),
        date=_text(said, "date"),
        description=_text(said, "description"),
        person=PersonFacts(name=_text(said, "name"), born=_text(said, "born")),
        series=tuple(_series(one) for one in said["series"] if isinstance(one, dict)),
        pictures=count if isinstance(count, int) and count > 0 else 0,
    )


def _series(said: Json) -> SeriesFacts:
    return SeriesFacts(
        uid=_text(said, "uid"),
        number=None,
        modality=_text(said, "modality"),
        description=_text(said, "description"),
        body_part=_text(said, "body_part"),
        laterality=_text(said, "laterality"),
    )


def _text(said: Json, name: str) -> str:
    value = said.get(name)
    return value.strip()[:LONGEST] if isinstance(value, str) else ""


def compared(work: Work, own: VaultKeyring, found: list[FoundStudy]) -> tuple[list[Compared], dict[str, list[str]]]:
    """Each scan beside the record, and which of its pictures they have added before, by the scan's UID."""
    catalogue = open_catalogue(work, own)
    name, born = own.field(work, "name") or "", own.field(work, "born") or ""
    shown = [
        Compared(
            scan=_scan(one),
            name=words.person_filed(one.person.name),
            born=words.day_of(one.person.born),
            doubt=doubt_about(one.person, name=name, born=born),
            there=_there(catalogue, one.uid),
        )
        for one in found
    ]
    have = {one.scan.uid: list(_added(work, own, catalogue, one.scan.uid)) for one in shown if one.there == "added"}
    return shown, have


def _scan(found: FoundStudy) -> Scan:
    return Scan(
        id="",
        uid=found.uid,
        title=words.title(found.series, found.description),
        day=words.day_of(found.date),
        place="",
        pictures=found.pictures,
        groups=len(found.series),
        reports=0,
        has_preview=False,
    )


def _there(catalogue: Catalogue, uid: str) -> str:
    known = catalogue.by_uid(uid)
    if any(study.site_id is not None for study in known):
        return "sent"
    return "added" if known else ""


def _added(work: Work, own: VaultKeyring, catalogue: Catalogue, uid: str) -> Iterator[str]:
    for study in catalogue.by_uid(uid):
        for series in study.series:
            try:
                yield from (one.facts.uid for one in open_series(work, own, uid, series.facts.uid))
            except (NotThere, NoKey):
                continue
