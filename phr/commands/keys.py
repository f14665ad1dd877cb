"""Make secrets.

phr keys new              the four secrets of the settings, to be kept apart from the database and its backups
phr keys site FILE        a site's signing key: the private half into FILE, the public key set on standard output
phr keys rotate-signing   a new key for id tokens; the old one is published for seven days more

Of the first two nothing is kept anywhere else. The key for id tokens lies in the database under PHR_AUDIT_KEY, and
opens nothing.
"""

import argparse
import base64
import json
import os
from pathlib import Path

from consent import signing_keys
from consent.assertion import new_signing_key
from phr.commands import CommandFailed, say, say_json
from phr.config import Settings
from phr.storing import prepare

SECRETS = ("PHR_PEPPER", "PHR_INDEX_KEY", "PHR_MAIL_KEY", "PHR_AUDIT_KEY")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Three words: new, site, rotate-signing."""
    words = parser.add_subparsers(metavar="WORD", required=True)
    words.add_parser("new", help="print the four secrets of the settings").set_defaults(run=new)
    site = words.add_parser("site", help="make a site's signing key (ES384)")
    site.add_argument("file", type=Path, metavar="FILE", help="the private key is written here; it must not exist")
    site.set_defaults(run=for_site)
    rotating = words.add_parser("rotate-signing", help="id tokens are signed with a new key from now on")
    rotating.set_defaults(run=rotate_signing)


def new(_options: argparse.Namespace) -> int:
    """Four lines for an environment file."""
    say(*(f"{name}={secret}" for name, secret in new_secrets().items()))
    return 0


def new_secrets() -> dict[str, str]:
    """Fresh secrets by the name of their setting."""
    return {name: base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=") for name in SECRETS}


def for_site(options: argparse.Namespace) -> int:
    """The private half lies in the file, for its owner's eyes only; the public one is printed."""
    private, public = new_signing_key()
    write_secret(options.file, json.dumps(private, indent=2) + "\n")
    say_json({"keys": [public]})
    return 0


def rotate_signing(_options: argparse.Namespace) -> int:
    """Id tokens are signed with a new key; those signed before can be checked for seven days."""
    kid = signing_keys.rotate(prepare(Settings.from_env()))
    say_json({"kid": kid, "old_keys_published_for_days": signing_keys.PUBLISHED_AFTER.days})
    return 0


def write_secret(path: Path, text: str) -> None:
    """A new file that its owner alone can read. Raises `CommandFailed` where there is one already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CommandFailed(f"{path} is there already; nothing was changed.") from None
    with os.fdopen(handle, "w") as file:
        file.write(text)
