"""What can be amiss with a deployment, looked for one by one; each finding says what it would cost."""

import resource
import shutil
import smtplib
import socket
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from phr import database, printing
from phr.config import Settings
from phr.storing import open_store, setting_of, wrong_keys
from vault.blobs import BlobError
from vault.database import Services
from vault.errors import StoreAway

DECODERS = {
    "openjpeg": "JPEG 2000",
    "rle": "RLE",
    "jpeg_ls": "JPEG-LS",
    "imagecodecs": "lossless JPEG and JPEG XL",
    "gdcm": "12-bit JPEG",
}
LITTLE_ROOM = 5 << 30


class How(Enum):
    """How bad it is."""

    GOOD = "serves well"
    WARNING = "serves, but less well or less safely"
    BAD = "cannot serve"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what was seen."""

    how: How
    what: str
    sentence: str


def look_at_machine() -> Iterator[Finding]:
    """What does not depend on the settings."""
    yield _pages()
    yield _paper()
    yield _decoders()
    yield _temporary_files()
    yield _swap()
    yield _core_dumps()


def look_at_settings(settings: Settings) -> Iterator[Finding]:
    """What these settings lead to."""
    yield _address(settings)
    yield _mail(settings)
    try:
        services = open_store(settings)
    except (OSError, SQLAlchemyError) as error:
        yield Finding(How.BAD, "storage", f"{settings.data} cannot be used ({type(error).__name__}): nothing is kept.")
        return
    try:
        yield _folder(settings)
        yield _blobs(services)
        yield from _database(services)
    finally:
        services.database.dispose()


# -- the machine -----------------------------------------------------------------------------------


def _pages() -> Finding:
    """Templates and built assets came with the program."""
    here = Path(__file__).parent
    templates = (here / "templates", here.parent / "templates")
    wanted = [here / "static" / "site" / "site.css", here / "static" / "viewer"]
    missing = [path.name for path in wanted if not path.exists()]
    if not any((folder / "base.html").exists() for folder in templates):
        missing.append("templates")
    if missing:
        return Finding(How.BAD, "pages", f"not built or not shipped: {', '.join(missing)}; pages cannot be shown.")
    return Finding(How.GOOD, "pages", "templates, styles and viewer are there")


def _paper() -> Finding:
    try:
        printing.pdf("<!doctype html><html lang=en><title>x</title><h1>x</h1>", {})
    except printing.PrintingUnavailable as missing:
        return Finding(How.WARNING, "paper", f"{missing} Slips, kits and reports show on pages only.")
    except printing.PrintingError as error:
        return Finding(How.WARNING, "paper", f"{error} Slips, kits and reports show on pages only.")
    return Finding(How.GOOD, "paper", "PDFs can be made")


def _decoders() -> Finding:
    missing = [kind for module, kind in DECODERS.items() if find_spec(module) is None]
    if missing:
        return Finding(How.WARNING, "decoders", f"pictures packed as {', '.join(missing)} cannot be shown, only saved.")
    return Finding(How.GOOD, "decoders", "every kind of packed picture that we know")


def _temporary_files() -> Finding:
    folder = Path(tempfile.gettempdir())
    if _kind_of_file_system(folder) in {"tmpfs", "ramfs"}:
        return Finding(How.GOOD, "temporary", f"{folder} is in memory")
    return Finding(
        How.WARNING,
        "temporary",
        f"{folder} is on a disk. We put nothing readable there; a library that did would leave it. Set TMPDIR.",
    )


def _kind_of_file_system(folder: Path) -> str:
    """The type of the mount that holds the folder (proc(5)); empty where there is no /proc."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    real, found = folder.resolve(), ("", "")
    for line in mounts.read_text().splitlines():
        _, point, kind, *_ = line.split()
        if real.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def _swap() -> Finding:
    swaps = Path("/proc/swaps")
    lines = swaps.read_text().splitlines()[1:] if swaps.exists() else []
    on_disk = [line.split()[0] for line in lines if not line.startswith(("/dev/zram", "/dev/dm-", "/dev/mapper"))]
    if on_disk:
        return Finding(How.WARNING, "swap", f"{', '.join(on_disk)} may keep keys on disk. Encrypt swap or turn it off.")
    return Finding(How.GOOD, "swap", "none in clear")


