"""WADO-RS rendered pictures and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.5), made in the darkroom."""

import math
from collections.abc import Mapping
from typing import Literal, cast

from flask import Response, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.frames import frame_octets
from fhir_gateway.dicom.reencode import header_octets
from fhir_gateway.dicom.render import Viewport, Window
from fhir_gateway.dicom.structured_report import is_readable
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.accept import RENDERED, choose
from fhir_gateway.dicomweb.answers import blueprint, streamed
from fhir_gateway.dicomweb.described import bulk_at
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.dicomweb.previews import middle_frame
from fhir_gateway.dicomweb.rendered_report import rendered_report
from fhir_gateway.dicomweb.retrieve import READ, frame_numbers
from fhir_gateway.errors import BadParameter, NoSuchFrame, PixelsRefused, WhyRefused
from fhir_gateway.looking import catalogue_for, tell_viewed
from vault.errors import NoKey, NotThere
from vault.keyring import KeyClass
from vault.reading import find_preview, open_series
from vault.sealing.stream import Kind
from vault.studies import Study

QUICK_VIEW_PIXELS = 1024
_MOST_PIXELS = 8192
_PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
_DOCUMENT = "00420011"
_SHAPES = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_PASSED = frozenset({"annotation", "iccprofile", "charset", "accept"})
JPEG = "image/jpeg"

_STUDY = "/studies/<study_uid>"
_SERIES = f"{_STUDY}/series/<series_uid>"
_INSTANCE = f"{_SERIES}/instances/<instance_uid>"


@blueprint.get(f"{_STUDY}/rendered")
@needs(READ)
def rendered_study(study_uid: str) -> Response:
    """One picture that stands for a study."""
    return _rendered_series(study_uid, _first_series(check_uid(study_uid)))


@blueprint.get(f"{_SERIES}/rendered")
@needs(READ)
def rendered_series(study_uid: str, series_uid: str) -> Response:
    """One picture that stands for a series: its middle one."""
    return _rendered_series(check_uid(study_uid), check_uid(series_uid))


