"""
What our reading of a header says, beside what the library says of the same octets: on files, and on files damaged by
chance.

    python -m tests.fhir_gateway.dicom.scanning --mutations 10000        damaged copies of files at hand
    python -m tests.fhir_gateway.dicom.scanning --folder DIR             every file below a folder

Each is read three ways: in one pass as in service, by the walk alone, and by the library. The first two must agree to
the letter. Against the library only the differences of `EXPLAINED` may be found, each for its reason.
"""

import argparse
import logging
import math
import random
import struct
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pydicom
import pydicom.data
from pydicom.charset import python_encoding
from pydicom.dataset import Dataset

from fhir_gateway.dicom.one_pass import UnusualHeaderError
from fhir_gateway.dicom.reading import Reading
from fhir_gateway.dicom.walk import LONG_VRS, SHORT_VRS, UNDEFINED
from fhir_gateway.errors import UnreadableDicom
from tests.factories import EVERY_SYNTAX, an_instance

EXPLAINED = {
    "left out": "The library leaves out an element whose value it cannot turn into its VR; we give it as the text it is.",
    "low group": "Groups 0000 to 0002 have no place in a data set (PS3.5 7.1, PS3.10 7.1); we pass over them.",
    "unknown VR": "Where the VR is none or UN the library asks its dictionary; we keep such a value as the octets it is.",
    "no number": "A float that is infinite or none has no place in JSON (RFC 8259 6); we give it as null.",
    "no VR": "Where two octets are no VR it is a guess where the value begins; what follows is read as each guessed.",
    "no character": "A NUL within text is no character of any set (PS3.5 6.1.2.1): we mark where it stood.",
    "odd set": "Where (0008,0005) names no set the standard knows, what text means is a guess; the two guess otherwise.",
    "lengths at odds": "What is longer than the item or sequence it stands in: we read it, the library stops within it.",
    "zeros behind it": "Zeros where an element would begin behind the picture are padding to us, an element to the library.",
    "only we refuse": "What ends in the middle, or says it is longer than it is, is refused; the library reads what it can.",
    "only it refuses": "The library ends with an error of its own where one value cannot be understood; we read the rest.",
    "both refuse": "Neither takes it for a file.",
}
LARGEST_SEED = 60_000
REACH = 3000  # octets from the beginning in which damage is done: headers
_OURS_ALONE = {"00083002", "7FE00010"}
_FIRST = 132

WHEEL = Path(pydicom.data.__file__).parent


def files_of_the_wheel() -> list[Path]:
    """Every file that ships with the library and begins as a Part 10 file does."""
    found = sorted(path for path in WHEEL.rglob("*") if path.is_file() and path.suffix != ".py")
    return [path for path in found if path.read_bytes()[128:132] == b"DICM"]


class Walked(Reading):
    """A reading that never takes the quick way."""

    def _in_one_pass(self):
        raise UnusualHeaderError


@dataclass
class Compared:
    """How many were the same, which explained differences were met, and what has no explanation."""

    same: int = 0
    met: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        met = ", ".join(f"{name} {count}" for name, count in sorted(self.met.items()))
        return f"{self.same} without any difference; explained: {met or 'none'}; unexplained: {len(self.unexplained)}"


def compare(compared: Compared, name: str, octets: bytes) -> None:
    """One file, read three ways."""
    ours, walked = seen(Reading, octets), seen(Walked, octets)
    if ours != walked:
        compared.unexplained.append(f"{name}: one pass and walk differ")
    try:
        dataset = pydicom.dcmread(BytesIO(octets))
        theirs = dataset.to_json_dict(
            bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "x", suppress_invalid_tags=True
        )
    except Exception:  # noqa: BLE001  whatever it is, the library has no answer
        compared.met["both refuse" if isinstance(ours, str) else "only it refuses"] += 1
        return
    if isinstance(ours, str):
        compared.met["only we refuse"] += 1
        return
    if not theirs:
        compared.met["only it refuses"] += 1
        return
    found = list(differences(ours, theirs, dataset))
    compared.met.update({why for _, why in found if why in EXPLAINED})
    without = [f"{name}: {where} {why}" for where, why in found if why not in EXPLAINED]
    why = broken(octets) if without else None
    if why is None:
        compared.unexplained += without
    else:
        compared.met[why] += 1
    compared.same += not found


