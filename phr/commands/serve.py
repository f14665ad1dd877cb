"""Answer requests: pages, FHIR, DICOMweb and OAuth, whichever PHR_SERVE names.

Brings the database to its newest shape, checks the keys, then starts worker processes; this process does the jobs.
Ends by SIGTERM or Ctrl-C, after what is being sent has been sent.
"""

import argparse
import socket

from phr.commands import CommandFailed, say
from phr.config import Settings
from phr.serving import Listening, end_with_parent, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be said besides the settings."""
    parser.add_argument("--host", help="the network address to listen at (PHR_HOST)")
    parser.add_argument("--port", type=int, help="the port to listen at (PHR_PORT)")
    parser.add_argument("--workers", type=_some, help="server processes (PHR_PROCESSES)")
    parser.add_argument("--threads", type=_some, help="requests that one process answers at a time (PHR_THREADS)")
    parser.add_argument("--end-with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until told to end."""
    settings = Settings.from_env()
    if options.end_with_parent:
        end_with_parent()
    listening = Listening(
        host=options.host or settings.host,
        port=settings.port if options.port is None else options.port,
        processes=options.workers or settings.processes,
        threads=options.threads or settings.threads,
    )
    check_address(listening.host, listening.port)
    say(f"Listening at {listening.host} port {listening.port} for {settings.base_url}")
    serve(settings, listening)
    return 0


def check_address(host: str, port: int) -> None:
    """Raise `CommandFailed` where nobody can listen there now: the server's own words would be a page of its stack."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        reason = error.strerror or "no such host"
        raise CommandFailed(f"{host} port {port} cannot be listened at: {reason}.") from None


def _some(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