@blueprint.get(f"{_INSTANCE}/rendered")
@needs(READ)
def rendered_instance(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """An instance as a picture, its first frame; a PDF inside DICOM as that PDF; a structured report as a page."""
    one = found.one(study_uid, series_uid, instance_uid)
    if one.found.layout["sop_class"] == _PDF_CLASS:
        return _document(study_uid, series_uid, instance_uid)
    if is_readable(one.found.layout["sop_class"]):
        return rendered_report(one, _accept())
    return _picture(one, 1)


@blueprint.get(f"{_INSTANCE}/frames/<numbers>/rendered")
@needs(READ)
def rendered_frame(study_uid: str, series_uid: str, instance_uid: str, numbers: str) -> Response:
    """One frame as a picture."""
    wanted = frame_numbers(numbers)
    if len(wanted) != 1:
        raise BadParameter("One frame at a time is shown as a picture.")
    return _picture(found.one(study_uid, series_uid, instance_uid), wanted[0])


@blueprint.get(f"{_STUDY}/thumbnail")
@needs(READ)
def study_thumbnail(study_uid: str) -> Response:
    """A small picture that stands for a study."""
    return _preview(study_uid, _first_series(check_uid(study_uid)), Kind.THUMBNAIL)


@blueprint.get(f"{_SERIES}/thumbnail")
@needs(READ)
def series_thumbnail(study_uid: str, series_uid: str) -> Response:
    """A small picture that stands for a series."""
    return _preview(check_uid(study_uid), check_uid(series_uid), Kind.THUMBNAIL)


@blueprint.get(f"{_INSTANCE}/thumbnail")
@needs(READ)
def instance_thumbnail(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """A small picture of an instance."""
    choose(request.headers.get("Accept"), (JPEG,))
    one = found.one(study_uid, series_uid, instance_uid)
    one.picture()
    header, frame, number = middle_frame(services(), one.found)
    return _jpeg(found.renderer().thumbnail(header, frame, number=number), one)


@blueprint.get(f"{_INSTANCE}/frames/<numbers>/thumbnail")
@needs(READ)
def frame_thumbnail(study_uid: str, series_uid: str, instance_uid: str, numbers: str) -> Response:
    """A small picture of a frame."""
    choose(request.headers.get("Accept"), (JPEG,))
    wanted = frame_numbers(numbers)
    if len(wanted) != 1:
        raise BadParameter("One frame at a time is shown as a picture.")
    one = found.one(study_uid, series_uid, instance_uid)
    header, frame = _frame(one, wanted[0])
    return _jpeg(found.renderer().thumbnail(header, frame, number=wanted[0]), one)


# --- how -------------------------------------------------------------------------------------------------------------


def _rendered_series(study_uid: str, series_uid: str) -> Response:
    window, viewport, quality = _asked(request.args)
    media_type = _accepted()
    small = viewport is None or (max(viewport.width, viewport.height) <= QUICK_VIEW_PIXELS and viewport.region is None)
    if media_type == JPEG and window is None and quality is None and small and viewport is not None:
        try:
            return _preview(study_uid, series_uid, Kind.QUICK_VIEW)
        except NotThere:
            pass  # none could be made when it was pushed; it is tried anew below
    with services().reading() as work:
        instances = [
            one
            for one in open_series(work, access().opened(), study_uid, series_uid)
            if one.facts.frames and one.facts.key_class == KeyClass.PICTURES.value
        ]
    if not instances:
        raise PixelsRefused(WhyRefused.NO_PIXELS)
    ordered = sorted(instances, key=lambda one: (one.facts.number or 0, one.facts.uid))
    middle = ordered[len(ordered) // 2]
    return _picture(found.one(study_uid, series_uid, middle.facts.uid), middle.facts.frames // 2 + 1)


def _picture(one: Shown, number: int) -> Response:
    window, viewport, quality = _asked(request.args)
    media_type = _accepted()
    header, frame = _frame(one, number)
    octets = found.renderer().picture(
        header,
        frame,
        number=number,
        window=window,
        viewport=viewport,
        quality=quality,
        media_type=cast("Literal['image/jpeg', 'image/png']", media_type),
    )
    tell_viewed(services(), access(), one.study_id)
    return Response(octets, content_type=media_type)


def _frame(one: Shown, number: int) -> tuple[bytes, bytes]:
    table = one.picture()
    if number > table.count:
        raise NoSuchFrame("The instance has no frame of that number.")
    with one.reading() as read:
        return header_octets(table, read), frame_octets(table, number, read)


def _jpeg(octets: bytes, one: Shown) -> Response:
    if not access().is_patient:
        tell_viewed(services(), access(), one.study_id)
    return Response(octets, content_type=JPEG)


def _preview(study_uid: str, series_uid: str, kind: Kind) -> Response:
    choose(request.headers.get("Accept"), (JPEG,))
    with services().reading() as work:
        octets = find_preview(work, access().opened(), study_uid, series_uid, kind)
        # A list of one's own scans shows thumbnails by itself: that is no looking at pictures.
        told = kind is not Kind.THUMBNAIL or not access().is_patient
        studies = catalogue_for(work, access()).by_uid(study_uid) if told else []
    for study in studies:
        if any(one.facts.uid == series_uid for one in study.series):
            tell_viewed(services(), access(), study.id)
    return Response(octets, content_type=JPEG)


def _first_series(study_uid: str) -> str:
    """The first series of the study that has a preview, else its first."""
    with services().reading() as work:
        studies: list[Study] = catalogue_for(work, access()).by_uid(study_uid)
    series = [one for study in studies for one in study.series]
    if not series:
        raise NotThere
    return next((one for one in series if one.has_preview), series[0]).facts.uid


def _document(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """The PDF inside an Encapsulated PDF: a whole document, so it is handed out like one."""
    choose(_accept(), ("application/pdf",))
    one = found.one(study_uid, series_uid, instance_uid, whole=True)
    bulk = bulk_at(one.found.layout, _DOCUMENT)
    if bulk is None:
        raise NoKey
    tell_viewed(services(), access(), one.study_id)
    answer = streamed(one.octets(bulk.start, bulk.length), bulk.length, "application/pdf", one.asker)
    answer.headers["Content-Disposition"] = f'attachment; filename="{instance_uid}.pdf"'
    return answer


# --- what was asked --------------------------------------------------------------------------------------------------


def _accept() -> str | None:
    return request.args.get("accept") or request.headers.get("Accept")


def _accepted() -> str:
    return choose(_accept(), RENDERED)


def _asked(given: Mapping[str, str]) -> tuple[Window | None, Viewport | None, int | None]:
    """Window, viewport and quality of a rendered request (PS3.18 8.3.5). Raises `BadParameter`."""
    if any(name not in _PASSED | {"window", "viewport", "quality"} for name in given):
        raise BadParameter("A rendered picture knows no such parameter.")
    window = window_of(given["window"]) if "window" in given else None
    viewport = viewport_of(given["viewport"]) if "viewport" in given else None
    return window, viewport, quality_of(given["quality"]) if "quality" in given else None


def window_of(text: str) -> Window:
    """`center,width,shape`. Raises `BadParameter`."""
    parts = text.split(",")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2].strip().lower() not in _SHAPES):
        raise BadParameter("A window is centre, width and shape, between commas.")
    centre, width = (_decimal(part) for part in parts[:2])
    if width < 0 or abs(centre) > 1e9 or width > 1e9:
        raise BadParameter("A window needs a width above zero.")
    return Window(centre, width, _SHAPES[parts[2].strip().lower()] if len(parts) == 3 else "LINEAR")


def viewport_of(text: str) -> Viewport:
    """`vw,vh` with the region `sx,sy,sw,sh` behind. Raises `BadParameter`."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (2, 6) or not all(part.isascii() and part.isdigit() for part in parts[:2]):
        raise BadParameter("A viewport is two or six numbers, between commas.")
    if len(parts[0]) > 6 or len(parts[1]) > 6:
        raise BadParameter("A viewport is at most 8192 pixels wide and high.")
    width, height = int(parts[0]), int(parts[1])
    if not (1 <= width <= _MOST_PIXELS and 1 <= height <= _MOST_PIXELS):
        raise BadParameter("A viewport is at most 8192 pixels wide and high.")
    if len(parts) == 2:
        return Viewport(width, height)
    x, y, region_width, region_height = (_decimal(part or "0") for part in parts[2:])
    return Viewport(width, height, (x, y, region_width, region_height))


def quality_of(text: str) -> int:
    """1 to 100. Raises `BadParameter`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise BadParameter("The quality is a whole number from 1 to 100.")
    return int(text)


def _decimal(text: str) -> float:
    try:
        number = float(text) if len(text) <= 32 and text.isascii() else math.inf
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise BadParameter("A number is not written as one.")
    return number
