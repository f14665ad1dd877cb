"""Words that must never lie anywhere in clear, and a quick way to look for all of them in all their spellings."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SHORTEST = 6
_PIECE = 8 << 20


class Canaries:
    """Secrets and facts by name; `add` takes text or octets."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def add(self, name: str, *values: str | bytes | None) -> None:
        for number, value in enumerate(values):
            octets = value.encode() if isinstance(value, str) else value
            if octets:
                assert len(octets) >= SHORTEST, f"{name} is too short to be told from chance"
                self.known[f"{name} {number}" if len(values) > 1 else name] = octets

    def add_secret(self, name: str, written: str) -> None:
        """A token or cookie: as it is written, without its prefix, and its octets."""
        self.add(name, written)
        bare = written[-43:]
        self.add(f"{name}, bare", bare)
        self.add(f"{name}, octets", base64.urlsafe_b64decode(bare + "="))

    def spellings(self) -> dict[bytes, str]:
        """Every needle and what it betrays."""
        found: dict[bytes, str] = {}
        for name, octets in self.known.items():
            for how, needle in _spelled(octets):
                if len(needle) >= SHORTEST:
                    found.setdefault(needle, f"{name}, {how}")
        return found


def _spelled(octets: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", octets
    yield "hex", octets.hex().encode()
    yield "HEX", octets.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + octets)
        middle = encoded[(0, 2, 3)[shift] : 8 * (shift + len(octets)) // 6]
        yield f"base64 at {shift}", middle
        yield f"base64url at {shift}", middle.translate(bytes.maketrans(b"+/", b"-_"))
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return
    yield "UTF-16 LE", text.encode("utf-16-le")
    yield "UTF-16 BE", text.encode("utf-16-be")


class Search:
    """Finds any of many needles: by their first four octets in a table, then exactly."""

    def __init__(self, needles: dict[bytes, str]) -> None:
        self._by_head: dict[int, list[bytes]] = {}
        self._needles = needles
        self._table = np.zeros(1 << 20, dtype=bool)
        self._longest = max(map(len, needles))
        for needle in needles:
            head = int.from_bytes(needle[:4], "little")
            self._by_head.setdefault(head, []).append(needle)
            self._table[_slot(np.array([head], dtype=np.uint32))] = True

    def in_octets(self, octets: bytes) -> set[str]:
        """What of the needles lies in `octets`."""
        if len(octets) < 4:
            return set()
        plain = np.frombuffer(octets, dtype=np.uint8).astype(np.uint32)
        heads = plain[:-3] | plain[1:-2] << 8 | plain[2:-1] << 16 | plain[3:] << 24
        found: set[str] = set()
        for place in np.flatnonzero(self._table[_slot(heads)]):
            for needle in self._by_head.get(int(heads[place]), ()):
                if octets[place : place + len(needle)] == needle:
                    found.add(self._needles[needle])
        return found

    def in_file(self, path: Path) -> set[str]:
        found = self.in_octets(path.name.encode())
        with path.open("rb") as file:
            tail = b""
            while piece := file.read(_PIECE):
                found |= self.in_octets(tail + piece)
                tail = piece[-self._longest :]
        return found

    def in_folder(self, folder: Path, *, but: frozenset[str] = frozenset()) -> dict[str, set[str]]:
        """What lies where, by file."""
        files = [one for one in sorted(folder.rglob("*")) if one.is_file() and one.name not in but]
        assert files, f"nothing lies in {folder}"
        found = {str(one.relative_to(folder)): self.in_file(one) for one in files}
        return {name: what for name, what in found.items() if what}


def _slot(heads: np.ndarray) -> np.ndarray:
    return (heads * np.uint32(2654435761)) >> np.uint32(12)
