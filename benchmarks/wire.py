"""A client that costs little, for it shares the machine with what it measures: one socket, kept open, no library."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO, Self, TypeVar, cast
from urllib.parse import urlsplit

PIECE = 1 << 20
SECONDS = 600  # without any octet from the server

Headers = Mapping[str, str]
Octets = bytes | memoryview
Job = TypeVar("Job")
Result = TypeVar("Result")


class Unexpected(Exception):
    """A server answered something else than it was asked for; the words say what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and when: `asked`, `first` and `done` are seconds of `time.perf_counter`."""

    status: int
    headers: Headers
    size: int
    asked: float
    first: float
    done: float
    body: bytes = field(default=b"", repr=False)

    @property
    def ms(self) -> float:
        """From the first octet sent to the last received, in milliseconds."""
        return (self.done - self.asked) * 1000

    def expect(self, *statuses: int, least: int = 0) -> "Answer":
        """The answer, where it has one of these statuses and this many octets. Raises `Unexpected`."""
        if self.status not in (statuses or (200,)) or self.size < least:
            raise Unexpected(f"status {self.status}, {self.size} octets: {self.body[:300]!r}")
        return self


class Connection:
    """One connection to `base`, opened at its first use and kept; not for two threads at a time."""

    def __init__(self, base: str, headers: Headers | None = None) -> None:
        parts = urlsplit(base)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Host": parts.netloc, "User-Agent": "benchmark", **(headers or {})}
        self._socket: socket.socket | None = None
        self._file: BinaryIO | None = None
        self._room = memoryview(bytearray(PIECE))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, headers: Headers | None = None) -> Answer:
        """The answer with its body."""
        return self.ask("GET", path, headers)

    def count(self, path: str, headers: Headers | None = None) -> Answer:
        """The answer, its body counted and dropped: nothing is kept of what is large."""
        return self.ask("GET", path, headers, keep=False)

    def post(self, path: str, headers: Headers, body: Sequence[Octets]) -> Answer:
        """The answer to a body that is sent piece by piece as it lies there, without a copy."""
        return self.ask("POST", path, headers, body)

    def ask(
        self, method: str, path: str, headers: Headers | None = None, body: Sequence[Octets] = (), *, keep: bool = True
    ) -> Answer:
        """The answer; asked once more where the server had closed a connection that lay idle."""
        fresh = self._socket is None
        try:
            return self._ask(method, path, headers or {}, body, keep=keep)
        except (ConnectionError, EOFError):
            self.close()
            if fresh:
                raise
            return self._ask(method, path, headers or {}, body, keep=keep)

    def close(self) -> None:
        """Nothing is open any more; the next request opens it again."""
        if self._socket is not None and self._file is not None:
            self._file.close()
            self._socket.close()
        self._socket = self._file = None

    def _ask(self, method: str, path: str, headers: Headers, body: Sequence[Octets], *, keep: bool) -> Answer:
        line, file = self._opened()
        said = {**self._headers, **headers}
        if method != "GET":
            said["Content-Length"] = str(sum(map(len, body)))
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        asked = time.perf_counter()
        line.sendall(f"{method} {self._prefix}{path} HTTP/1.1\r\n{lines}\r\n".encode())
        for piece in body:
            line.sendall(piece)
        status, told = _head(file)
        first = time.perf_counter()
        size, pieces = self._body(file, told, keep=keep) if status not in (204, 304) else (0, [])
        done = time.perf_counter()
        if told.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, told, size, asked, first, done, b"".join(pieces))

    def _opened(self) -> tuple[socket.socket, BinaryIO]:
        if self._socket is None or self._file is None:
            line = socket.create_connection(self._address, timeout=SECONDS)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket, self._file = line, cast("BinaryIO", line.makefile("rb", buffering=1 << 18))
        return self._socket, self._file

    def _body(self, file: BinaryIO, told: Headers, *, keep: bool) -> tuple[int, list[bytes]]:
        pieces: list[bytes] = []
        if "chunked" not in told.get("transfer-encoding", "").lower():
            if "content-length" in told:
                size = int(told["content-length"])
                self._take(file, size, pieces, keep=keep)
                return size, pieces
            return self._rest(file, pieces, keep=keep), pieces
        total = 0
        while size := int(file.readline().partition(b";")[0], 16):
            self._take(file, size, pieces, keep=keep)
            file.readline()
            total += size
        while file.readline() not in (b"\r\n", b""):
            pass
        return total, pieces

    def _rest(self, file: BinaryIO, pieces: list[bytes], *, keep: bool) -> int:
        """All until the server closes the connection, which tells the length of no other answer."""
        total = 0
        while got := file.readinto(self._room):  # type: ignore[attr-defined]
            if keep:
                pieces.append(bytes(self._room[:got]))
            total += got
        self.close()
        return total

    def _take(self, file: BinaryIO, size: int, pieces: list[bytes], *, keep: bool) -> None:
        while size:
            got = file.readinto(self._room[: min(size, PIECE)])  # type: ignore[attr-defined]
            if not got:
                raise EOFError("the answer broke off")
            if keep:
                pieces.append(bytes(self._room[:got]))
            size -= got


def _head(file: BinaryIO) -> tuple[int, dict[str, str]]:
    """Status and headers of the final answer: what is only informational (1xx) is passed over."""
    while True:
        line = file.readline()
        if not line:
            raise EOFError("no answer")
        status = int(line.split(None, 2)[1])
        told: dict[str, str] = {}
        while (line := file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            told[name.strip().lower()] = value.strip()
        if status >= 200:
            return status, told


@dataclass(frozen=True, slots=True)
class Spread:
    """What came of jobs done over several connections: the results in no order, and the seconds that it took."""

    results: list
    seconds: float


def in_time(jobs: Iterable[Job], seconds: float = 6.0) -> Iterator[Job]:
    """The jobs one after the other, as long as there is time: whoever is slow is asked less often, not for longer."""
    until = time.monotonic() + seconds
    for job in jobs:
        yield job
        if time.monotonic() > until:
            return


def spread(connections: Sequence[Connection], jobs: Iterable[Job], do: Callable[[Connection, Job], Result]) -> Spread:
    """Every job is done, each connection in a thread of its own taking the next that is left. Closes them."""
    left, lock, results, ended = iter(jobs), threading.Lock(), [], threading.Event()

    def work(connection: Connection) -> None:
        while not ended.is_set():
            with lock:
                job = next(left, None)
            if job is None:
                return
            results.append(do(connection, job))

    began = time.perf_counter()
    try:
        with ThreadPoolExecutor(len(connections)) as threads:
            try:
                for one in [threads.submit(work, connection) for connection in connections]:
                    one.result()
            finally:
                ended.set()  # one failed, or somebody pressed Ctrl-C: the others begin nothing more
        return Spread(results, time.perf_counter() - began)
    finally:
        for connection in connections:
            connection.close()


def parts_of(answer: Answer) -> list[bytes]:
    """The bodies of a multipart answer; for checks, not while the clock runs. Of anything else, its one body."""
    kind = answer.headers.get("content-type", "")
    if "boundary=" not in kind:
        return [answer.body]
    boundary = kind.partition("boundary=")[2].partition(";")[0].strip().strip('"').encode()
    found = (b"\r\n" + answer.body).split(b"\r\n--" + boundary)[1:]
    return [part.partition(b"\r\n\r\n")[2] for part in found if not part.startswith(b"--")]
