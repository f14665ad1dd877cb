"""The one way a JSON value is written before it is signed, hashed or sealed (docs/format.md 1)."""

import json
from collections.abc import Mapping, Sequence

_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]


def canonical_json(value: Value) -> bytes:
    """`value` as UTF-8: keys sorted by code point, no spaces, no ASCII escapes.

    Equal values give equal octets. Raises `ValueError` for a float (two writers
    may print it differently) and for a key that is no text.
    """
    _check(value)
    return _WRITER.encode(value).encode()


def _check(value: object) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise ValueError("a key is text")  # noqa: TRY004  one error for all that has no canonical form
            _check(inner)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list | tuple):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            _check(inner)  # pyright: ignore[reportUnknownArgumentType]
    elif not (value is None or isinstance(value, str | int)):
        raise ValueError("only text, whole numbers, true, false, null, lists and objects have a canonical form")
