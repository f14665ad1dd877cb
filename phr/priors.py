"""Which scans belong beside each other: those of the same part of the body by the same kind of machine (experience I3).

A chest scan and one of chest and belly are of one part; a left knee and a right one are not. Where nobody wrote which
part it was, only the site's own name for the scan can tell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from phr import words
from vault.studies import Study

MOST_PRIORS = 3
BOTH = frozenset({"right", "left"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What a scan is of: kinds of machine, parts of the body, sides; empty is not known. `name` is the site's own."""

    kinds: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    name: str = ""

    def is_like(self, other: Subject) -> bool:
        """Whether one of them can be compared with the other."""
        if not self.kinds & other.kinds:
            return False
        if not self.parts or not other.parts:
            return self.parts == other.parts and bool(self.name) and self.name == other.name
        return bool(self.parts & other.parts) and (not self.sides or not other.sides or bool(self.sides & other.sides))

    def is_of_the_same_part(self, other: Subject) -> bool:
        """Whether both show the same part of the body on the same side, by whatever kind of machine."""
        if not self.parts & other.parts:
            return False
        return not self.sides or not other.sides or bool(self.sides & other.sides)


def subject_of(study: Study) -> Subject:
    """What `study` is of, as far as its series and its name say."""
    seen = [one.facts for one in study.series if one.facts.modality not in words.SILENT]
    description = study.facts.description
    side = words.side_of(seen, description)
    return Subject(
        kinds=frozenset(words.KIND_OF.get(one.modality, one.modality) for one in seen if one.modality),
        parts=frozenset(re.split(r", | and ", part)) if (part := words.part_of(seen, description)) else frozenset(),
        sides=BOTH if side == "both" else frozenset({side} if side else ()),
        name=description.strip().casefold(),
    )


def priors_of(study: Study, others: Iterable[Study]) -> list[Study]:
    """The other scans that can be compared with it, newest first and few."""
    subject = subject_of(study)
    alike = [one for one in others if one.id != study.id and one.pictures and subject_of(one).is_like(subject)]
    return sorted(alike, key=lambda one: one.facts.date, reverse=True)[:MOST_PRIORS]


def that_may_help(chosen: Collection[Study], others: Iterable[Study]) -> list[Study]:
    """The older scans of a part of the body that one of the chosen shows, newest first (experience S1)."""
    subjects, newest = [subject_of(one) for one in chosen], max((one.facts.date for one in chosen), default="")
    ids = {one.id for one in chosen}
    older = [one for one in others if one.id not in ids and one.facts.date <= newest]
    found = [one for one in older if any(subject_of(one).is_of_the_same_part(subject) for subject in subjects)]
    return sorted(found, key=lambda one: one.facts.date, reverse=True)
