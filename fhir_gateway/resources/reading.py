"""
JSON from outside, read so that two programs can never understand it differently.

No duplicate keys, no NaN, no surrogates, no byte order mark, a bounded depth and a bounded size; numbers too long for
any clinical use are refused before anything is computed from them.
"""

import json
import re
from typing import Any, NoReturn

from fhir_gateway.outcome import Issue, Refusal, malformed

DEEPEST = 64
_LONGEST_NUMBER = 40
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_MAY_BE_UNPAIRED = re.compile(rb"\\u[dD][89a-fA-F]")
_UNPAIRED = re.compile("[\ud800-\udfff]")

Json = dict[str, Any]


def read_json(octets: bytes, *, most: int) -> Json:
    """One JSON object. Raises `Refusal` 400, or 413 above `most` octets."""
    if len(octets) > most:
        raise too_long()
    if octets.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise malformed("The body must be UTF-8 without a byte order mark.")
    _check_depth(octets)
    try:
        value = json.loads(
            octets.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_decimal,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise malformed("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise malformed("The body is not a JSON object.")
    if _MAY_BE_UNPAIRED.search(octets):
        _check_whole_text(value)
    return value


def too_long() -> Refusal:
    """413."""
    return Refusal(413, Issue("too-long", "The body or a document in it is larger than is taken in."))


def _check_depth(octets: bytes) -> None:
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b'""', octets)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEEPEST:
            raise malformed("The body is nested deeper than is followed.")


def _object(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise malformed("A name appears twice in one object.")
    return made


def _check_whole_text(value: Any) -> None:
    """Half a surrogate pair can be neither stored nor shown; `json` lets it pass."""
    if isinstance(value, str):
        if _UNPAIRED.search(value):
            raise malformed("The body holds half of a character.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_whole_text(name)
            _check_whole_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_whole_text(inner)


def _no_constant(_name: str) -> NoReturn:
    raise malformed("The body holds a number that is none.")


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise malformed("The body holds a number longer than is read.")
    return int(text)


def _decimal(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise malformed("The body holds a number longer than is read.")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise malformed("The body holds a number larger than is read.")
    return number
