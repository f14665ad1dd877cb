"""The folder of a demo: `settings.env` with its keys, `data` with its store, and notes about who lives in it.

The notes hold a password, a site's private key and its seal seed. They lie wrapped under a key of the settings, so that
the folder shows nothing of them that could be read or searched for.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from phr.commands.keys import new_secrets
from phr.config import TABLE, Settings
from vault.sealing.errors import Tampered
from vault.sealing.suite import unwrap, wrap

Notes = dict[str, Any]
_KIND = "demo"


@dataclass(frozen=True, slots=True)
class Home:
    """A demo's folder and what its server is started with."""

    folder: Path
    environment: dict[str, str]
    settings: Settings

    @classmethod
    def opened(cls, folder: Path, *, host: str, port: int) -> Self:
        """The folder as it was left, or a new one with keys of its own; the address may be another each time."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / "settings.env"
        kept = _read(file) if file.exists() else new_secrets()
        environment = {
            **kept,
            "PHR_BASE_URL": f"http://{host}:{port}",
            "PHR_DATA": str((folder / "data").resolve()),
            "PHR_HOST": host,
            "PHR_PORT": str(port),
            "PHR_DEMO": "yes",
        }
        settings = Settings.from_env(environment)
        _write(file, "".join(f"{name}={value}\n" for name, value in environment.items()).encode())
        return cls(folder, environment, settings)

    def hand_down(self) -> None:
        """Processes started from now on find this demo's settings, and none of another deployment's."""
        for line in TABLE:
            os.unsetenv(line.name)
        for name, value in self.environment.items():
            os.putenv(name, value)

    def notes(self) -> Notes:
        """What earlier runs noted; empty at the first, and where the notes are of other keys."""
        try:
            return json.loads(unwrap(self.settings.mail_key, self._notes_file.read_bytes(), _KIND))
        except (FileNotFoundError, Tampered):
            return {}

    def keep(self, notes: Notes) -> None:
        """Noted for the next run."""
        _write(self._notes_file, wrap(self.settings.mail_key, json.dumps(notes).encode(), _KIND))

    @property
    def _notes_file(self) -> Path:
        return self.folder / "notes.sealed"


def _read(file: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {name: value for name, mark, value in pairs if mark}


def _write(file: Path, octets: bytes) -> None:
    part = file.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(octets)
    part.replace(file)


def write_private(file: Path, text: str) -> None:
    """The file holds this text and its owner alone can read it."""
    _write(file, text.encode())
