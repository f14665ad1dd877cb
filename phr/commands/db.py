"""Bring the database to its newest shape. Safe to run again, and while another machine does."""

import argparse

from phr import database
from phr.commands import say
from phr.config import Settings
from phr.storing import prepare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One word: upgrade."""
    words = parser.add_subparsers(metavar="WORD", required=True)
    words.add_parser("upgrade", help="bring the database to its newest shape").set_defaults(run=upgrade)


def upgrade(_options: argparse.Namespace) -> int:
    """The database has its newest shape and knows the keys of the settings."""
    prepare(Settings.from_env()).database.dispose()
    say(f"The database has shape {database.newest()}.")
    return 0
