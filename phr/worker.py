"""`phr worker`: does the jobs in a process of its own, where another server than ours answers requests."""

import signal
import threading
from types import FrameType

from phr.config import Settings
from phr.jobs import make_jobs
from phr.serving import doing, keep_to_ourselves
from phr.storing import prepare


def work(settings: Settings) -> None:
    """Do the jobs until told to end by SIGTERM or SIGINT; the one being done is done to its end."""
    keep_to_ourselves()
    services = prepare(settings)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        with doing(make_jobs(settings, services), services):
            ended.wait()
    finally:
        services.database.dispose()
