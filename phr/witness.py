"""Signed checkpoints of all histories, and the file outside the database that they stand in (docs/format.md 11)."""

import os
from pathlib import Path

from vault import checkpoints
from vault.database import Services


def checkpoint(services: Services, path: Path) -> int:
    """The heads of all histories are signed, and the line stands in the file at `path`. Answers its number."""
    with services.work() as work:
        return checkpoints.checkpoint(work, lambda line: _append(path, line))


def witnessed(path: Path) -> list[str]:
    """The lines of signed checkpoints that the file holds; none where there is no file."""
    return path.read_text().splitlines() if path.exists() else []


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line.encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