def seen(kind: type[Reading], octets: bytes) -> dict[str, Any] | str:
    """The JSON, or the name of the refusal."""
    try:
        reading = kind(iter([octets]))
        for _ in reading.octets():
            pass
    except UnreadableDicom as refused:
        return type(refused).__name__
    return reading.seen


def differences(
    ours: dict, theirs: dict, dataset: Dataset, *, odd: bool = False, item: bool = False
) -> Iterator[tuple[str, str]]:
    """Where the two differ, and which explanation there is; else what each says."""
    odd = odd or _is_odd(ours.get("00080005"))
    for tag in sorted(ours.keys() | theirs.keys()):
        if tag in _OURS_ALONE or tag.endswith("0000"):
            continue
        mine, its = ours.get(tag), theirs.get(tag)
        if its is None:
            if tag in dataset or _says(mine):
                yield tag, "left out" if tag in dataset else "lengths at odds" if item else "not seen by the library"
        elif mine is None:
            yield tag, _why_missing(tag, dataset) or f"missing: {its}"
        elif mine["vr"] != its["vr"]:
            yield tag, "unknown VR" if mine["vr"] == "UN" else f"VR {mine['vr']} and {its['vr']}"
        elif mine["vr"] == "SQ":
            yield from _in_items(tag, mine.get("Value", []), its.get("Value", []), dataset, odd=odd)
        else:
            yield from _in_values(tag, mine, its, odd=odd)


def _why_missing(tag: str, dataset: Dataset) -> str | None:
    if int(tag[:4], 16) <= 2:
        return "low group"
    return "zeros behind it" if tag > "7FE00010" and 0 in dataset else None


def _in_items(tag: str, mine: list, its: list, dataset: Dataset, *, odd: bool) -> Iterator[tuple[str, str]]:
    if len(mine) != len(its):
        yield tag, f"{len(mine)} and {len(its)} items"
        return
    for number, (one, other) in enumerate(zip(mine, its, strict=True)):
        for where, why in differences(one, other, dataset[tag].value[number], odd=odd, item=True):
            yield f"{tag}.{number}.{where}", why


def _in_values(tag: str, mine: dict, its: dict, *, odd: bool) -> Iterator[tuple[str, str]]:
    here, there = _values(mine), _values(its)
    if here == there and _is_bulk(mine) == _is_bulk(its):
        return
    if _values(mine, nul="\ufffd") == _values(its, nul="\ufffd"):
        yield tag, "no character"
    elif all(one == other or _is_none(other) for one, other in zip_longest(here, there)):
        yield tag, "no number"
    else:
        yield tag, "odd set" if odd else f"{here} and {there}"


def _is_none(number: Any) -> bool:
    return isinstance(number, float) and not math.isfinite(number)


def _says(element: dict) -> bool:
    said = element.get("Value") if element["vr"] == "SQ" else _values(element)
    return bool(said) or _is_bulk(element)


def _is_bulk(element: dict) -> bool:
    return "BulkDataURI" in element or bool(element.get("InlineBinary"))


def _values(element: dict, nul: str = "\0") -> list:
    """What both call the same: no space around, nothing for an empty value, nothing for a list of those."""
    values = [_value(one, nul) for one in element.get("Value", [])]
    return values if any(one is not None for one in values) else []


_STRIPPED = {"\0": " ", "\ufffd": " \ufffd"}


def _value(one: Any, nul: str) -> Any:
    if isinstance(one, str):
        return one.replace("\0", nul).strip().strip(_STRIPPED[nul]) or None
    if isinstance(one, dict):
        named = {kind: name.replace("\0", nul).strip().strip(_STRIPPED[nul]) for kind, name in one.items()}
        return {kind: name for kind, name in named.items() if name.strip("^ ")} or None
    return one


