"""A WSGI app at an address of its own on this machine, for as long as a test needs it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wsgi import FileWrapper

ENDS_WITHIN = 0.02  # seconds; a server that is told to end looks for it this often


class Silent(WSGIRequestHandler):
    """Writes nothing down: an address may name a scan, and tests read none of it."""

    def log(self, *_args: object, **_more: object) -> None:
        return None

    def make_environ(self) -> Any:
        self._sent: list[FileWrapper] = []
        return super().make_environ() | {"wsgi.file_wrapper": self._wrap}

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        # Werkzeug closes what it sends only after a last read, and a browser that left makes that read fail.
        for file in self._sent:
            file.close()

    def _wrap(self, file: IO[bytes], size: int = 8192) -> FileWrapper:
        self._sent.append(FileWrapper(file, size))
        return self._sent[-1]


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
