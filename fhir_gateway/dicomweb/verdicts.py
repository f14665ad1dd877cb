"""What became of every instance of a push, in the codes and words a site is told (PS3.18 10.5.3 and annex I.2)."""

from dataclasses import dataclass, field
from enum import IntEnum

WORDS_MOST = 8  # sentences in Warning headers; the answer's body has one for each instance


class Failure(IntEnum):
    """Why an instance was not stored (PS3.18 annex I.2.2, PS3.4 annex B.2.3)."""

    PROCESSING = 0x0110
    DUPLICATE = 0x0111
    OUT_OF_RESOURCES = 0xA700
    MISMATCH = 0xA900
    NOT_UNDERSTOOD = 0xC000
    SYNTAX = 0xC122


class Warned(IntEnum):
    """What of an instance was changed when it was stored (PS3.18 annex I.2.1)."""

    COERCED = 0xB000


@dataclass(frozen=True, slots=True)
class Stored:
    """An instance that is kept, now or from before; `blanked` where its preamble said something."""

    sop_class: str
    instance_uid: str
    blanked: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """An instance that is not kept; without UIDs where it could not be read so far. `words` are 64 letters at most."""

    reason: Failure
    words: str
    sop_class: str = ""
    instance_uid: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of every part, in words of the standard."""

    stored: list[Stored] = field(default_factory=list[Stored])
    failed: list[Failed] = field(default_factory=list[Failed])
    study_uids: set[str] = field(default_factory=set[str])

    @property
    def status(self) -> int:
        """200 all stored as they came, 202 some or with a warning, 409 none (PS3.18 10.5.3)."""
        if not self.stored:
            return 409
        return 202 if self.failed or any(one.blanked for one in self.stored) else 200

    @property
    def warnings(self) -> list[str]:
        """What people are told in Warning headers: each reason once."""
        return list(dict.fromkeys(one.words for one in self.failed))[:WORDS_MOST]
