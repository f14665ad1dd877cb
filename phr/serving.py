"""`phr serve`: the parent prepares the store once and does the jobs; its worker processes answer requests.

    gunicorn -k gthread -w 2 --threads 16 --graceful-timeout 30 "phr.serving:worker_app()"

serves as well, with PHR_PROCESSES=2, after `phr db upgrade` and beside `phr worker`.
"""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from consent import signing_keys
from phr import printing
from phr.config import Settings, is_given
from phr.jobs import Jobs, make_consumer, make_jobs
from phr.storing import open_store, prepare
from vault import custody
from vault.database import Services
from vault.sealing.slow import share_cores

FACTORY = "phr.serving:worker_app"
STOP_SECONDS = 30
# For each process. Browsers and archives keep theirs open for a while after an answer, six at a time: were there no
# more than threads, they would keep everyone else out.
OPEN_CONNECTIONS = 512
# glibc would give each thread an arena of its own and keep in it what a pushed study once needed. Octets beyond 2 MiB
# go back as soon as they are let go of, and so does what is free at the heap's end beyond 4 MiB (mallopt(3)).
MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 20),
}
_PDEATHSIG = 1  # prctl(2), PR_SET_PDEATHSIG


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, with how many processes and how many requests at a time in each."""

    host: str
    port: int
    processes: int
    threads: int


def keep_to_ourselves() -> None:
    """No core dump of this process or its children holds keys, and no file they make is readable by others."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)


def end_with_parent() -> None:
    """This process is told to end when the one that started it is gone, however it went. On Linux; else nothing."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PDEATHSIG, signal.SIGTERM)


def worker_app() -> Flask:
    """The app of one worker process, which takes its part of the cores and no more."""
    # The parent answers nothing, and need not hold every room in memory.
    from fhir_gateway.dicom.decoderless import load_pydicom  # noqa: PLC0415

    load_pydicom()
    from phr.app import create_app  # noqa: PLC0415

    keep_to_ourselves()
    settings = Settings.from_env()
    share_cores(among=settings.processes)
    printing.keep_to(processes=settings.processes, threads=settings.threads)
    app = create_app(settings, services=open_store(settings))
    keep_what_is_loaded()
    return app


def keep_what_is_loaded() -> None:
    """What is in memory now is never looked through again for what nobody uses.

    It is nearly all that a worker ever holds, it stays, and looking through it stops every request for a tenth of a
    second: in the middle of somebody's scroll through a series.
    """
    gc.collect()
    gc.freeze()


def serve(settings: Settings, listening: Listening) -> None:
    """Answer requests until told to end by SIGTERM or SIGINT; what is being sent is then sent to its end."""
    keep_to_ourselves()
    services = prepare(settings)
    # Spawned, not forked: a fork would carry our open SQLite connections, and with them locks that nobody gives back.
    # Spawned workers read the settings anew: they must know how many they are, to share the cores.
    multiprocessing.set_start_method("spawn", force=True)
    os.putenv("PHR_PROCESSES", str(listening.processes))
    os.putenv("PHR_THREADS", str(listening.threads))
    for name, value in MEMORY.items():
        if not is_given(name):
            os.putenv(name, value)
    server = Server(
        FACTORY,
        factory=True,
        address=listening.host,
        port=listening.port,
        interface=Interfaces.WSGI,
        workers=listening.processes,
        blocking_threads=listening.threads,
        backpressure=max(OPEN_CONNECTIONS, listening.threads),
        websockets=False,
        http=HTTPModes.auto,
        log_level=LogLevels.error,
        log_access=False,  # an address may hold an identifier of a study
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    try:
        with doing(make_jobs(settings, services), services):
            server.serve()
    finally:
        services.database.dispose()


@contextmanager
def doing(jobs: Jobs, services: Services) -> Generator[None]:
    """The jobs are done beside whatever happens inside; what a crash left is swept first."""
    custody.sweep(services)
    signing_keys.make_sure(services)
    consumer = make_consumer(jobs)
    consumer.start()
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # ending the server matters more than its last sweep
            consumer.stop(graceful=True)
