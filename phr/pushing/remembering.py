"""What was taken already, so that a push that broke off goes on where it was.

A file of hashes outside the folder: who reads it learns nothing of names, numbers or paths. Losing it costs time alone,
for the server knows what it has.
"""

import hashlib
import os
from pathlib import Path
from typing import Self

from phr.pushing.config import SiteConfig
from phr.pushing.finding import Found


class Memory:
    """The hashes of what one site sent to one server from one folder."""

    def __init__(self, path: Path, known: set[str]) -> None:
        self._path, self._known = path, known

    @classmethod
    def opened(cls, states: Path, config: SiteConfig, folder: Path) -> Self:
        """What is remembered in the folder `states`; nothing where there is no such file."""
        path = states / f"{_hash(config.dicomweb_base, config.client_id, str(folder.resolve()))}.sent"
        return cls(path, set(path.read_text().split()) if path.exists() else set())

    def forget(self) -> None:
        """Everything is sent again."""
        self._known.clear()
        self._path.unlink(missing_ok=True)

    def holds(self, mark: str) -> bool:
        """Whether this was taken."""
        return mark in self._known

    def keep(self, *marks: str) -> None:
        """These were taken; written before this returns."""
        self._known.update(marks)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write("".join(f"{mark}\n" for mark in marks))


def mark_of(found: Found) -> str:
    """The mark of one file as it is now: another one as soon as it changes."""
    return _hash(str(found.path.resolve()), str(found.size), str(found.changed), found.instance_uid)


def mark_of_words(*words: str | bytes) -> str:
    """The mark of something else that was sent."""
    return _hash(*words)


def _hash(*words: str | bytes) -> str:
    digest = hashlib.sha256()
    for word in words:
        octets = word.encode() if isinstance(word, str) else word
        digest.update(len(octets).to_bytes(8, "big") + octets)
    return digest.hexdigest()
