"""Opens the store that the settings name: the database, the blobs, and the keys they were made with.

A store remembers a check value of every key it was used with (docs/format.md 7). Settings with another key are refused
at start: they would answer everyone that their password is wrong, and write rows that the right key refuses.
"""

from contextlib import suppress
from hmac import compare_digest

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from consent.ready_made import add_ready_made
from consent.tables import ClientRow
from phr import database
from phr.config import Settings
from vault import custody
from vault.blobs import DiskBlobs
from vault.clock import SystemClock
from vault.database import Database, Services, Work
from vault.errors import StoreClosed
from vault.journal import RevocationJournal
from vault.sealing.derive import check_value
from vault.secrets import Secrets
from vault.tables import ClaimRow, MetaRow, SlotRow
from vault.tables_sharing import HealthLinkRow, HolderRow

_PEPPERED = (SlotRow.pepper_id, ClaimRow.pepper_id, HolderRow.pepper_id, HealthLinkRow.pepper_id, ClientRow.pepper_id)
_SETTING_OF = {"index": "PHR_INDEX_KEY", "mail": "PHR_MAIL_KEY", "audit": "PHR_AUDIT_KEY"}


def open_store(settings: Settings) -> Services:
    """The store as the settings name it. Makes the folders that are missing, readable by this user alone."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Services(
        database=Database(settings.database_url),
        blobs=DiskBlobs(settings.blob_folder),
        clock=SystemClock(),
        secrets=settings.secrets,
        journal=RevocationJournal(settings.journal_path),
    )


def prepare(settings: Settings) -> Services:
    """The store is open, in its newest shape, of these keys, and has nothing that was erased or ended since its backup.

    Raises `StoreClosed`.
    """
    services = open_store(settings)
    shape = database.shape_of(services.database.engine)
    if shape is not None and not database.knows(shape):
        raise StoreClosed(f"The database has shape {shape} of a newer version; this one would damage it.")
    database.upgrade(services.database.engine)
    check_keys(services)
    with suppress(IntegrityError), services.work() as work:  # where another process was quicker
        add_ready_made(work)
    custody.replay(services)
    return services


def check_keys(services: Services) -> None:
    """The keys are those of this store, and remembered where they are new. Raises `StoreClosed` naming the setting."""
    with services.work() as work:
        for name, key in _named_keys(services.secrets).items():
            _check_one(work, name, check_value(key))
        missing = _peppers_in_use(work) - set(services.secrets.peppers)
    if missing:
        numbers = ", ".join(str(number) for number in sorted(missing))
        raise StoreClosed(f"PHR_OLD_PEPPERS lacks pepper {numbers}, which passwords or PINs here still need.")


def wrong_keys(services: Services) -> list[str]:
    """The names of the keys that are not those this store was made with. Changes nothing."""
    with services.reading() as work:
        return [
            name
            for name, key in _named_keys(services.secrets).items()
            if not _fits(work.session.get(MetaRow, f"check/{name}"), check_value(key))
        ]


def setting_of(name: str) -> str:
    """Which setting holds the key that the store calls so."""
    return _SETTING_OF.get(name, "PHR_PEPPER or PHR_OLD_PEPPERS")


def _named_keys(secrets: Secrets) -> dict[str, bytes]:
    peppers = {f"pepper/{number}": key for number, key in secrets.peppers.items()}
    return {"index": secrets.index_key, "mail": secrets.mail_key, "audit": secrets.audit_key, **peppers}


def _check_one(work: Work, name: str, value: bytes) -> None:
    kept = work.session.get(MetaRow, f"check/{name}")
    if not _fits(kept, value):
        raise StoreClosed(f"{setting_of(name)} is not the key that this store was made with.")
    if kept is None:
        work.session.add(MetaRow(key=f"check/{name}", value=value))


def _fits(kept: MetaRow | None, value: bytes) -> bool:
    return kept is None or compare_digest(kept.value, value)


def _peppers_in_use(work: Work) -> set[int]:
    found: set[int] = set()
    for column in _PEPPERED:
        found |= {number for number in work.session.scalars(sa.select(column).distinct()) if number}  # 0: without one
    return found
