"""WADO-RS rendered pictures and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.5).

What needs a decoder is made in the darkroom; what lies bare and is toned by a window alone, in the worker itself.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from flask import Response, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.frames import frame_octets
from fhir_gateway.dicom.reencode import header_octets
from fhir_gateway.dicom.render import Look, MediaType, Viewport
from fhir_gateway.dicom.structured_report import is_readable
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.accept import RENDERED, choose, choose_parts
from fhir_gateway.dicomweb.answers import accepted, blueprint, links, related_answer, warn
from fhir_gateway.dicomweb.described import bare_of, bulk_at
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.dicomweb.gathered import once_each
from fhir_gateway.dicomweb.multipart import Part, related
from fhir_gateway.dicomweb.partial import Body, held, known, partial, tag_of
from fhir_gateway.dicomweb.previews import middle_frame
from fhir_gateway.dicomweb.rendered_report import rendered_report
from fhir_gateway.dicomweb.retrieve import READ, frame_numbers
from fhir_gateway.dicomweb.wishes import Wishes
from fhir_gateway.errors import BadParameter, NoSuchFrame, PixelsRefused, WhyRefused
from fhir_gateway.looking import tell_viewed
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.keyring import KeyClass
from vault.reading import list_series, open_preview
from vault.sealing.stream import Kind
from vault.series import FoundSeries, find_series

QUICK_VIEW_PIXELS = 1024
MOVING_PIXELS = 512
MOST_MOVING, MOVING_OCTETS = 200, 64 << 20
_PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
_DOCUMENT = "00420011"
JPEG, GIF = "image/jpeg", "image/gif"

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
    """An instance as a picture, its first frame or all moving; a PDF in DICOM as PDF, a structured report as a page."""
    one = found.one(study_uid, series_uid, instance_uid)
    if one.found.layout["sop_class"] == _PDF_CLASS:
        return _document(study_uid, series_uid, instance_uid)
    if is_readable(one.found.layout["sop_class"]):
        return rendered_report(one, accepted())
    if one.table is not None and one.table.count > 1 and choose(accepted(), RENDERED) == GIF:
        return _moving(one)
    return _picture(one, 1)


@blueprint.get(f"{_INSTANCE}/frames/<numbers>/rendered")
@needs(READ)
def rendered_frame(study_uid: str, series_uid: str, instance_uid: str, numbers: str) -> Response:
    """Frames as pictures: one by itself, several as parts in the order asked for."""
    wanted = frame_numbers(numbers)
    one = found.one(study_uid, series_uid, instance_uid)
    return _picture(one, wanted[0]) if len(wanted) == 1 else _several(one, wanted)


@blueprint.get(f"{_STUDY}/thumbnail")
@needs(READ)
def study_thumbnail(study_uid: str) -> Response:
    """A small picture that stands for a study."""
    return _preview(check_uid(study_uid), None, Kind.THUMBNAIL)


@blueprint.get(f"{_SERIES}/thumbnail")
@needs(READ)
def series_thumbnail(study_uid: str, series_uid: str) -> Response:
    """A small picture that stands for a series."""
    return _preview(check_uid(study_uid), check_uid(series_uid), Kind.THUMBNAIL)


@blueprint.get(f"{_INSTANCE}/thumbnail")
@needs(READ)
def instance_thumbnail(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """A small picture of an instance."""
    choose(accepted(), (JPEG,))
    one = found.one(study_uid, series_uid, instance_uid)
    one.picture()
    header, frame, number = middle_frame(services(), one.found)
    return _jpeg(found.renderer().thumbnail(header, frame, number=number), one)


@blueprint.get(f"{_INSTANCE}/frames/<numbers>/thumbnail")
@needs(READ)
def frame_thumbnail(study_uid: str, series_uid: str, instance_uid: str, numbers: str) -> Response:
    """A small picture of a frame."""
    choose(accepted(), (JPEG,))
    wanted = frame_numbers(numbers)
    if len(wanted) != 1:
        raise BadParameter("One frame at a time is shown as a picture.")
    one = found.one(study_uid, series_uid, instance_uid)
    header, frame = _frame(one, wanted[0])
    return _jpeg(found.renderer().thumbnail(header, frame, number=wanted[0]), one)


# --- how -------------------------------------------------------------------------------------------------------------


def _rendered_series(study_uid: str, series_uid: str) -> Response:
    wishes = Wishes.parse(request.args)
    media_type = choose(accepted(), RENDERED)
    if media_type == JPEG and _is_quick_view(wishes.look):
        try:
            return _preview(study_uid, series_uid, Kind.QUICK_VIEW)
        except NotThere:
            pass  # none could be made when it was pushed; it is tried anew below
    with services().reading() as work:
        instances = [
            one
            for one in once_each(list_series(work, access().opened(), study_uid, series_uid))
            if one.facts.frames and one.facts.key_class == KeyClass.PICTURES.value
        ]
    if not instances:
        raise PixelsRefused(WhyRefused.NO_PIXELS)
    middle = instances[len(instances) // 2]
    return _picture(found.one(study_uid, series_uid, middle.facts.uid), middle.facts.frames // 2 + 1)


def _is_quick_view(look: Look) -> bool:
    """Tell whether the picture kept with the series will do: no more than a small size was asked for."""
    port = look.viewport
    if port is None or port.region is not None or max(port.width, port.height) > QUICK_VIEW_PIXELS:
        return False
    return look == Look(viewport=port)


def _picture(one: Shown, number: int) -> Response:
    """One frame as it is wanted, unless the asker has it already."""
    wishes = Wishes.parse(request.args)
    media_type = choose(accepted(), RENDERED)
    wishes.check_fits(one.pixel)
    tag = tag_of(one, "rendered", number, media_type, wishes.look)
    if (nothing_new := known(tag)) is not None:
        return nothing_new
    octets = _made(one, number, wishes.look, media_type)()
    tell_viewed(services(), access(), one.study_id)
    return _warned(partial(held(media_type, octets, tag), one), wishes)


def _moving(one: Shown) -> Response:
    """All frames of an instance as one moving picture."""
    wishes = Wishes.parse(request.args)
    wishes.check_fits(one.pixel)
    table = one.picture()
    if table.count > MOST_MOVING or table.length > MOVING_OCTETS:
        raise PixelsRefused(WhyRefused.TOO_LARGE)
    look = replace(wishes.look, viewport=wishes.look.viewport or Viewport(MOVING_PIXELS, MOVING_PIXELS))
    with one.reading() as read:
        frames = [frame_octets(table, number, read) for number in range(1, table.count + 1)]
        header = header_octets(table, read)
    octets = found.renderer().animation(header, frames, look=look)
    tell_viewed(services(), access(), one.study_id)
    return _warned(Response(octets, content_type=GIF), wishes)


def _several(one: Shown, numbers: list[int]) -> Response:
    """Frames as pictures, one part each, made when their turn comes but for the first."""
    wishes = Wishes.parse(request.args)
    media_type = choose_parts(accepted(), RENDERED)
    wishes.check_fits(one.pixel)
    made = [(number, _made(one, number, wishes.look, media_type)) for number in numbers]
    ready = made[0][1]()
    tell_viewed(services(), access(), one.study_id)
    address = links().instance(*one.uids)
    parts = [
        Part(
            media_type,
            len(ready) if place == 0 else None,
            lambda octets=octets, place=place: (ready if place == 0 else octets(),),
            f"{address}/frames/{number}/rendered",
        )
        for place, (number, octets) in enumerate(made)
    ]
    return _warned(related_answer(related(parts, media_type), one.asker), wishes)


def _made(one: Shown, number: int, look: Look, media_type: str) -> Callable[[], bytes]:
    """What makes the picture later, when there is no app to ask any more. Raises `NoSuchFrame`."""
    table, renderer, bare = one.picture(), found.renderer(), bare_of(one.found.layout)
    kind = cast("MediaType", media_type)
    if number > table.count:
        raise NoSuchFrame("The instance has no frame of that number.")

    def octets() -> bytes:
        with one.reading() as read:
            frame = frame_octets(table, number, read)
            if bare is not None and (made := bare.picture(frame, look, kind)) is not None:
                return made
            header = header_octets(table, read)
        return renderer.picture(header, frame, number=number, look=look, media_type=kind)

    return octets


def _warned(answer: Response, wishes: Wishes) -> Response:
    for words in wishes.warnings:
        warn(answer, words)
    return answer


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


def _preview(study_uid: str, series_uid: str | None, kind: Kind) -> Response:
    choose(accepted(), (JPEG,))
    with services().reading() as work:
        keyring = access().opened()
        series = find_series(work, keyring, study_uid, series_uid)
        if series_uid is None and len(series) > 1:
            series = find_series(work, keyring, study_uid, _first_of(work, study_uid, series))
        study_id, octets = open_preview(work, keyring, series, kind)
    # A list of one's own scans shows thumbnails by itself: that is no looking at pictures.
    if kind is not Kind.THUMBNAIL or not access().is_patient:
        tell_viewed(services(), access(), study_id)
    return Response(octets, content_type=JPEG)


def _first_series(study_uid: str) -> str:
    """The first series of the study that has a preview, else its first."""
    with services().reading() as work:
        return _first_of(work, study_uid, find_series(work, access().opened(), study_uid))


def _first_of(work: Work, study_uid: str, found_series: list[FoundSeries]) -> str:
    studies = open_catalogue(work, access().opened(), only={one.study_id for one in found_series}).by_uid(study_uid)
    series = [one for study in studies for one in study.series]
    if not series:
        raise NotThere
    return next((one for one in series if one.has_preview), series[0]).facts.uid


def _document(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """The PDF inside an Encapsulated PDF: a whole document, so it is handed out like one."""
    choose(accepted(), ("application/pdf",))
    one = found.one(study_uid, series_uid, instance_uid, whole=True)
    bulk = bulk_at(one.found.layout, _DOCUMENT)
    if bulk is None:
        raise NoKey
    tell_viewed(services(), access(), one.study_id)
    start = bulk.start
    body = Body("application/pdf", bulk.length, lambda at, length: one.octets(start + at, length), tag_of(one, "pdf"))
    answer = partial(body, one)
    answer.headers["Content-Disposition"] = f'attachment; filename="{instance_uid}.pdf"'
    return answer