def _is_odd(element: dict | None) -> bool:
    return any(name and name not in python_encoding for name in (element or {}).get("Value", []))


def broken(octets: bytes) -> str | None:
    """Of an explicit syntax, what before the picture is so wrong that what follows it can only be guessed."""
    order = ">" if b"1.2.840.10008.1.2.2\0" in octets[:600] else "<"
    at = 144 + int.from_bytes(octets[140:144], "little")
    ends: list[int] = []  # of the items and sequences around, where they say how long they are
    while at + 8 <= len(octets):
        while ends and at >= ends[-1]:
            ends.pop()
        group, number, vr, short = struct.unpack_from(f"{order}HH2sH", octets, at)
        if (group, number) == (0x7FE0, 0x0010):
            return None
        holds = vr == b"SQ" or group == 0xFFFE
        if group == 0xFFFE:
            begin, (length,) = at + 8, struct.unpack_from(f"{order}I", octets, at + 4)
        elif vr.decode("latin-1") in LONG_VRS:
            begin, (length,) = at + 12, struct.unpack(f"{order}I", octets[at + 8 : at + 12].ljust(4, b"\0"))
        elif vr.decode("latin-1") in SHORT_VRS:
            begin, length = at + 8, short
        else:
            return "no VR"
        length = 0 if length == UNDEFINED else length
        if ends and begin + length > ends[-1]:
            return "lengths at odds"
        if holds and length:
            ends.append(begin + length)
        at = begin if holds else begin + length
    return None


# --- damage ----------------------------------------------------------------------------------------------------------


def seeds() -> list[bytes]:
    """Small files that we take in: of the wheel, and one of each transfer syntax."""
    small = [path.read_bytes() for path in files_of_the_wheel() if path.stat().st_size <= LARGEST_SEED]
    taken = [octets for octets in small if isinstance(seen(Reading, octets), dict)]
    return taken + [an_instance(syntax=syntax) for syntax in EVERY_SYNTAX]


def damaged(chance: random.Random, octets: bytes) -> bytes:
    """A copy in which one to three places of the header are not what they were."""
    copy = bytearray(octets)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(_FIRST, max(_FIRST + 1, min(len(copy), REACH)))
        match chance.randrange(20):
            case 0:
                del copy[at : at + chance.randint(1, 8)]
            case 1:
                copy[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                copy[at:at] = copy[at : at + chance.randint(2, 40)]
            case 3:
                del copy[chance.randrange(_FIRST, len(copy)) if len(copy) > _FIRST else _FIRST :]
            case kind if kind < 12 and at < len(copy):
                copy[at] ^= 1 << chance.randrange(8)
            case _ if at < len(copy):
                copy[at] = chance.choice(b"\0\1\x08 /5A\\\x7f\xff")
            case _:
                pass
    return bytes(copy)


def compare_damaged(count: int, *, seed: int) -> Compared:
    """That many damaged files; the same ones for the same `seed`."""
    chance, whole, compared = random.Random(seed), seeds(), Compared()
    for number in range(count):
        compare(compared, f"damage {number} of seed {seed}", damaged(chance, chance.choice(whole)))
    return compared


def compare_files(paths: Iterable[Path]) -> Compared:
    """Files as they are."""
    compared = Compared()
    for path in paths:
        compare(compared, path.name, path.read_bytes())
    return compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore")
    runs = []
    if options.folder:
        runs.append(compare_files(sorted(path for path in options.folder.rglob("*") if path.is_file())))
    if options.mutations:
        runs.append(compare_damaged(options.mutations, seed=options.seed))
    for compared in runs:
        sys.stdout.write("\n".join([str(compared), *compared.unexplained[:50], ""]))
    raise SystemExit(any(compared.unexplained for compared in runs))


if __name__ == "__main__":
    main()
