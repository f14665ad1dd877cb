"""What has to be done without anyone asking: every minute what has run out is swept, every hour histories are signed.

Nothing here can open anything: a job knows identifiers and the keys of the settings, no one's password, PIN or token.
Jobs travel as JSON, so that whoever can write to the queue's table cannot make us run code.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from huey.api import Huey, crontab
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import PostgresStorage, SqliteStorage

from consent import sweeping
from phr import alerting, witness
from phr.config import Settings
from vault import custody
from vault.database import Services

QUEUE = "keepray"
_MOMENTS = ("eta", "expires", "expires_resolved")


class JsonSerializer(Serializer):
    """Messages as JSON; the library's own way is pickle."""

    def _serialize(self, data: Any) -> bytes:
        held = {"message": data._asdict()} if isinstance(data, Message) else data
        return json.dumps(held, default=str).encode()

    def _deserialize(self, data: bytes) -> Any:
        held = json.loads(data)
        if not (isinstance(held, dict) and "message" in held):
            return held
        message: dict[str, Any] = dict(held["message"])
        message["args"] = tuple(message["args"] or ())
        for name in _MOMENTS:
            if isinstance(message.get(name), str):
                message[name] = datetime.fromisoformat(message[name])
        return Message(**message)


@dataclass(frozen=True, slots=True)
class Jobs:
    """The queue, and the jobs by name."""

    queue: Huey
    named: dict[str, Callable[[], Any]]


def make_jobs(settings: Settings, services: Services) -> Jobs:
    """The queue with all its jobs. Makes its tables, so call it in one process before others use it."""
    queue = _make_queue(settings)
    return Jobs(queue, _register(queue, settings, services))


def make_consumer(jobs: Jobs) -> Consumer:
    """Does the jobs in threads of this process, whose signals stay with whoever runs it: start(), stop()."""
    consumer = jobs.queue.create_consumer(workers=1, worker_type="thread", periodic=True, check_worker_health=False)
    consumer._set_signal_handlers = lambda: None  # noqa: SLF001  a server around us owns the signals
    return consumer


def _make_queue(settings: Settings) -> Huey:
    address = sa.make_url(settings.database_url)
    if address.get_backend_name() == "postgresql":
        kept: dict[str, Any] = {
            "storage_class": PostgresStorage,
            "dsn": address.set(drivername="postgresql").render_as_string(hide_password=False),
        }
    else:
        kept = {
            "storage_class": SqliteStorage,
            "filename": str(settings.data / "jobs.sqlite3"),
            "fsync": True,
            "strict_fifo": True,
        }
    queue = Huey(QUEUE, serializer=JsonSerializer(), results=False, utc=True, **kept)
    queue.on_shutdown("close")(queue.storage.close)  # a thread that ends leaves no connection behind
    return queue


def _register(queue: Huey, settings: Settings, services: Services) -> dict[str, Callable[[], Any]]:
    """The only place that names a job: both ends find it by this module's name and its own."""

    @queue.periodic_task(crontab(minute="*"), name="sweep", expires=50)
    def sweep() -> None:
        custody.sweep(services)
        sweeping.sweep(services)

    room = alerting.post_room(settings)

    @queue.periodic_task(crontab(minute="*"), name="alert", expires=50)
    def alert() -> None:
        alerting.send_what_is_owed(room, services, settings)

    @queue.periodic_task(crontab(minute="7"), name="checkpoint", expires=3_000)
    def checkpoint() -> None:
        witness.checkpoint(services, settings.checkpoint_path)

    return {"sweep": sweep, "alert": alert, "checkpoint": checkpoint}
