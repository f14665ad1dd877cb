"""The page with the pictures, for the patient and for a doctor, with the viewer or without JavaScript.

One page, two toolbars. Asked with a `picture` it pages through the server's JPEGs, a picture to a
page; asked without, it is the viewer, whose quick view is an image like any other and is on the screen
before any code has arrived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from flask import Blueprint, current_app, render_template, request

from phr import dates
from phr.pages.shown import ShownSeries, ShownStudy, Surroundings, begin_with
from phr.references import ImageNamed

LONGEST_SIDE = 1024  # of a quick view and of a paged picture, in pixels
ENTRY = "viewer/main.ts"

FindStudies = Callable[[str], tuple[Sequence[ShownStudy], Surroundings]]


@dataclass(frozen=True, slots=True)
class PictureWanted:
    """Which picture of which group a page without JavaScript shows; all three are counted from 1."""

    study: int
    series: int
    picture: int

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> PictureWanted | None:
        """None when the query names no picture: then the viewer is wanted."""
        if "picture" not in query:
            return None
        return cls(*(_whole(query.get(name, "1")) for name in ("study", "series", "picture")))


def blueprint_over(find: FindStudies, *, name: str = "viewer") -> Blueprint:
    """The route /scans/<study_id>/pictures over whatever opens the studies.

    `find` guards: it raises what the house answers with 401, 403 or 404.
    """
    blueprint = Blueprint(name, __name__)

    @blueprint.get("/scans/<study_id>/pictures")
    def pictures(study_id: str) -> str:
        studies, around = find(study_id)
        return pictures_page(studies, around, request.args)

    return blueprint


def pictures_page(studies: Sequence[ShownStudy], around: Surroundings, query: Mapping[str, str]) -> str:
    """The viewer, or the one picture that `query` asks for."""
    wanted = PictureWanted.parse(query)
    if wanted is not None:
        return paged(studies, around, wanted)
    return page_for(studies, around, ImageNamed.parse(query), scan=query.get("scan", ""))


def page_for(
    studies: Sequence[ShownStudy], around: Surroundings, named: ImageNamed | None = None, *, scan: str = ""
) -> str:
    """The page with the viewer and its quick view.

    It begins with the group in which the `named` picture lies, else with the scan that is asked for, else with the
    first; a `scan` that is not among the studies asks for nothing.
    """
    found = _group_of(studies, named)
    start = found or begin_with(sorted(studies, key=lambda one: one.id != scan))
    image = named.image if named and found else None
    return render_template(
        "pages/viewer.html",
        studies=studies,
        around=around,
        start=start,
        start_image=image,
        start_place=start[1].place_of(image) if start and image is not None else None,
        written=json.dumps([_written(study, studies) for study in studies]),
        paged_url=_paged_url(studies, around),
        quick_url=f"{series_address(*start)}/rendered" if start else "",
        series_address=series_address,
        files=viewer_files(),
    )


def paged(studies: Sequence[ShownStudy], around: Surroundings, wanted: PictureWanted) -> str:
    """One picture as the server renders it, with links before and after; a number past an end means the end."""
    study = studies[_within(wanted.study, len(studies))] if studies else None
    series = study.series[_within(wanted.series, len(study.series))] if study and study.series else None
    number = _within(wanted.picture, series.count) + 1 if series else 1
    return render_template(
        "pages/pictures.html",
        studies=studies,
        around=around,
        study=study,
        series=series,
        number=number,
        picture_url=_picture_address(study, series, number) if study and series and series.count else "",
        paged_url=_paged_url(studies, around),
        files=viewer_files(),
    )


def series_address(study: ShownStudy, series: ShownSeries) -> str:
    """Where DICOMweb has the series (PS3.18 10.4)."""
    return f"/dicomweb/studies/{study.uid}/series/{series.uid}"


def viewer_files() -> dict[str, str]:
    """The names of the viewer's script and style under static/, as the last build wrote them."""
    folder = current_app.static_folder
    assert folder is not None
    return _files_of(Path(folder) / "viewer" / "manifest.json")


@cache
def _files_of(manifest: Path) -> dict[str, str]:
    entry = json.loads(manifest.read_text())[ENTRY]
    return {"script": f"viewer/{entry['file']}", "style": f"viewer/{entry['css'][0]}"}


def _group_of(studies: Sequence[ShownStudy], named: ImageNamed | None) -> tuple[ShownStudy, ShownSeries] | None:
    if named is None:
        return None
    groups = ((study, series) for study in studies if study.id == named.scan for series in study.series)
    return next(((study, series) for study, series in groups if series.number == named.group and series.count), None)


def _picture_address(study: ShownStudy, series: ShownSeries, number: int) -> str:
    instance, frame = series.picture(number)
    place = f"{series_address(study, series)}/instances/{instance.uid}/frames/{frame}"
    return f"{place}/rendered?viewport={LONGEST_SIDE},{LONGEST_SIDE}"


def _paged_url(studies: Sequence[ShownStudy], around: Surroundings) -> Callable[..., str]:
    def url(study: ShownStudy, series: ShownSeries, number: int | None = None) -> str:
        """The page of one picture; without a number, of the middle one."""
        place = {
            "study": studies.index(study) + 1,
            "series": study.series.index(series) + 1,
            "picture": number or series.count // 2 + 1,
        }
        return f"{around.address}?{urlencode(place)}"

    return url


def _written(study: ShownStudy, studies: Sequence[ShownStudy]) -> dict[str, object]:
    return {
        "uid": study.uid,
        "title": study.title,
        "date": dates.in_words(study.taken) if study.taken else "",
        "taken": study.taken.strftime("%Y%m%d") if study.taken else "",
        "place": study.place,
        "marks": study.marks,
        "alike": [one.uid for one in studies if one is not study and one.subject.is_like(study.subject)],
        "reportUrl": study.report_url,
        "series": [
            {
                "uid": series.uid,
                "number": series.number,
                "description": series.description,
                "modality": series.modality,
                "count": series.count,
            }
            for series in study.series
        ],
    }


def _whole(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 7 else 1


def _within(number: int, count: int) -> int:
    """`number`, counted from 1, as an index that exists."""
    return max(0, min(number, count) - 1)
