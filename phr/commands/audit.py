"""Verify the histories, or sign where they stand.

  phr audit verify        every chain of events, every checkpoint, and each line of the file of checkpoints
  phr audit checkpoint    sign the heads of all chains now; the line goes to PHR_CHECKPOINTS

Keep copies of that file where this machine cannot change them: they are what a cut or rewritten history shows against.
"""

import argparse
from pathlib import Path

from phr import witness
from phr.commands import complain, say
from phr.config import Settings
from phr.storing import prepare
from vault.checkpoints import verify_all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two words: verify, checkpoint."""
    words = parser.add_subparsers(metavar="WORD", required=True)
    verifying = words.add_parser("verify", help="look for events that are missing, changed or out of place")
    verifying.add_argument("--witness", type=Path, metavar="FILE", help="a kept copy of the file of checkpoints")
    verifying.set_defaults(run=verify)
    words.add_parser("checkpoint", help="sign where every history stands").set_defaults(run=checkpoint)


def verify(options: argparse.Namespace) -> int:
    """0 where all is as recorded, 1 where something is not; each problem is a line."""
    settings = Settings.from_env()
    path = options.witness or settings.checkpoint_path
    lines = options.witness.read_text().splitlines() if options.witness else witness.witnessed(path)
    services = prepare(settings)
    with services.reading() as work:
        found = verify_all(work, lines)
    for problem in found.problems:
        complain(problem)
    say(f"{found.chains} histories, {found.events} events, {found.checkpoints} checkpoints, {len(lines)} witnessed.")
    say("Something is not as it was recorded." if found.problems else "All is as it was recorded.")
    return 1 if found.problems else 0


def checkpoint(_options: argparse.Namespace) -> int:
    """The heads of all histories are signed."""
    settings = Settings.from_env()
    number = witness.checkpoint(prepare(settings), settings.checkpoint_path)
    say(f"Checkpoint {number} is signed and stands in {settings.checkpoint_path}.")
    return 0
