"""What a page of pictures is drawn from: whole values, made by whoever opened the studies.

They carry what the page says and where DICOMweb has it, and nothing of how it was opened, so that a
patient's own page and a doctor's are drawn alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from phr.group_words import view_of
from phr.priors import Subject

# Series a person does not mean when they ask for the pictures: overviews, dose sheets, reports, settings.
NOT_TO_BEGIN_WITH = frozenset(
    {"SR", "KO", "PR", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "ANN", "DOC", "AU", "ECG"}
)
OVERVIEW_WORDS = ("local", "scout", "survey", "topogram", "dose", "overview")


@dataclass(frozen=True, slots=True)
class ShownInstance:
    """One object of a series, its Instance Number, and how many frames it has; 0 for one that is no picture."""

    uid: str
    frames: int = 1
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ShownSeries:
    """A group of pictures, its instances in the order they are shown (by Instance Number, 0020,0013)."""

    uid: str
    instances: tuple[ShownInstance, ...]
    number: int | None = None
    description: str = ""
    modality: str = ""
    has_key_pictures: bool = False

    @property
    def count(self) -> int:
        """How many pictures there are to page through."""
        return sum(instance.frames for instance in self.instances)

    @property
    def name(self) -> str:
        """What the group is called, when the site gave it a name."""
        return self.description or self.modality

    @property
    def view(self) -> str:
        """From where it looks at the body, in plain words; "" where the site's name does not tell."""
        return view_of(self.description, self.modality)

    def picture(self, number: int) -> tuple[ShownInstance, int]:
        """The instance and frame of the `number`th picture, counted from 1.

        Raises `IndexError` past the end.
        """
        left = number
        for instance in self.instances:
            if 1 <= left <= instance.frames:
                return instance, left
            left -= instance.frames
        raise IndexError(number)

    def place_of(self, number: int) -> int | None:
        """Where the picture with this Instance Number stands, counted from 1; None if there is none."""
        before = 0
        for instance in self.instances:
            if instance.number == number and instance.frames:
                return before + 1
            before += instance.frames
        return None

    def is_overview(self) -> bool:
        """Is this a localizer, a dose sheet or no pictures at all?"""
        words = self.description.lower()
        return self.modality in NOT_TO_BEGIN_WITH or any(word in words for word in OVERVIEW_WORDS)


@dataclass(frozen=True, slots=True)
class ShownStudy:
    """A scan as its page names it: in the patient's words, never with a name or a number of theirs.

    `id` is what its own pages name it by; `marks` are the series (by UID) whose objects mark pictures of the others.
    """

    uid: str
    title: str
    series: tuple[ShownSeries, ...]
    id: str = ""
    taken: date | None = None
    subject: Subject = field(default_factory=Subject)
    place: str = ""
    report_url: str = ""
    provenance: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A way out of the viewer, as a word and an address."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Who looks, what stands around the pictures, and where the page's own links lead.

    `address` is the page's own path; `alive_url` answers 204 while the access holds and 401 after;
    `end_url`, when given, takes a POST that ends the session.
    """

    toolbar: Literal["patient", "clinician"]
    title: str
    address: str
    alive_url: str
    ended_url: str
    back: Link
    bar: str = ""
    links: Sequence[Link] = field(default_factory=tuple)
    end_url: str = ""
    may_save: Literal["yes", "no"] = "no"
    hints: Literal["show", "hide"] = "hide"


def begin_with(studies: Sequence[ShownStudy]) -> tuple[ShownStudy, ShownSeries] | None:
    """The group to begin with: of the first study that has pictures, the one with key pictures, else the largest
    that is no overview (experience: start series). Where none has pictures, a group that says what it is instead; None
    when there is no group at all.
    """
    best = [(study, max(study.series, key=_worth)) for study in studies if study.series]
    return next(((study, series) for study, series in best if series.count), best[0] if best else None)


def _worth(series: ShownSeries) -> tuple[bool, bool, bool, int]:
    return (series.count > 0, series.has_key_pictures, not series.is_overview(), series.count)
