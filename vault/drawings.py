"""A study as it was drawn for readers: sealed like its cards, and handed out as it lies (docs/format.md 6).

What is drawn, and of which form, is not the vault's: a drawing is octets. It is believed only in the shape it is asked
for, at the study's count of changes, while the site's clock is where it was, and, where papers of the same patient
may be about the study, at the count of changes of them all. It gives nobody anything: whether the study is held is
asked of the rows.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import sqlalchemy as sa

from vault.catalogue import has_papers_beside
from vault.database import Work
from vault.deck import Deck, What
from vault.ids import Id
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import Keyring
from vault.objects import as_json, from_json
from vault.sealing.errors import Tampered
from vault.sites import SiteDetails
from vault.tables import EPOCH, CardRow, ScopeRow, SiteRow, StudyRow

WITHOUT_SITE: Final = "UTC"  # the clock of what a patient added
_TOGETHER: Final = 400  # studies in one question
_WHOLE: Final = frozenset({What.STUDY, What.INSTANCES})
_EMPTY: Final = frozenset({What.STUDY})  # what a drawing without octets is made from
_MICROSECOND: Final = timedelta(microseconds=1)
_CARD, _STUDY, _SCOPE, _SITE = map(table_of, (CardRow, StudyRow, ScopeRow, SiteRow))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn study; of what is none, `octets` are empty.

    `zone` is the clock of its site it was drawn with, "" where it needed none; `listed` is what lists are ordered by,
    the greatest first: day and time of the study, and when it came, in microseconds.
    """

    octets: bytes
    version: str
    arrived: datetime
    zone: str = ""
    listed: tuple[str, str, int] = ("", "", 0)

    @classmethod
    def read(cls, written: bytes) -> tuple[int, Self]:
        """The reverse of `written`."""
        head, _, drawn = written.partition(b"\n")
        changes, zone, version, arrived, listed = from_json(head)
        return changes, cls(drawn, version, EPOCH + timedelta(microseconds=arrived), zone, tuple(listed))

    def written(self, changes: int) -> bytes:
        """As its card keeps it, with the count of changes of its scope."""
        head = [changes, self.zone, self.version, (self.arrived - EPOCH) // _MICROSECOND, self.listed]
        return as_json(head) + b"\n" + self.octets


NOTHING: Final = Drawing(b"", "", EPOCH)


def _lying(wanted: Found) -> Found:
    still = sa.and_(_STUDY.c.id == _CARD.c.study, _STUDY.c.changed == _CARD.c.changed)
    whole = _CARD.join(_STUDY, still).join(_SCOPE, _SCOPE.c.id == _STUDY.c.scope)
    drawn = wanted.select_from(whole.outerjoin(_SITE, _SITE.c.id == _SCOPE.c.site))
    return drawn.where(_CARD.c.owner == octets("owner"), _CARD.c.what == What.DRAWN.value)


_PARTS: Final = (
    Part(CardRow, only={"study", "changed", "ct"}),
    Part(ScopeRow, only={"id", "changes"}),
    Part(SiteRow, only={"id", "details"}),
)
_ALL: Final = Joined(*_PARTS, found=_lying)
_ONE: Final = Joined(*_PARTS, found=lambda wanted: _lying(wanted).where(_CARD.c.study == octets("study")))


class Drawings:
    """The drawings of one shape that one owner may be handed, in one unit of work."""

    def __init__(self, work: Work, keyring: Keyring, deck: Deck) -> None:
        self._work, self._keyring, self._deck = work, keyring, deck
        self._owner = keyring.owner.id
        self._zones: dict[str, str] = {}
        self._papers: dict[bytes, bool] = {}

    @classmethod
    def of(cls, work: Work, keyring: Keyring, *, shape: bytes) -> Self | None:
        """None for whoever has no catalogue of their own, or may not use all of it."""
        if keyring.parts != (keyring,):
            return None
        key = keyring.catalogue_key(work)
        return None if key is None else cls(work, keyring, Deck(work, keyring.owner, key, shape=shape))

    def held(self, study_id: Id) -> Drawing | None:
        """The drawing of a study that the keyring holds; None where it is to be drawn, or is not held."""
        if study_id not in self._keyring.holding(self._work, [study_id]):
            return None
        return self._read(_ONE.rows(self._work, owner=self._owner, study=study_id)).get(study_id)

    def all_held(self) -> tuple[dict[Id, Drawing], list[Id]]:
        """The drawings of all studies that the keyring holds, the first of a list first, and those without one."""
        found = self._read(_ALL.rows(self._work, owner=self._owner))
        ids = [Id(one) for one in self._keyring.study_ids(self._work)]
        drawn = [one for one in ids if one in found]
        drawn.sort(key=lambda one: (found[one].listed, one), reverse=True)
        return {one: found[one] for one in drawn}, [one for one in ids if one not in found]

    def keep(self, made: Mapping[Id, Drawing]) -> None:
        """Once the unit of work has ended well these are kept, as cards are, if they were drawn from cards."""
        asked = sa.select(StudyRow.id, StudyRow.changed, ScopeRow.changes).join(ScopeRow, ScopeRow.id == StudyRow.scope)
        ids = list(made)
        for start in range(0, len(ids), _TOGETHER):
            rows = self._work.session.execute(asked.where(StudyRow.id.in_(ids[start : start + _TOGETHER]))).all()
            for made_from in (_WHOLE, _EMPTY):
                right = [row for row in rows if bool(made[Id(row[0])].octets) is (made_from is _WHOLE)]
                cards = {Id(one): (changed, made[Id(one)].written(changes)) for one, changed, changes in right}
                self._deck.keep(What.DRAWN, cards, made_from=made_from)

    def _read(self, rows: Iterable[tuple[Any, ...]]) -> dict[Id, Drawing]:
        found: dict[Id, Drawing] = {}
        for card, scope, site in rows:
            with suppress(Tampered):  # of another shape, or no card: it is drawn anew
                changes, drawing = Drawing.read(self._deck.opened(What.DRAWN, card.study, card.changed, card.ct))
                if self._is_of(drawing.zone, site) and (changes == scope.changes or not self._has_papers(scope.id)):
                    found[Id(card.study)] = drawing
        return found

    def _is_of(self, zone: str, site: Any) -> bool:
        """Whether it is the site's clock still."""
        if zone == "" or site is None:
            return zone in ("", WITHOUT_SITE)
        if site.details not in self._zones:
            self._zones[site.details] = SiteDetails.from_text(site.details).zone
        return zone == self._zones[site.details]

    def _has_papers(self, scope_id: bytes) -> bool:
        if scope_id not in self._papers:
            self._papers[scope_id] = has_papers_beside(self._work, scope_id=scope_id, study_id=b"")
        return self._papers[scope_id]
