"""What one keyring can see, opened in memory: studies, series, reports. All searching happens here.

The database holds nothing worth searching, so no SQL is ever made from a value somebody searches for. Each study is
read from its card, or, where it has none that is still right, from what was sealed of it (`deck`, `opening`).
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

import sqlalchemy as sa

from vault import cards
from vault.database import Work
from vault.deck import Deck, What
from vault.errors import NotThere
from vault.facts import PersonFacts
from vault.gathering import gathered
from vault.ids import Id
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import Keyring
from vault.opening import Opened, open_studies
from vault.sealing import derive
from vault.studies import Report, Study
from vault.tables import ResourceRow, SeriesRow, StudyRow
from vault.versions import with_versions

_RESOURCE, _SERIES = table_of(ResourceRow), table_of(SeriesRow)
_AT_ONCE: Final = 400  # blind indexes in one question


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for; an absent field means "any". Names and numbers match with * and ?."""

    uids: frozenset[str] | None = None
    modality: str | None = None
    taken_from: str | None = None
    taken_to: str | None = None
    accession: str | None = None
    patient_name: str | None = None
    mrn: str | None = None
    study_number: str | None = None
    description: str | None = None
    referrer: str | None = None
    received_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything one keyring can see, newest study first.

    `papers` came without pictures and without a report, and are about none of the studies.
    `damaged` are the studies of which something is missing in the store or is not what was sealed; what else there is
    of them is listed.
    """

    studies: tuple[Study, ...]
    damaged: frozenset[Id] = frozenset()
    papers: tuple[Study, ...] = ()

    def study(self, study_id: bytes) -> Study:
        """The study with this identifier. Raises `NotThere`."""
        for study in self.studies:
            if study.id == study_id:
                return study
        raise NotThere

    def by_uid(self, uid: str) -> list[Study]:
        """The studies with this StudyInstanceUID: one, or one per site that pushed it."""
        return [study for study in self.studies if study.uid == uid]

    def matching(self, wanted: Wanted) -> list[Study]:
        """The studies that fit."""
        return [study for study in self.studies if _fits(study, wanted)]

    def report(self, report_id: bytes) -> tuple[Study, Report]:
        """A report, in the version that stands, and the study it belongs to. Raises `NotThere`."""
        for study in self.studies:
            for report in study.reports:
                if report.id == report_id:
                    return study, report
        raise NotThere

    @property
    def people(self) -> tuple[PersonFacts, ...]:
        """The patient as each study's site wrote them, without repeats; where none sent any, as their own discs do."""
        sent = [study for study in self.studies if study.site_id is not None]
        return tuple(dict.fromkeys(study.facts.person for study in sent or self.studies))


@dataclass(slots=True)
class Listing:
    """Studies by themselves, newest row first, and those of which a part could not be opened."""

    studies: list[Study] = field(default_factory=list[Study])
    damaged: set[Id] = field(default_factory=set[Id])

    def add(self, opened: Opened) -> None:
        """What was opened, too."""
        self.studies += [study for _, study in opened.studies.values() if study is not None]
        self.damaged |= opened.damaged


def open_catalogue(work: Work, keyring: Keyring, *, only: Collection[bytes] | None = None) -> Catalogue:
    """Open what this keyring can see; `only` limits it to some studies."""
    found = listing(work, keyring, only)
    whole, papers = gathered(found.studies)
    in_order = sorted(with_versions(whole), key=newest_first, reverse=True)
    return Catalogue(tuple(in_order), frozenset(found.damaged), tuple(papers))


def open_study(work: Work, keyring: Keyring, study_id: bytes) -> Study:
    """One study with all that is about it, as `open_catalogue` lists it. Raises `NotThere`.

    Where nothing else can be about it only the study itself is opened, however many there are.
    """
    alone = listing(work, keyring, [study_id])
    if not alone.studies:
        raise NotThere
    study = alone.studies[0]
    if _may_meet_others(work, study):
        return open_catalogue(work, keyring).study(study_id)
    (found,) = with_versions(gathered([study])[0])
    return found


def _may_meet_others(work: Work, study: Study) -> bool:
    """Whether papers without pictures lie in the same scope, or another study's reports beside reports of its own."""
    if not study.uid:
        return True
    others = _OTHERS if study.reports else _PAPERS
    return bool(others.rows(work, scope=study.scope_id, study=study.id))


