"""By what the studies of an owner with many of them are searched: a column for each word (docs/format.md 6).

A search opens the columns it compares, and then the cards of the studies it answers with. A sheet says for each scope
how often it had changed by then; where one has changed since, only the studies that changed are looked at again.
"""

import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from vault.cards import SHAPE
from vault.catalogue import listing
from vault.database import Database, Work
from vault.deck import is_there
from vault.errors import StoreAway
from vault.ids import Id, new_id
from vault.keyring import Keyring, Owner, OwnerKind
from vault.objects import as_json, from_json
from vault.rows import put_rows
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind, open_octets, padded, seal_octets, unpadded
from vault.studies import Study
from vault.tables import ScopeRow, SheetRow, StudyRow
from vault.tables_sharing import GrantStudyRow

FEW: Final = 250  # studies that are read from their cards as fast as from a sheet
PADDING: Final = 4096
_BETWEEN: Final = "\x1f"  # values; ASCII's unit separator, which no DICOM text holds
_HEAD: Final = struct.Struct(">I")

# Each column and what it says of a study; "" where the study has no pictures, so that nothing is found.
COLUMNS: Final[dict[str, Callable[[Study], str]]] = {
    "uid": lambda study: study.uid if study.series else "",
    "date": lambda study: study.facts.date,
    "time": lambda study: study.facts.time,
    "accession": lambda study: study.facts.accession,
    "modalities": lambda study: "\\".join(study.modalities),
    "referrer": lambda study: study.facts.referrer,
    "description": lambda study: study.facts.description,
    "name": lambda study: study.facts.person.name,
    "mrn": lambda study: study.facts.person.mrn,
    "born": lambda study: study.facts.person.born,
    "sex": lambda study: study.facts.person.sex,
    "number": lambda study: study.facts.study_number,
}
_NOTHING: Final = ("",) * len(COLUMNS)
_SHAPE: Final = sha256(b"2" + SHAPE + repr(list(COLUMNS)).encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One study: how often it had changed, and its words, a word for each column."""

    changed: int
    words: tuple[str, ...]


class Sheet:
    """The columns of an owner's studies, the newest study first.

    The first `listed` of them have pictures; the others have no UID here. `is_plain`: no two of them have the same.
    """

    def __init__(self, octets: bytes) -> None:
        """From the octets of `laid_out`."""
        end = _HEAD.size + _HEAD.unpack_from(octets)[0]
        head: dict[str, Any] = from_json(octets[_HEAD.size : end])
        self.scopes: dict[str, int] = head["scopes"]
        self._count: int = head["count"]
        self.listed: int = head["listed"]
        self.is_plain: bool = head["plain"]
        self._octets, self._places = octets, dict[str, tuple[int, int]]()
        for name, length in head["columns"]:
            self._places[name] = (end, end + length)
            end += length

    @property
    def ids(self) -> list[Id]:
        """The studies."""
        return self.ids_at(range(self._count))

    def ids_at(self, places: Iterable[int]) -> list[Id]:
        """The studies at these places."""
        octets = self._column("id")
        return [Id(octets[16 * at : 16 * at + 16]) for at in places]

    def words(self, name: str) -> list[str]:
        """A column."""
        return self._column(name).decode(errors="surrogatepass").split(_BETWEEN) if self._count else []

    def entries(self) -> dict[Id, _Entry]:
        """All there is, by study."""
        changed = struct.unpack(f">{self._count}Q", self._column("changed"))
        rows = zip(*(self.words(name) for name in COLUMNS), strict=True)
        return {one: _Entry(*said) for one, said in zip(self.ids, zip(changed, rows, strict=True), strict=True)}

    def _column(self, name: str) -> bytes:
        begin, end = self._places[name]
        return self._octets[begin:end]


def laid_out(scopes: dict[str, int], entries: dict[Id, _Entry]) -> bytes:
    """The octets of a sheet."""
    ordered = sorted(entries.items(), key=lambda pair: _order(pair[1]), reverse=True)
    columns = {
        "id": b"".join(one for one, _ in ordered),
        "changed": struct.pack(f">{len(ordered)}Q", *(entry.changed for _, entry in ordered)),
    }
    for at, name in enumerate(COLUMNS):
        text = _BETWEEN.join(entry.words[at].replace(_BETWEEN, " ") for _, entry in ordered)
        columns[name] = text.encode(errors="surrogatepass")
    uids = [entry.words[0] for _, entry in ordered if entry.words[0]]
    told = {
        "scopes": scopes,
        "count": len(ordered),
        "listed": len(uids),
        "plain": len(set(uids)) == len(uids),
        "columns": [[name, len(made)] for name, made in columns.items()],
    }
    head = as_json(told)
    return b"".join((_HEAD.pack(len(head)), head, *columns.values()))


def _order(entry: _Entry) -> tuple[bool, str, str, str]:
    uid, day, time = entry.words[:3]
    return uid != "", day, time, uid


# -- of an owner ----------------------------------------------------------------------------------------------------


def open_sheet(work: Work, keyring: Keyring) -> Sheet | None:
    """The columns of all that this keyring sees, as they are now; None where there are few, or several owners'."""
    owner, key = keyring.owner, keyring.catalogue_key(work) if len(keyring.parts) == 1 else None
    if key is None:
        return None
    before = _read(work, owner, key)
    if before is None and _has_few(work, owner):
        return None
    now = _scopes(work, keyring)
    if before is not None and before.scopes == now:
        return before
    held = {Id(study_id): changed for study_id, changed in work.session.execute(_held(owner))}
    if len(held) <= FEW:
        return None
    known = {} if before is None else before.entries()
    entries = {one: entry for one, entry in known.items() if held.get(one) == entry.changed}
    fresh = [one for one in held if one not in entries]
    shown = {study.id: study for study in listing(work, keyring, fresh if len(fresh) <= FEW else None).studies}
    entries |= {one: _Entry(held[one], _words(shown.get(one))) for one in fresh}
    octets = laid_out(now, entries)
    _keep(work, owner, key, octets)
    return Sheet(octets)


def _words(study: Study | None) -> tuple[str, ...]:
    return _NOTHING if study is None else tuple(said(study) for said in COLUMNS.values())


def _scopes(work: Work, keyring: Keyring) -> dict[str, int]:
    asked = sa.select(ScopeRow.id, ScopeRow.changes).where(ScopeRow.id.in_(keyring.scopes(work)))
    return {scope.hex(): changes for scope, changes in work.session.execute(asked)}


def _has_few(work: Work, owner: Owner) -> bool:
    some = _held(owner).limit(FEW + 1).subquery()
    return (work.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) <= FEW


def _held(owner: Owner) -> sa.Select[bytes, int]:
    """How often each study of the owner has changed. Who may see it is asked of what is answered with."""
    asked = sa.select(StudyRow.id, StudyRow.changed)
    if owner.kind is OwnerKind.GRANT:
        asked = asked.join(GrantStudyRow, GrantStudyRow.study == StudyRow.id).where(GrantStudyRow.grant == owner.id)
    else:
        asked = asked.join(ScopeRow, StudyRow.scope == ScopeRow.id)
        asked = asked.where(ScopeRow.owner_kind == owner.kind.value, ScopeRow.owner == owner.id)
    return asked


def _read(work: Work, owner: Owner, key: bytes) -> Sheet | None:
    """The sheet as it was written last; None where there is none that this build wrote."""
    found = sa.select(SheetRow.id, SheetRow.commitment, SheetRow.ct).where(SheetRow.owner == owner.id)
    row = work.session.execute(found).first()
    if row is None:
        return None
    sheet_id, commitment, ct = row
    with suppress(Tampered):
        octets = unpadded(
            open_octets(ct, key=key, study=owner.id, object_id=sheet_id, kind=Kind.CATALOGUE, commitment=commitment)
        )
        if octets.startswith(_SHAPE):
            return Sheet(octets[len(_SHAPE) :])
    return None


def _keep(work: Work, owner: Owner, key: bytes, octets: bytes) -> None:
    """Once the caller's transaction has ended well the sheet is kept, unless another is writing just then."""
    sheet_id = new_id()
    ct, sealed = seal_octets(
        padded(_SHAPE + octets, PADDING), key32=key, study16=owner.id, object_id16=sheet_id, kind=Kind.CATALOGUE
    )
    row = {"owner": owner.id, "id": sheet_id, "commitment": sealed.commitment, "ct": ct}
    scopes, database = Sheet(octets).scopes, work.database
    work.afterwards(lambda: _write(database, owner, scopes, row))


def _write(database: Database, owner: Owner, scopes: dict[str, int], row: dict[str, Any]) -> None:
    with suppress(StoreAway, IntegrityError), database.writing_in_passing() as session:
        if not is_there(session, owner):
            return
        ids = [bytes.fromhex(one) for one in scopes]
        asked = sa.select(ScopeRow.id, ScopeRow.changes).where(ScopeRow.id.in_(ids)).order_by(ScopeRow.id)
        now = {scope.hex(): changes for scope, changes in session.execute(asked.with_for_update(read=True))}
        if now == scopes:  # what was erased since must not come back
            put_rows(session, SheetRow, [row], key=("owner",))
