"""Random identifiers: 16 octets inside, 32 hexadecimal digits outside. An identifier is never an authorisation."""

import os
from typing import NewType

from vault.errors import NotThere

Id = NewType("Id", bytes)


def new_id() -> Id:
    """A fresh identifier of 128 random bits."""
    return Id(os.urandom(16))


def parse_id(text: str) -> Id:
    """The identifier behind 32 lower-case hexadecimal digits; anything else names nothing (`NotThere`)."""
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise NotThere
    return Id(bytes.fromhex(text))
