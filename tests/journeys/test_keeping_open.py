"""Browsers and archives keep their connections open after an answer; nobody else waits for that."""

import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.houses import RunningHouse

MANY = 100  # more than all the threads of a server of two processes
SOON = 20  # seconds for all of them, on a machine that has more to do; one that is kept waiting waits for 30


def test_connections_that_are_kept_open_keep_nobody_out(sqlite_house: RunningHouse):
    began = time.monotonic()
    with ExitStack() as kept:
        for _ in range(MANY):
            connection = kept.enter_context(
                closing(HTTPConnection(urlsplit(sqlite_house.base_url).netloc, timeout=SOON))
            )
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
    assert time.monotonic() - began < SOON
