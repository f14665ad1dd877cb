"""What jobs do, as plain functions, so that commands and tests can do it at once."""

import os
from pathlib import Path

import sqlalchemy as sa

from vault import checkpoints, custody
from vault.audit import SYSTEM_ACTOR
from vault.database import Services
from vault.tables import AccountRow


def sweep(services: Services) -> None:
    """What has run out is gone: claims, short-lived openers, counters, blobs that nothing names."""
    custody.sweep(services)


def checkpoint(services: Services, path: Path) -> int:
    """The heads of all histories are signed, and the line stands in the file at `path`. Answers its number."""
    with services.work() as work:
        return checkpoints.checkpoint(work, lambda line: _append(path, line))


def erase_due(services: Services) -> int:
    """Accounts whose last day has passed are erased. Answers how many."""
    with services.reading() as work:
        due = sa.select(AccountRow.vault).where(AccountRow.erase_after <= work.now)
        vaults = list(work.session.scalars(due))
    for vault_id in vaults:
        with services.work() as work:
            custody.erase_vault(work, vault_id, by=SYSTEM_ACTOR)
    if vaults:
        services.database.forget_freed_pages()
    return len(vaults)


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
