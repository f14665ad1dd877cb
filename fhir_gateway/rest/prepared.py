"""Studies as they were drawn before, handed out as they lie: where nothing but the study itself decides how it looks.

What was drawn is sealed for whoever it was drawn for (docs/format.md 6). Whether they hold the study is asked of the
rows at each question, and where scopes let only some studies through, or several grants show parts of one, it is drawn
anew.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

import orjson

from fhir_gateway.resources.bundle import joined_search_set
from fhir_gateway.rest.found import Found
from fhir_gateway.rest.pages import Page, Pages
from fhir_gateway.rest.question import Question
from fhir_gateway.rest.shelf import Shelf
from vault.drawings import NOTHING, Drawing, Drawings
from vault.ids import Id
from vault.tables import EPOCH

Json = dict[str, Any]

STUDY: Final = "ImagingStudy"
DRAWN_AS: Final = "1"  # another number whenever a study is drawn otherwise, so that what was kept is not believed
AHEAD: Final = 100  # studies that a search draws beyond those it shows, so that the next need not


class Prepared:
    """What one shelf has of studies in the form in which they are handed out."""

    def __init__(self, shelf: Shelf, drawings: Drawings | None) -> None:
        self._shelf, self._drawings = shelf, drawings

    @classmethod
    def of(cls, shelf: Shelf, letters: str) -> Self:
        """For whoever reads (`r`) or searches (`s`)."""
        asker = shelf.access
        if asker.parts is not None or asker.patient is None or asker.filters_for(STUDY, letters) is not None:
            return cls(shelf, None)
        told = orjson.dumps([DRAWN_AS, asker.patient, shelf.links.origin])
        return cls(shelf, Drawings.of(shelf.work, asker.opened(), shape=sha256(told).digest()[:16]))

    def one(self, study_id: Id) -> Drawing:
        """A study that the asker sees. Raises `NotThere`."""
        kept = None if self._drawings is None else self._drawings.held(study_id)
        if kept is not None and kept.octets:
            return kept
        found = self._shelf.one_of(STUDY, study_id.hex())
        return self._kept({study_id: _drawing(self._shelf, found)})[study_id]

    def answers(self, question: Question) -> bool:
        """Whether a search can be answered with studies as they lie."""
        return self._drawings is not None and question.asks_for_studies_alone

    def page(self, question: Question, page: Page | None, pages: Pages) -> bytes:
        """The answer to such a search, as it would be with every study drawn anew."""
        base = self._shelf.base
        ids, drawn = self._listed()
        whose = {"subject": {"reference": f"Patient/{self._shelf.access.patient}"}}  # all that is asked for
        fits = all(test.fits(whose) for test in question.tests)
        found = [Found({"id": study_id.hex()}) for study_id in ids] if fits else []
        at = page.begins(found) if page is not None else 0
        own = question.address(base) if page is None else pages.address(base, question, found, at)
        shown = ids[at : at + question.count] if fits else []
        drawn |= self._drawn([one for one in shown if one not in drawn])
        return joined_search_set(
            self._shelf.links,
            STUDY,
            [(one.hex(), drawn[one].octets) for one in shown],
            total=None if question.total == "none" else len(found),
            addresses={"self": own} | pages.around(base, question, found, at),
        )

    def _listed(self) -> tuple[list[Id], dict[Id, Drawing]]:
        """All studies in the order they are listed in, and the drawings there are of them."""
        assert self._drawings is not None
        drawn, missing = self._drawings.all_held()
        if not missing:
            return [one for one, drawing in drawn.items() if drawing.octets], drawn
        ids = [study.id for study in self._shelf.catalogue.studies if study.uid]
        self._drawings.keep(dict.fromkeys(set(missing) - set(ids), NOTHING))
        return ids, drawn | self._drawn([one for one in ids if one not in drawn][:AHEAD])

    def _drawn(self, ids: Collection[Id]) -> dict[Id, Drawing]:
        """These studies with their instances, drawn now and kept for the next who asks."""
        wanted = set(ids)
        studies = [study for study in self._shelf.catalogue.studies if study.id in wanted] if wanted else []
        self._shelf.look_into_studies(studies)
        return self._kept({study.id: _drawing(self._shelf, self._shelf.drawn_whole(study)) for study in studies})

    def _kept(self, made: dict[Id, Drawing]) -> dict[Id, Drawing]:
        if self._drawings is not None and made:
            self._drawings.keep(made)
        return made


def _drawing(shelf: Shelf, found: Found) -> Drawing:
    study, meta = found.study, found.resource["meta"]
    assert study is not None
    zone = "" if study.facts.zone else shelf.zone_of(study.site_id)
    received = (study.received - EPOCH) // timedelta(microseconds=1)
    return Drawing(
        orjson.dumps(found.resource),
        meta["versionId"],
        datetime.fromisoformat(meta["lastUpdated"]),
        zone,
        (study.facts.date, study.facts.time, received),
    )
