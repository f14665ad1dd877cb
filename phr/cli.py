"""The command `phr`: finds the module of the word that was typed, and turns what goes wrong into a sentence."""

import argparse
import os
import sys
from importlib import import_module, metadata

from sqlalchemy.exc import OperationalError

from consent.errors import BadClient, UnknownClient
from phr.commands import CommandFailed, complain
from phr.config import WrongSettings
from vault.errors import NotThere, StoreAway, StoreClosed

COMMANDS = {
    "serve": "answer requests",
    "demo": "start a whole instance with sample scans",
    "push": "send a folder of DICOM files, as an imaging site",
    "pull": "fetch what a patient shared by code, as a doctor's archive",
    "site": "register imaging sites",
    "client": "register apps",
    "keys": "make the secrets of the settings, or a site's key",
    "db": "bring the database to its newest shape",
    "audit": "verify the histories, or sign them",
    "doctor": "say what is misconfigured and what it would cost",
    "worker": "do the jobs in a process of its own",
}
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says. Answers the exit code: 0 done, 1 not done, 2 a wrong call, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser(given).parse_args(given)
    try:
        return options.run(options)
    except (CommandFailed, WrongSettings, StoreClosed) as error:
        complain(str(error))
    except BadClient as error:
        complain(f"Not registered: {error.reason}.")
    except (NotThere, UnknownClient):
        complain("There is nothing of that name or number.")
    except (OperationalError, StoreAway):
        complain("The database cannot be reached: see PHR_DATABASE_URL, and phr doctor.")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains once more
    except OSError as error:
        complain(f"{error.strerror or 'Something could not be read or written'}: {error.filename or 'no file'}.")
    return 1


def _parser(given: list[str]) -> argparse.ArgumentParser:
    """The parser, with the arguments of the one command that was typed: the others are not even imported."""
    parser = argparse.ArgumentParser(
        prog="phr",
        description="Keepray: a sealed record of medical images that only its patient opens.",
        epilog="`phr COMMAND --help` tells more. Settings are read from PHR_* in the environment: docs/settings.md.",
    )
    parser.add_argument("--version", action="version", version=f"phr {metadata.version('keepray')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    typed = next((word for word in given if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=_capital(summary))
        if name == typed:
            module = import_module(f"phr.commands.{name}")
            module.add_arguments(command)
            command.description = module.__doc__
            command.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


def _capital(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


if __name__ == "__main__":
    sys.exit(main())
