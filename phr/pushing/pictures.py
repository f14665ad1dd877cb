"""Sends instances by STOW-RS, about twenty files or 16 MiB a request, read while they are sent (PS3.18 10.5)."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.pushing import WrongFolder
from phr.pushing.finding import Found
from phr.pushing.remembering import Memory, mark_of
from phr.pushing.web import Answer, Order, Web, check_taken

MOST_FILES = 20
MOST_OCTETS = 16 << 20
PIECE = 256 * 1024

# PS3.18 annex I.2.2; of some the server says more in words of its own.
_WORDS = {
    0x0110: "the server could not take it",
    0x0111: "another picture is kept under its number already; the first one stays",
    0xA700: "the server has no room left",
    0xA900: "it names another patient or study than the rest of its study",
    0xC000: "it is not a whole, readable DICOM object",
    0xC122: "its pictures are packed in a way the server does not know",
}
_WORDS_MAY_FOLLOW = (0x0110, 0xC000)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not taken, and why, in plain words."""

    found: Found
    reason: str


@dataclass(slots=True)
class Sent:
    """What became of all of it."""

    taken: int = 0
    known: int = 0
    octets: int = 0
    refused: list[RefusedFile] = field(default_factory=list[RefusedFile])


def send_pictures(
    web: Web, base: str, ordered: Iterable[Found], memory: Memory, *, progress: Callable[[int, int], None]
) -> Sent:
    """Everything not taken before has been offered; `progress` hears of files and octets done. Raises `PushError`."""
    sent = Sent()
    fresh: list[Found] = []
    for one in ordered:
        if memory.holds(mark_of(one)):
            sent.known += 1
        else:
            fresh.append(one)
    for group in groups(fresh):
        answer = web.send(_order(base, group))
        refused = _refused_in(answer, group)
        gone = {one.found.instance_uid for one in refused}
        taken = [one for one in group if one.instance_uid not in gone]
        if taken:
            memory.keep(*(mark_of(one) for one in taken))
        sent.taken += len(taken)
        sent.octets += sum(one.size for one in taken)
        sent.refused += refused
        progress(len(group), sum(one.size for one in group))
    return sent


def groups(ordered: Iterable[Found]) -> Iterator[list[Found]]:
    """What goes together: one study, twenty files or 16 MiB at most, a larger file alone, no number twice."""
    group: list[Found] = []
    for one in ordered:
        if group and not _fits(group, one):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _fits(group: list[Found], one: Found) -> bool:
    return (
        len(group) < MOST_FILES
        and group[0].study_uid == one.study_uid
        and sum(other.size for other in group) + one.size <= MOST_OCTETS
        and all(other.instance_uid != one.instance_uid for other in group)
    )


def _order(base: str, group: list[Found]) -> Order:
    boundary = os.urandom(16).hex()
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    end = f"--{boundary}--\r\n".encode()
    length = sum(len(head) + one.size + 2 for one in group) + len(end)
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Accept": "application/dicom+json",
    }
    return Order("POST", f"{base}/studies", headers, length, lambda: _body(group, head, end))


def _body(group: list[Found], head: bytes, end: bytes) -> Iterator[bytes]:
    for one in group:
        yield head
        yield from _file(one)
        yield b"\r\n"
    yield end


def _file(one: Found) -> Iterator[bytes]:
    """The file's octets, as many as were announced. Raises `WrongFolder` where it changed meanwhile."""
    left = one.size
    with one.path.open("rb") as file:
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
    if left:
        raise WrongFolder(f"{one.path} became shorter while it was sent. Run the same again when it is whole.")


def _refused_in(answer: Answer, group: list[Found]) -> list[RefusedFile]:
    """Who was not stored, by the Store Instances Response (PS3.18 annex I)."""
    said = answer.json()
    known = isinstance(said, dict) and any(tag in said for tag in ("00081198", "00081199", "0008119A"))
    if not known:
        check_taken(answer, "take these pictures")
        return [RefusedFile(one, "the server did not say what became of it") for one in group]
    kept = {_uid(one) for one in _items(said, "00081199")}
    refused = {_uid(one): one for one in _items(said, "00081198")}
    nameless = next(iter(_items(said, "0008119A")), None)
    words = _warning(answer)
    return [
        RefusedFile(one, _plain(refused.get(one.instance_uid, nameless), words))
        for one in group
        if one.instance_uid not in kept
    ]


def _items(said: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    return [one for one in said.get(tag, {}).get("Value") or [] if isinstance(one, dict)]


def _uid(item: dict[str, Any]) -> str:
    return str((item.get("00081155", {}).get("Value") or [""])[0])


def _reason(item: dict[str, Any]) -> int:
    return int((item.get("00081197", {}).get("Value") or [0])[0])


def _plain(item: dict[str, Any] | None, words: str) -> str:
    """The reason of one failure: in its own words (0000,0902), else in those of the whole answer."""
    reason = None if item is None else _reason(item)
    words = str((item or {}).get("00000902", {}).get("Value", [""])[0]) or words
    if reason not in _WORDS or (reason in _WORDS_MAY_FOLLOW and words):
        return words or "the server did not say why"
    return _WORDS[reason]


def _warning(answer: Answer) -> str:
    """The words of the Warning headers, as the server adds them for people (RFC 7234 5.5)."""
    said = answer.headers.get("warning", "")
    return " ".join(part for part in said.split('"')[1::2] if part)
