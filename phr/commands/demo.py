"""Start a whole instance with sample scans, and say what to open and type.

Makes its own folder, keys and settings; registers a demo site, which pushes the samples through the public interfaces
with `phr push`. Run again with the same folder, it goes on with what is there and tells a fresh PIN and a fresh code.
Nobody in it exists, and it is for nobody real: it has no TLS and tells its passwords. Ends by Ctrl-C or SIGTERM.
"""

import argparse
import json
import signal
import threading
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import Any

from phr.commands import CommandFailed, say
from phr.commands.serve import check_address
from phr.commands.site import addresses
from phr.demo import people, site
from phr.demo.home import Home, write_private
from phr.demo.server import serving, wait_until_ready
from phr.serving import keep_to_ourselves
from phr.storing import prepare
from vault.database import Services

EVERY = 0.5  # seconds between looks at the server


class _Ended(Exception):
    """Somebody asked us to end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where it listens, where it lives, where it tells."""
    parser.add_argument("--port", type=int, default=8080, help="the port to listen at (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, default=Path("demo-data"), metavar="DIR", help="its folder (%(default)s)")
    parser.add_argument("--details", type=Path, metavar="FILE", help="also write what to type as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """The demo answers until told to end."""
    keep_to_ourselves()
    check_address(options.host, options.port)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        home = Home.opened(options.data, host=options.host, port=options.port)
        services = prepare(home.settings)
        say(f"Starting in {options.data} …")
        with serving(home) as process:
            told = _set_up(home, services, process)
            if options.details:
                write_private(options.details, json.dumps(told, indent=2) + "\n")
            _tell(told)
            services.database.dispose()
            _wait(process)
    except _Ended:
        pass
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # ending takes its time and is asked for once
    raise _Ended


def _set_up(home: Home, services: Services, process: Popen[bytes]) -> dict[str, Any]:
    """Everybody is there. Answers what to open and type."""
    notes = home.notes()
    if "site" not in notes:
        notes |= site.register(services)
        home.keep(notes)
    with site.desk(home.settings, notes["site"]) as desk:
        if "patient" not in notes:
            people.lay_out(desk)  # while the server starts
        wait_until_ready(home, process)
        ready = people.ready_patient(services, desk, notes)
        home.keep(notes)
        waiting, pin = people.waiting_slip(desk, notes)
        code = people.share(services, ready, notes)
        home.keep(notes)
    app, secret_app = notes["apps"]
    return {
        **addresses(home.settings),
        "authorize_url": f"{home.settings.base_url}/oauth/authorize",
        "outbox": f"{home.settings.base_url}/outbox",
        "site": notes["site"],
        "unclaimed": {
            "pin": pin,
            "born": waiting.born_iso,
            "name": waiting.spoken,
            "mrn": waiting.mrn,
        },
        "patient": {
            "name": ready.login,
            "password": ready.password,
            "full_name": ready.person.spoken,
            "born": ready.person.born_iso,
            "mrn": ready.person.mrn,
            "patient_id": ready.signed_in.keyring.vault_id.hex(),
            "scans": people.scans_of(services, ready),
        },
        "client": app,
        "confidential_client": secret_app,
        "share_code": code,
    }


def _tell(told: dict[str, Any]) -> None:
    patient, unclaimed, base = told["patient"], told["unclaimed"], told["base_url"]
    say(
        "",
        f"Open {base}",
        "",
        "  A slip that waits (make an account, then type it at Add a scan)",
        f"    PIN            {unclaimed['pin']}",
        f"    Date of birth  {unclaimed['born']}",
        "",
        "  A patient with two scans and reports",
        f"    Account name   {patient['name']}",
        f"    Password       {patient['password']}",
        "",
        f"  A doctor       {base}/see",
        f"    Code           {told['share_code']}",
        "",
        "  Programs",
        f"    FHIR           {told['fhir_base']}",
        f"    DICOMweb       {told['dicomweb_base']}",
        f"    App            {told['client']['client_id']} (public), returns to {told['client']['redirect_uri']}",
        f"    Site           {told['site']['client_id']}",
        "",
        "Everybody here is made up. Ctrl-C ends it.",
    )


def _wait(process: Popen[bytes]) -> None:
    """Until we are told to end; raises `CommandFailed` where the server ends by itself."""
    while process.poll() is None:
        threading.Event().wait(EVERY)
    raise CommandFailed("The server has ended.")