def _core_dumps() -> Finding:
    pattern = Path("/proc/sys/kernel/core_pattern")
    if pattern.exists() and pattern.read_text().startswith("|"):
        return Finding(
            How.WARNING,
            "core dumps",
            "go to a program, whatever our limit: a crash may leave keys with it. Set kernel.core_pattern=core.",
        )
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return Finding(How.GOOD, "core dumps", "off here" if hard == 0 else "turned off when serving")


# -- the settings ----------------------------------------------------------------------------------


def _address(settings: Settings) -> Finding:
    if settings.secure:
        return Finding(How.GOOD, "address", settings.base_url)
    return Finding(
        How.WARNING, "address", f"{settings.base_url} has no TLS: good for this machine alone, cookies are weaker."
    )


def _mail(settings: Settings) -> Finding:
    if not settings.smtp:
        return Finding(
            How.WARNING, "mail", "PHR_SMTP is not set: letters wait in an outbox, and no one learns of news by mail."
        )
    parts = urlsplit(settings.smtp)
    port = parts.port or (smtplib.SMTP_SSL_PORT if parts.scheme == "smtps" else 587)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError:
        return Finding(How.WARNING, "mail", f"{parts.hostname} does not answer at port {port}: letters are not sent.")
    return Finding(How.GOOD, "mail", f"{parts.hostname} answers")


def _folder(settings: Settings) -> Finding:
    if stat.S_IMODE(settings.data.stat().st_mode) & 0o077:
        return Finding(
            How.WARNING, "folder", f"{settings.data} can be read by other users. It is all sealed; chmod 700."
        )
    free = shutil.disk_usage(settings.blob_folder).free
    if free < LITTLE_ROOM:
        return Finding(How.WARNING, "folder", f"{free >> 20} MiB are left for pictures; pushes are refused at none.")
    return Finding(How.GOOD, "folder", f"{settings.data}, {free >> 30} GiB left")


def _blobs(services: Services) -> Finding:
    name = token_hex(16)
    try:
        with services.blobs.create(name) as writer:
            writer.write(b"doctor")
            writer.commit()
        with services.blobs.reader(name) as reader:
            kept = reader.read_at(0, 6)
        services.blobs.delete(name)
    except (OSError, BlobError) as error:
        return Finding(How.BAD, "blobs", f"cannot be written durably ({type(error).__name__}): no push is taken.")
    if kept != b"doctor":
        return Finding(How.BAD, "blobs", "what is written does not come back: no push can be trusted.")
    return Finding(How.GOOD, "blobs", "written, synced, read and removed one")


def _database(services: Services) -> Iterator[Finding]:
    try:
        shape = database.shape_of(services.database.engine)
        if shape is not None and not database.knows(shape):
            yield Finding(How.BAD, "database", f"has shape {shape} of a newer version: this one would damage it.")
            return
        if shape != database.newest():
            yield Finding(How.WARNING, "database", "is not in its newest shape; phr serve or phr db upgrade brings it.")
            return
        yield Finding(How.GOOD, "database", f"reachable, shape {shape}")
        yield _keys(services)
    except (SQLAlchemyError, StoreAway) as error:
        yield Finding(How.BAD, "database", f"cannot be reached ({type(error).__name__}): nobody can sign in.")


def _keys(services: Services) -> Finding:
    wrong = wrong_keys(services)
    if wrong:
        names = ", ".join(setting_of(name) for name in wrong)
        return Finding(How.BAD, "keys", f"{names}: not of this store; nobody could sign in or open anything.")
    return Finding(How.GOOD, "keys", "are those of this store")
