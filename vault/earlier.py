"""What is kept already of the instances that a request brings: looked for in few questions, however many come."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from vault.database import Services, Work
from vault.errors import DifferentContent
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import KeyClass
from vault.tables import InstanceRow, ObjectRow

SINGLY = 3  # so many instances of a series are looked for one by one, the next ones among all that it has
MOST_MARKS = 5000  # 16 octets each

_INSTANCE, _OBJECT = table_of(InstanceRow), table_of(ObjectRow)


def _of_mark(wanted: Found) -> Found:
    """Every version under one mark, the newest one last."""
    scope, uid_bi = octets("scope"), octets("uid_bi")
    return (
        wanted.select_from(_INSTANCE.join(_OBJECT, _OBJECT.c.id == _INSTANCE.c.object))
        .where(_INSTANCE.c.scope == scope, _INSTANCE.c.uid_bi == uid_bi)
        .order_by(_INSTANCE.c.version)
    )


_VERSIONS = Joined(Part(InstanceRow, without={"layout"}), Part(ObjectRow, only={"id", "key_class"}), found=_of_mark)

Mark = tuple[bytes, bytes]
"""Scope and blind index of an instance's UID."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The newest version that is kept under a mark."""

    version: int
    series: bytes
    batch: bytes
    content_mac: bytes
    of_documents: bool


class Looking:
    """One request's questions after what is kept."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._asked: Counter[bytes] = Counter()
        self._marks: dict[bytes, frozenset[bytes] | None] = {}

    def earlier(self, instance: InstanceRow) -> Earlier | None:
        """What is kept under the instance's mark. A None may be wrong until `newest_of` is asked at the commit."""
        if not self._may_be_kept(instance):
            return None
        with self._services.reading() as work:
            return newest_of(work, (instance.scope, instance.uid_bi))

    def _may_be_kept(self, instance: InstanceRow) -> bool:
        self._asked[instance.series] += 1
        if self._asked[instance.series] <= SINGLY:
            return True
        if instance.series not in self._marks:
            self._marks[instance.series] = self._marks_of(instance.series)
        marks = self._marks[instance.series]
        return marks is None or instance.uid_bi in marks

    def _marks_of(self, series_id: bytes) -> frozenset[bytes] | None:
        """The blind indexes of all that a series has; None where these are too many to hold."""
        found = sa.select(InstanceRow.uid_bi).where(InstanceRow.series == series_id).limit(MOST_MARKS + 1)
        with self._services.reading() as work:
            marks = work.session.scalars(found).all()
        return None if len(marks) > MOST_MARKS else frozenset(marks)


def newest_of(work: Work, mark: Mark) -> Earlier | None:
    """What is kept under this mark."""
    scope_id, uid_bi = mark
    for one, kept in _VERSIONS.rows(work, scope=scope_id, uid_bi=uid_bi)[-1:]:
        documents = kept.key_class == KeyClass.REPORTS.value
        return Earlier(one.version, one.series, one.batch, one.content_mac, documents)
    return None


def check_same(kept: Earlier | InstanceRow, instance: InstanceRow) -> None:
    """Raise `DifferentContent` unless both are the same octets in the same series."""
    if kept.series != instance.series or kept.content_mac != instance.content_mac:
        raise DifferentContent
