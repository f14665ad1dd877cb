"""Do the jobs in a process of its own: sweeping, signing the histories, erasing accounts whose last day has passed.

`phr serve` does them itself; this is for deployments that serve with gunicorn. Ends by SIGTERM or Ctrl-C.
"""

import argparse

from phr import worker
from phr.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing besides the settings."""
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> int:
    """Do the jobs until told to end."""
    worker.work(Settings.from_env())
    return 0
