"""What this machine could do at best: the cipher, the disk, the database, the loopback, a server that says hello."""

import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import wire
from benchmarks.wire import Connection

MB = 1_000_000
SEGMENT, SLICE = 64 << 10, 512 << 10
_TIMES, _SECONDS = 3, 0.15
_ROWS = 20


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One building block and its rate: the median of three."""

    name: str
    rate: float
    unit: str


def ceilings(folder: Path) -> list[Ceiling]:
    """All of them; takes some five seconds, and leaves nothing in the folder."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        return [*_cipher(), *_disk(place), *_database(place), _loopback(), _hello()]


def _rate(name: str, unit: str, deed: Callable[[], object], each: float) -> Ceiling:
    """How much a second, where the deed does `each`."""
    seen = []
    for _ in range(_TIMES):
        began, count = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < _SECONDS:
            deed()
            count += 1
        seen.append(count * each / passed)
    return Ceiling(name, statistics.median(seen), unit)


def _cipher() -> list[Ceiling]:
    cipher, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    plain, room = os.urandom(SEGMENT), bytearray(SEGMENT)
    sealed = cipher.encrypt(nonce, plain, None)
    return [
        _rate("AES-256-GCM seal, 64 KiB", "MB/s", lambda: cipher.encrypt(nonce, plain, None), SEGMENT / MB),
        _rate("AES-256-GCM open into a buffer", "MB/s", lambda: cipher.decrypt_into(nonce, sealed, None, room),
              SEGMENT / MB),
    ]  # fmt: skip


def _disk(place: Path) -> list[Ceiling]:
    octets = os.urandom(SLICE)

    def write(count: int, *, each: bool) -> None:
        handle = -1
        for number in range(count):
            if each or handle < 0:
                handle = os.open(place / f"file-{number}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
            os.write(handle, octets)
            if each:
                os.fsync(handle)
                os.close(handle)
        if not each:
            os.fsync(handle)
            os.close(handle)

    return [
        _rate("files of 512 KiB, each made durable", "MB/s", lambda: write(10, each=True), 10 * SLICE / MB),
        _rate("20 of them in one file, made durable once", "MB/s", lambda: write(20, each=False), 20 * SLICE / MB),
    ]


def _database(place: Path) -> list[Ceiling]:
    database = sqlite3.connect(place / "rows.sqlite3", isolation_level=None)
    database.executescript(
        "pragma journal_mode=wal; pragma synchronous=full; create table row(id blob primary key, octets blob)"
    )

    def insert(count: int) -> None:
        database.execute("begin")
        database.executemany("insert into row values (?, ?)", [(os.urandom(16), bytes(200)) for _ in range(count)])
        database.execute("commit")

    try:
        return [
            _rate("SQLite commits of one row", "commits/s", lambda: insert(1), 1),
            _rate(f"SQLite rows, {_ROWS} a commit", "rows/s", lambda: insert(_ROWS), _ROWS),
        ]
    finally:
        database.close()


def _loopback(total: int = 64 << 20) -> Ceiling:
    octets, room = bytes(SLICE), bytearray(1 << 20)

    def once() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def send() -> None:
                peer, _ = server.accept()
                with peer:
                    for _ in range(total // SLICE):
                        peer.sendall(octets)

            thread = threading.Thread(target=send)
            thread.start()
            with socket.create_connection(server.getsockname()) as line:
                while line.recv_into(room):
                    pass
            thread.join()

    return _rate("loopback, from one thread of ours to another", "MB/s", once, total / MB)


def _hello() -> Ceiling:
    """Requests a second through granian with two workers, as our own client over six connections can ask them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--log-level", "error", "benchmarks.hello:app"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(base)
        seen = []
        for _ in range(_TIMES):
            lines = [Connection(base) for _ in range(6)]
            done = wire.spread(lines, range(1500), lambda line, _job: line.get("/").expect())
            seen.append(1500 / done.seconds)
        return Ceiling("hello through granian, 2 workers, our client", statistics.median(seen), "requests/s")
    finally:
        process.terminate()
        process.wait(20)


def _wait(base: str) -> None:
    for _ in range(200):
        try:
            with Connection(base) as connection:
                connection.get("/").expect()
                return
        except OSError:
            time.sleep(0.05)
