"""The cards of one owner: what lists show of each study, opened once and sealed again (docs/format.md 6).

A card is believed only for the owner, the study and the count of changes it was sealed with; otherwise the study is
opened anew, and whoever met that writes the card afterwards, if nobody else is writing at the moment. A card gives
nobody anything: which studies are listed is asked of the rows each time.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from enum import IntEnum
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from vault.cards import SHAPE
from vault.database import Database, Work
from vault.errors import StoreAway
from vault.ids import Id
from vault.joined import Found, Joined, Part, table_of
from vault.keyring import Owner, OwnerKind
from vault.rows import put_rows
from vault.sealing import derive
from vault.sealing.errors import Tampered
from vault.sealing.stream import padded, unpadded
from vault.sealing.suite import unwrap, wrap
from vault.tables import CardRow, StudyRow, VaultRow
from vault.tables_sharing import GrantOwnerRow

PADDING: Final = 512
_FEW: Final = 400  # studies in one question
_MANY: Final = 1000  # studies that are asked for by name; above, all the owner has are fetched
_DEFLATED_FROM: Final = 1000  # octets: with fewer it is not worth the time
_DEFLATED: Final = b"\x78"  # with which zlib's octets begin, and JSON's never do

_CARD, _STUDY = table_of(CardRow), table_of(StudyRow)

T = TypeVar("T")
_Values = dict[str, Any]


def _right(wanted: Found) -> Found:
    bound = [column == sa.bindparam(column.name) for column in (_CARD.c.owner, _CARD.c.study, _CARD.c.what)]
    still = sa.and_(_STUDY.c.id == _CARD.c.study, _STUDY.c.changed == _CARD.c.changed)
    return wanted.select_from(_CARD.join(_STUDY, still)).where(*bound)


_ONE: Final = Joined(Part(CardRow, only={"study", "changed", "ct"}), found=_right)  # card of one study


class What(IntEnum):
    """What a card is of."""

    STUDY = 0
    INSTANCES = 1
    DRAWN = 2


class Deck:
    """The cards of one owner, in one unit of work; `shape` tells what is written on them."""

    def __init__(self, work: Work, owner: Owner, catalogue_key: bytes, *, shape: bytes = SHAPE) -> None:
        self._work, self._owner, self._shape = work, owner, shape
        self._key = derive.card_key(catalogue_key)

    def read(self, what: What, ids: Collection[bytes], reading: Callable[[bytes], T]) -> dict[Id, T]:
        """What the cards of these studies say, as far as they are there and still right."""
        found: dict[Id, T] = {}
        for study_id, changed, ct in self._rows(what, ids):
            with suppress(Tampered):  # what is no card is made again
                found[Id(study_id)] = reading(self.opened(what, study_id, changed, ct))
        return found

    def opened(self, what: What, study_id: bytes, changed: int, ct: bytes) -> bytes:
        """What one card says. Raises `Tampered` for what is no card of this shape."""
        octets = unpadded(unwrap(self._key, ct, "card", *self._context(study_id, what, changed)))
        return zlib.decompress(octets) if octets[:1] == _DEFLATED else octets

    def keep(
        self, what: What, made: Mapping[Id, tuple[int, bytes]], *, made_from: Collection[What] = frozenset()
    ) -> None:
        """Once the caller's transaction has ended well these cards are kept, each with its count of changes.

        Where another is writing just then, or a study has changed since, only the time to open it again is lost. What
        was made from other cards is kept beside these alone: what could not be opened whole has none, and is told anew.
        """
        rows: list[_Values] = [
            {
                "owner": self._owner.id,
                "study": study_id,
                "what": int(what),
                "changed": changed,
                "ct": self._sealed(octets, self._context(study_id, what, changed)),
            }
            for study_id, (changed, octets) in made.items()
        ]
        if rows:
            database, owner = self._work.database, self._owner
            self._work.afterwards(lambda: _write(database, owner, rows, frozenset(made_from)))

    def _rows(self, what: What, ids: Collection[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
        if len(ids) == 1:
            (study_id,) = ids
            yield from (row for (row,) in _ONE.rows(self._work, owner=self._owner.id, study=study_id, what=int(what)))
            return
        found = (
            sa.select(CardRow.study, CardRow.changed, CardRow.ct)
            .join(StudyRow, sa.and_(StudyRow.id == CardRow.study, StudyRow.changed == CardRow.changed))
            .where(CardRow.owner == self._owner.id, CardRow.what == int(what))
        )
        if len(ids) <= _MANY:
            listed = list(ids)
            for start in range(0, len(listed), _FEW):
                part = found.where(CardRow.study.in_(listed[start : start + _FEW]))
                yield from ((one, changed, ct) for one, changed, ct in self._work.session.execute(part))
            return
        wanted = frozenset(ids)
        yield from ((one, changed, ct) for one, changed, ct in self._work.session.execute(found) if one in wanted)

    def _context(self, study_id: bytes, what: What, changed: int) -> tuple[bytes | int, ...]:
        return self._owner.id, study_id, int(what), changed, self._shape

    def _sealed(self, octets: bytes, context: tuple[bytes | int, ...]) -> bytes:
        packed = octets if len(octets) < _DEFLATED_FROM else zlib.compress(octets, 1)
        return wrap(self._key, padded(packed, PADDING), "card", *context)


def _write(database: Database, owner: Owner, rows: list[_Values], made_from: frozenset[What]) -> None:
    with suppress(StoreAway, IntegrityError), database.writing_in_passing() as session:
        if not is_there(session, owner):
            return
        for start in range(0, len(rows), _FEW):
            part = rows[start : start + _FEW]
            asked = sa.select(StudyRow.id, StudyRow.changed).where(StudyRow.id.in_([row["study"] for row in part]))
            now = {study_id: changed for study_id, changed in session.execute(asked)}  # noqa: C416  pyright's row
            right = [row for row in part if now.get(row["study"]) == row["changed"]]
            put_rows(session, CardRow, _beside(session, owner, right, made_from), key=("owner", "study", "what"))


def _beside(session: Session, owner: Owner, rows: list[_Values], made_from: frozenset[What]) -> list[_Values]:
    """Those that lie beside the cards they were made from, each of the same count of changes."""
    if not made_from:
        return rows
    named, kinds = [row["study"] for row in rows], [what.value for what in made_from]
    asked = sa.select(CardRow.study, CardRow.changed).where(CardRow.owner == owner.id, CardRow.study.in_(named))
    there = Counter((one, changed) for one, changed in session.execute(asked.where(CardRow.what.in_(kinds))))
    return [row for row in rows if there[row["study"], row["changed"]] == len(kinds)]


def is_there(session: Session, owner: Owner) -> bool:
    """Whether the owner still opens something; if so, until the caller's transaction has ended."""
    if owner.kind is OwnerKind.GRANT:
        live = sa.select(GrantOwnerRow.id).where(GrantOwnerRow.id == owner.id, GrantOwnerRow.status == "live")
        return session.scalar(live.with_for_update(read=True)) is not None
    return session.scalar(sa.select(VaultRow.id).where(VaultRow.id == owner.id).with_for_update(read=True)) is not None
