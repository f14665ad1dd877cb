"""Places in a report that name a picture, "series 4 image 12", led to that picture.

The words are the site's own and stay as they are. Only a series that the scan has, with pictures, is led to; numbers
are those of the files (Series Number 0020,0011 and Instance Number 0020,0013).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from vault.studies import Study

_NUMBER = r"\s*(?:#|no\.?|number|nº|número)?\s*"
_SERIES = r"(?:series|serie|ser\.?|se\.?|s)" + _NUMBER + r"(\d{1,4})"
_IMAGE = r"(?:images?|im[aá]genes|imagen|img\.?|im\.?|i|slice|picture)" + _NUMBER + r"(\d{1,5})"
_BETWEEN = r"\s*(?:of|on|in|,|\(|de la|en la)\s*"
_NAMED = re.compile(rf"\b(?:{_SERIES}\s*[,;:/(-]?\s*{_IMAGE}|{_IMAGE}{_BETWEEN}{_SERIES})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImageNamed:
    """One picture as a report names it: series and image by the files' own numbers, in the scan with this id."""

    scan: str
    group: int
    image: int

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> ImageNamed | None:
        """None where the query names none, or nothing that could be one."""
        group, image = (query.get(name, "") for name in ("group", "image"))
        if not re.fullmatch(r"[0-9]{1,4}", group) or not re.fullmatch(r"[0-9]{1,5}", image):
            return None
        return cls(query.get("scan", ""), int(group), int(image))


@dataclass(frozen=True, slots=True)
class PicturesBeside:
    """The page of pictures that a report's scan has, and the numbers of the groups in it."""

    address: str
    scan: str
    groups: frozenset[int]

    def pieces(self, text: str) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with the address it leads to; "" where it is only text."""
        done = 0
        for found in _NAMED.finditer(text):
            series, image, image_first, series_last = found.groups()
            group = int(series or series_last)
            if group not in self.groups:
                continue
            yield text[done : found.start()], ""
            query = urlencode({"scan": self.scan, "group": group, "image": int(image or image_first)})
            yield found.group(), f"{self.address}?{query}"
            done = found.end()
        yield text[done:], ""


def pictures_beside(study: Study, address: str) -> PicturesBeside:
    """What of the study's pictures a report can lead to, on the page at `address`."""
    numbers = [one.facts.number for one in study.series if one.pictures]
    return PicturesBeside(address, study.id.hex(), frozenset(one for one in numbers if one is not None))
