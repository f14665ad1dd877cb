"""What a pull needs to go on after a break, in a file of the folder that only its owner can read.

A code is spent when it is first used; what came of it has to be kept until everything is here. The file is written
whole before a new token is used, and is gone when the pull is done.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

NAME = ".keepray-pull"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What lets us in. `until` is when the access token has run out, in seconds since 1970; `code` marks the code."""

    base: str
    code: str
    patient: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    until: float


class Kept:
    """The file in one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> Tokens | None:
        """What an earlier run left; None where there is nothing, or nothing to be read."""
        try:
            return Tokens(**json.loads(self.path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, tokens: Tokens) -> None:
        """On the disk before this returns, readable by its owner alone."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.path.with_name(f"{NAME}.part")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)

    def forget(self) -> None:
        """Nothing of it is left."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.parent.rmdir()  # where nothing was fetched either


def mark_of(code: str) -> str:
    """By this a code is known again; it is spent by the time this is written."""
    return hashlib.sha256(b"keepray pull " + code.encode()).hexdigest()
