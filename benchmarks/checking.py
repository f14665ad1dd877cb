"""Whether both answered the same: octets as they were pushed, and no attribute that one tells and the other leaves out.

A ratio counts only where nothing was found here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import studies
from benchmarks.lab import Lab
from benchmarks.multipart import FILES, FRAMES, JSON
from benchmarks.servers import Server
from benchmarks.studies import Copy, Kind
from benchmarks.wire import Connection, parts_of

Row = Mapping[str, Any]
_INSTANCE = "00080018"
# What each server says of itself, of its addresses, and of how its answer is written (JSON is always UTF-8).
_OWN_WORDS = {"00080005", "00080054", "00080056", "00081190", "00081195"}
_MOST_TOLD = 5


def wrong_octets(server: Server, lab: Lab) -> list[tuple[Kind, str]]:
    """What came back otherwise than it was pushed, in sentences; each study that lies ready is looked at."""
    found: list[tuple[Kind, str]] = []
    with server.reader() as connection:
        for kind in studies.KINDS.values():
            if lab.is_ready(kind):
                words = _whole(connection, lab.ready(kind)) + _single(connection, lab.ready(kind))
                found += [(kind, f"{server.name}: {line}") for line in words[:_MOST_TOLD]]
    return found


def _whole(connection: Connection, copy: Copy) -> list[str]:
    """Each instance of the study as a whole, pixel for pixel, whatever their order."""
    files = parts_of(connection.get(copy.path, FILES).expect())
    expected = {copy.pieces(index)[1] for index in range(len(copy.study.instances))}
    if len(files) != len(copy.study.instances):
        return [f"{copy.study.kind.name} came back with {len(files)} instances"]
    sizes = {len(pixels) for pixels in expected}
    came = {file[-size:] for file in files for size in sizes}
    return [] if expected <= came else [f"pixels of {copy.study.kind.name} came back otherwise"]


def _single(connection: Connection, copy: Copy) -> list[str]:
    """The first, middle and last instance by itself, and a frame of each."""
    found, kind = [], copy.study.kind
    total = len(copy.study.instances)
    for index in sorted({0, total // 2, total - 1}):
        path = copy.instance_path(index)
        one = parts_of(connection.get(path, FILES).expect())
        if len(one) != 1 or not one[0].endswith(copy.pieces(index)[1]):
            found.append(f"instance {index} of {kind.name} came back otherwise")
        number = kind.frames // 2 + 1
        frame = parts_of(connection.get(f"{path}/frames/{number}", FRAMES).expect())
        wanted = copy.study.instances[index].pixel_data if kind.packed else copy.frame(index, number)
        same = len(frame) == 1 and (frame[0].rstrip(b"\0") in wanted if kind.packed else frame[0] == wanted)
        if not same:
            found.append(f"frame {number} of instance {index} of {kind.name} came back otherwise")
    return found


def rows_of(server: Server, path: str) -> list[Row]:
    """The DICOM JSON at an address. Raises `Unexpected`."""
    with server.reader() as connection:
        return json.loads(connection.get(path, JSON).expect().body)


def missing(ours: Sequence[Row], theirs: Sequence[Row], *, key: str = _INSTANCE) -> list[str]:
    """What the peer tells and we do not, or otherwise, in sentences; the rows are matched by the value of `key`."""
    mine = {_value(row, key): row for row in ours}
    if len(mine) != len(ours) or set(mine) != {_value(row, key) for row in theirs}:
        return [f"{len(ours)} rows against {len(theirs)}, or other ones"]
    found: list[str] = []
    for row in theirs:
        found += _less(mine[_value(row, key)], row)
    return list(dict.fromkeys(found))[:_MOST_TOLD]


def fewer_told(ours: Sequence[Row], theirs: Sequence[Row]) -> list[str]:
    """What the peer tells in any row and we leave out in one, where the rows may be of different things."""
    if len(ours) != len(theirs):
        return [f"{len(ours)} rows against {len(theirs)}"]
    told = {tag for row in theirs for tag in row if tag not in _OWN_WORDS}
    lacking = sorted(told - set.intersection(*(set(row) for row in ours))) if ours else []
    return [f"{tag} is told by the peer alone" for tag in lacking[:_MOST_TOLD]]


def _less(ours: Row, theirs: Row) -> list[str]:
    found = []
    for tag, element in theirs.items():
        if tag in _OWN_WORDS or tag.startswith("0002"):
            continue
        if tag not in ours:
            found.append(f"{tag} is told by the peer alone")
        elif not _same(ours[tag], element):
            found.append(f"{tag} is {str(ours[tag])[:60]} here and {str(element)[:60]} there")
    return found


def _same(ours: Row, theirs: Row) -> bool:
    """The same value; one that is told by its address alone, or written as octets, is not compared."""
    if ours.get("vr") != theirs.get("vr") and "UN" not in (ours.get("vr"), theirs.get("vr")):
        return False
    if "Value" not in ours or "Value" not in theirs:
        return ("Value" in ours) == ("Value" in theirs) or not theirs.get("Value")
    return len(ours["Value"]) == len(theirs["Value"]) and all(map(_alike, ours["Value"], theirs["Value"]))


def _alike(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dict) or isinstance(theirs, dict):
        are_names = "Alphabetic" in theirs
        return ours == theirs if are_names else not _less(ours, theirs)
    try:
        return float(ours) == float(theirs)
    except (TypeError, ValueError):
        return str(ours).strip() == str(theirs).strip()


def _value(row: Row, tag: str) -> str:
    values = row.get(tag, {}).get("Value") or [""]
    return str(values[0])
