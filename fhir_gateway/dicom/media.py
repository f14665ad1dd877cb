"""
A copy to take away: DICOM files with their directory, and pages anyone can open (IHE PDI, PS3.10 8).

Files stay as they were stored, but for implicit and big-endian ones, so the medium claims no application profile
that asks for more. Nothing is written to a disk.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.dicom.directory import Directory
from fhir_gateway.dicom.zipped import Entry, ZipPlan
from fhir_gateway.errors import UnreadableDicom

__all__ = ["Directory", "Entry", "Page", "Taken", "ZipPlan", "medium"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """One instance to take along: its metadata and syntax for the directory, its exact length, its octets."""

    metadata: Json
    syntax: str
    length: int
    open: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Page:
    """One file beside the pictures: README.TXT and INDEX.HTM in the root, all else below IHE_PDI/."""

    name: str
    octets: bytes


def medium(taken: Iterable[Taken], pages: Sequence[Page | Entry]) -> ZipPlan:
    """
    The whole copy as one ZIP: pages, DICOMDIR, and the instances below DICOM/.

    An object no directory record can be made of lies in DICOM/UNLISTED, beside the listed ones.
    """
    directory = Directory()
    entries: list[Entry] = []
    for number, instance in enumerate(taken):
        try:
            path = directory.put(instance.metadata, instance.syntax)
        except UnreadableDicom:
            path = f"DICOM/UNLISTED/I{number:07d}"
        uid = (instance.metadata.get("00080018", {}).get("Value") or [""])[0]
        entries.append(Entry(path, instance.length, instance.open, mark=str(uid).encode()))
    leading = [page if isinstance(page, Entry) else Entry.of(page.name, page.octets) for page in pages]
    return ZipPlan([*leading, Entry.of("DICOMDIR", directory.octets()), *entries])