def _of_others(wanted: Found) -> Found:
    bound = octets("scope"), octets("study")
    return wanted.where(_RESOURCE.c.scope == bound[0], _RESOURCE.c.study != bound[1]).limit(1)


def _without_pictures(wanted: Found) -> Found:
    return _of_others(wanted).where(~sa.exists().where(_SERIES.c.study == _RESOURCE.c.study))


def has_papers_beside(work: Work, *, scope_id: bytes, study_id: bytes) -> bool:
    """Whether papers without pictures lie in the scope beside the study: they may be about it."""
    return bool(_PAPERS.rows(work, scope=scope_id, study=study_id))


_OTHERS: Final = Joined(Part(ResourceRow, only={"id"}), found=_of_others)
_PAPERS: Final = Joined(Part(ResourceRow, only={"id"}), found=_without_pictures)


def listing(work: Work, keyring: Keyring, only: Collection[bytes] | None = None) -> Listing:
    """Every study that this keyring sees, or those of `only` that it sees, each by itself."""
    held = [(part, _held(work, part, only)) for part in keyring.parts]
    times = Counter(study_id for _, ids in held for study_id in ids)
    found = Listing()
    for part, ids in held:
        _add_cards(work, part, [study_id for study_id in ids if times[study_id] == 1], found)
    if shared := [study_id for study_id, count in times.items() if count > 1]:
        found.add(open_studies(work, keyring, shared))  # each part may open another part of it
    found.studies.sort(key=lambda study: (study.received, study.id), reverse=True)
    return found


def find_studies(work: Work, keyring: Keyring, uids: Collection[str]) -> list[bytes]:
    """Whatever lies under one of these StudyInstanceUIDs where the keyring may look; not all of it may be seen."""
    scopes = keyring.scopes(work)
    indexes = [derive.uid_index(work.secrets.index_key, scope, uid) for scope in scopes for uid in uids]
    found: list[bytes] = []
    for start in range(0, len(indexes), _AT_ONCE):
        part = sa.select(StudyRow.id).where(StudyRow.uid_bi.in_(indexes[start : start + _AT_ONCE]))
        found += work.session.scalars(part)
    return found


def _held(work: Work, part: Keyring, only: Collection[bytes] | None) -> list[bytes]:
    if only is None:
        return part.study_ids(work)
    return list(part.holding(work, only)) if only else []


def _add_cards(work: Work, part: Keyring, ids: list[bytes], found: Listing) -> None:
    """What the cards say, and for the others what was sealed; of these cards are made."""
    key = part.catalogue_key(work) if ids else None
    deck = None if key is None else Deck(work, part.owner, key)
    known = {} if deck is None else deck.read(What.STUDY, ids, cards.read)
    found.studies += [study for study in known.values() if study is not None]
    missing = [study_id for study_id in ids if study_id not in known]
    opened = open_studies(work, part, missing)
    found.add(opened)
    if deck is not None:
        made = {one: (changed, cards.written(study)) for one, (changed, study) in opened.studies.items()}
        deck.keep(What.STUDY, {one: card for one, card in made.items() if one not in opened.damaged})


def newest_first(study: Study) -> tuple[str, str, datetime]:
    """What studies are listed by, the greatest first."""
    return study.facts.date, study.facts.time, study.received


def _fits(study: Study, wanted: Wanted) -> bool:
    facts = study.facts
    words = (
        (wanted.accession, facts.accession),
        (wanted.mrn, facts.person.mrn),
        (wanted.study_number, facts.study_number),
        (wanted.description, facts.description),
    )
    names = ((wanted.patient_name, facts.person.name), (wanted.referrer, facts.referrer))
    return (
        (wanted.uids is None or study.uid in wanted.uids)
        and (wanted.modality is None or any(fnmatchcase(one, _glob(wanted.modality)) for one in study.modalities))
        and (wanted.taken_from is None or facts.date >= wanted.taken_from)
        and (wanted.taken_to is None or (facts.date != "" and facts.date <= wanted.taken_to))
        and (wanted.received_since is None or study.received >= wanted.received_since)
        and all(asked is None or fnmatchcase(found, _glob(asked)) for asked, found in words)
        and all(asked is None or fnmatchcase(found.casefold(), _glob(asked.casefold())) for asked, found in names)
    )


def _glob(text: str) -> str:
    """DICOM knows * and ?; brackets are letters (PS3.4 C.2.2.2.4)."""
    return text.replace("[", "[[]")
