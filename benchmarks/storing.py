"""Store: studies pushed as sites push them, several files a request or one, over one connection or four."""

import json
from collections.abc import Sequence

from benchmarks import studies, wire
from benchmarks.lab import Figures, Lab, Operation
from benchmarks.multipart import STORE, body_of
from benchmarks.servers import Server
from benchmarks.studies import Copy, Kind
from benchmarks.wire import Answer, Connection, Unexpected

MB = 1_000_000
_STORED = "00081199"  # Referenced SOP Sequence of the answer (PS3.18 10.5.3)

Files = Sequence[tuple[bytes, bytes]]


def push(server: Server, *copies: Copy, a_request: int = 50, pushers: int = 1) -> Figures:
    """All files of the copies are stored. Raises `Unexpected` where an answer does not name each of them."""
    files = [copy.pieces(index) for copy in copies for index in range(len(copy.study.instances))]
    requests = [
        (len(chosen), body_of(chosen))
        for start in range(0, len(files), a_request)
        if (chosen := files[start : start + a_request])
    ]
    done = wire.spread([server.sender() for _ in range(pushers)], requests, _send)
    size = sum(copy.study.size for copy in copies)
    return {"instances/s": len(files) / done.seconds, "MB/s": size / MB / done.seconds}


def _send(connection: Connection, request: tuple[int, list[bytes]]) -> Answer:
    count, body = request
    answer = connection.post("/studies", STORE, body).expect(200)
    if len(json.loads(answer.body).get(_STORED, {}).get("Value", ())) != count:
        raise Unexpected(f"{count} were sent, and the answer does not say that they are stored: {answer.body[:300]!r}")
    return answer


def _storing(name: str, kind: Kind, *, a_request: int, pushers: int = 1, quick: bool = False) -> Operation:
    def run(server: Server, lab: Lab) -> Figures:
        return push(server, lab.fresh(kind), a_request=a_request, pushers=pushers)

    among = "1 pusher" if pushers == 1 else f"{pushers} pushers"
    # A study of the kind lies there before, so that what is stored is known to come back as it was.
    return Operation(name, f"store {kind.name}, {a_request} a request, {among}", run, (kind,), quick=quick)


STORING = (
    _storing("store-ct", studies.CT, a_request=20, quick=True),
    _storing("store-ct-4", studies.CT, a_request=20, pushers=4),
    _storing("store-mr", studies.MR, a_request=60, quick=True),
    _storing("store-small", studies.SMALL, a_request=100),
    _storing("store-one", studies.SMALL, a_request=1, pushers=4),
    _storing("store-cr", studies.CR, a_request=1, quick=True),
    _storing("store-packed", studies.PACKED, a_request=20),
)
