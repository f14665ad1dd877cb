"""Frozen octets: what was sealed once must open for ever, so these files never change."""

import json
from pathlib import Path
from typing import Any


def cases(name: str) -> Any:
    """The cases of `name`.json."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())["cases"]
