"""Fetches a study: as a whole where nothing of it is here, else series by series and one by one (WADO-RS, PS3.18 10.4).

Every instance is read as it comes, so that a file bears the name of what it is, and is compared with the study's list.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter

from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.dicomweb.multipart import parts
from fhir_gateway.errors import BadBody, UnreadableDicom, UnsupportedMediaType
from phr.pulling import NotLetIn
from phr.pulling.listing import Listed, Wanted
from phr.pulling.passing import Way
from phr.pulling.shelf import Arrived, Shelf
from phr.pulling.web import BROKEN, Interruption

ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
ASKED_FOR = 2  # times, before something that does not come, or comes differently, is given up

_Uids = tuple[str, str]


class _WireError(Exception):
    """The connection broke while an answer was read; kept apart from what a disk says."""


@dataclass(frozen=True, slots=True)
class Order:
    """One request: its path below the study, and what it should bring."""

    path: str
    wanted: tuple[Wanted, ...]


@dataclass(slots=True)
class Fetched:
    """What became of one study: `known` was here before; `lacking` did not come, or came with other octets."""

    study: str
    known: int = 0
    taken: int = 0
    reencoded: int = 0
    lacking: list[Wanted] = field(default_factory=list[Wanted])


class Fetching:
    """One study on its way. `progress` hears of files and octets."""

    def __init__(self, way: Way, listed: Listed, shelf: Shelf, progress: Callable[[int, int], None]) -> None:
        self._way, self._listed, self._shelf, self._progress = way, listed, shelf, progress
        self._series: dict[str, list[Wanted]] = defaultdict(list)
        self._named: dict[_Uids, list[Wanted]] = defaultdict(list)
        for one in listed.wanted:
            self._series[one.series].append(one)
            self._named[one.uids].append(one)
        self._left = {one: 0 for one in listed.wanted if not shelf.has(one)}
        self._result = Fetched(listed.study, known=len(listed.wanted) - len(self._left))

    @property
    def left(self) -> list[Wanted]:
        """What is still to come."""
        return list(self._left)

    def run(self) -> Fetched:
        """Everything was asked for. Raises `NotLetIn`, `BrokeOff`, `NoRoom`; what came by then stays."""
        patience = self._way.web.patience()
        while order := self._next_order():
            before = len(self._left)
            try:
                self._bring(order)
            except Interruption as interruption:
                if len(self._left) < before:
                    patience.went_well()
                patience.failed(interruption)
            else:
                patience.went_well()
                self._count_asked(order)
        self._shelf.tidy()
        return self._result

    def _next_order(self) -> Order | None:
        """As much at a time as nothing of is here, so that nothing comes twice."""
        everything = self._listed.wanted
        if not self._left:
            return None
        if len(self._left) == len(everything) and not any(self._left.values()):
            return Order("", everything)
        for series, wanted in self._series.items():
            if len(wanted) > 1 and all(self._left.get(one) == 0 for one in wanted):
                return Order(f"/series/{series}", tuple(wanted))
        one = next(iter(self._left))
        return Order(f"/series/{one.series}/instances/{one.instance}", (one,))

    def _bring(self, order: Order) -> None:
        """Raises `Interruption` where the answer breaks off."""
        web = self._way.web
        url = f"{web.base}/dicomweb/studies/{self._listed.study}{order.path}"
        got = web.open("GET", url, {"Accept": ACCEPT}, token=self._way.token())
        try:
            if got.status == 200:
                self._take_all(_Wire(got.read), got.headers.get("Content-Type"))
            elif got.status == 401:
                self._way.refused()
                raise Interruption("the token is renewed", 0)
            elif got.status == 403:
                raise NotLetIn("The patient allowed looking, not saving a copy.")
            elif got.status not in {404, 406, 410}:
                raise Interruption(f"the server failed ({got.status})")
        except (_WireError, BadBody, UnsupportedMediaType):
            raise Interruption("the connection broke") from None
        finally:
            if not got.isclosed():
                web.close()

    def _take_all(self, wire: "_Wire", content_type: str | None) -> None:
        for _, pieces in parts(wire, content_type):
            try:
                incoming = read_instance(pieces)
                arrived = self._shelf.take(incoming.octets)
            except UnreadableDicom:
                continue  # it is not crossed off, and asked for once more
            if incoming.study_uid == self._listed.study:
                self._cross_off(arrived, (incoming.series_uid, incoming.instance_uid))

    def _cross_off(self, arrived: Arrived, uids: _Uids) -> None:
        meant = [one for one in self._named.get(uids, ()) if one in self._left]
        same = [one for one in meant if one.reencoded or arrived.is_what(one)]
        for one in sorted(same, key=attrgetter("reencoded"))[:1]:
            self._shelf.keep(arrived, one)
            del self._left[one]
            self._result.taken += 1
            self._result.reencoded += int(one.reencoded)
            self._progress(1, arrived.length)

    def _count_asked(self, order: Order) -> None:
        """What an answer that came whole did not bring is asked for alone, and then given up."""
        for one in order.wanted:
            if one in self._left:
                self._left[one] += 1
                if self._left[one] >= ASKED_FOR:
                    del self._left[one]
                    self._result.lacking.append(one)


class _Wire:
    """An answer's octets; what breaks here is the connection, not the disk."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def read(self, size: int, /) -> bytes:
        """At most `size` octets. Raises `_WireError`."""
        try:
            return self._read(size)
        except BROKEN:
            raise _WireError from None
