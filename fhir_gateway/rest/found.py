"""What lies on the shelf."""

from dataclasses import dataclass
from typing import Any

from vault.studies import Study

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A resource and the study it was found with."""

    resource: Json
    study: Study | None = None
