"""A WSGI app at an address of its own on this machine, for as long as a test needs it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

ENDS_WITHIN = 0.02  # seconds; a server that is told to end looks for it this often


class Silent(WSGIRequestHandler):
    """Writes nothing down: an address may name a scan, and tests read none of it."""

    def log(self, *_args: object, **_more: object) -> None:
        return None


class Lasting(Silent):
    """Keeps a connection open for the next request, as the servers do that people meet."""

    protocol_version = "HTTP/1.1"


@contextmanager
def answering(
    app: Callable[..., Any] | None = None, *, handler: type[WSGIRequestHandler] = Silent
) -> Iterator[BaseWSGIServer]:
    """A server on a free port, in threads; its `app` may be put in later by who needs the address first."""
    server = make_server("127.0.0.1", 0, app or _nothing_yet, threaded=True, request_handler=handler)
    thread = threading.Thread(target=server.serve_forever, args=(ENDS_WITHIN,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _nothing_yet(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [])
    return []
