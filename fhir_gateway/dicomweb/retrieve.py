"""WADO-RS: whole instances and frames (PS3.18 10.4)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from flask import Response

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.frames import FrameTable, frame_octets
from fhir_gateway.dicom.reencode import Decode, as_explicit_little, can_be_plain, header_octets
from fhir_gateway.dicom.syntaxes import is_native
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.accept import DICOM, Choice, choose_frames, choose_object
from fhir_gateway.dicomweb.answers import accepted, at_once, blueprint, links, related_answer, streamed
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.dicomweb.multipart import Part, gathered, related
from fhir_gateway.dicomweb.partial import Body, held, known, partial, tag_of
from fhir_gateway.errors import BadParameter, NoSuchFrame, PixelsRefused, WhyRefused
from fhir_gateway.looking import tell_handed_out, tell_viewed

READ = "patient/ImagingStudy.r"
MOST_FRAMES = 1000
AT_ONCE = 1 << 20  # octets: an instance up to this long is answered from memory, in one piece
_FRAME_LIST = re.compile(r"[1-9][0-9]{0,6}(?:,[1-9][0-9]{0,6})*")

_STUDY = "/studies/<study_uid>"
_SERIES = f"{_STUDY}/series/<series_uid>"
_INSTANCE = f"{_SERIES}/instances/<instance_uid>"


# --- whole objects ---------------------------------------------------------------------------------------------------


@blueprint.get(_STUDY)
@needs(READ)
def study(study_uid: str) -> Response:
    """Every instance of a study, as stored or in plain form."""
    return _objects(found.many(study_uid), "study")


@blueprint.get(_SERIES)
@needs(READ)
def series(study_uid: str, series_uid: str) -> Response:
    """Every instance of a series."""
    return _objects(found.many(study_uid, series_uid), "series")


@blueprint.get(_INSTANCE)
@needs(READ)
def instance(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """One instance."""
    return _object(found.one_to_read(study_uid, series_uid, instance_uid, whole=True))


def _objects(instances: Sequence[Shown], what: str) -> Response:
    parts = [_object_part(one, _chosen(one, single=False)) for one in instances]
    for study_id in {one.study_id for one in instances}:
        tell_handed_out(services(), access(), study_id, what)
    made = related(parts, DICOM)
    return related_answer(replace(made, octets=_let_go(gathered(made.octets), instances)), instances[0].asker)


def _object(one: Shown) -> Response:
    choice = _chosen(one, single=True)
    small = choice.multipart and not choice.transcoded and one.length <= AT_ONCE
    if small:
        octets = b"".join(one.octets())
        part = Part(choice.content_type, one.length, lambda: (octets,), links().instance(*one.uids))
    else:
        one.check_at_hand()
        part = _unpacked_part(one, choice) if choice.transcoded else _object_part(one, choice)
    tell_handed_out(services(), access(), one.study_id, "instance")
    if not choice.multipart:
        answer = _bare(one, choice, part)
        answer.headers["Content-Disposition"] = f'attachment; filename="{one.uids[2]}.dcm"'
        return answer
    made = related([part], DICOM)
    return at_once(b"".join(made.octets), made.content_type) if small else related_answer(made, one.asker)


def _chosen(one: Shown, *, single: bool) -> Choice:
    can_unpack = is_native(one.syntax) or can_be_plain(one.table, one.pixel)
    return choose_object(accepted(), one.syntax, single=single, can_unpack=can_unpack)


def _let_go(octets: Iterator[bytes], instances: Sequence[Shown]) -> Iterator[bytes]:
    """The same octets; what was kept open to read the instances is closed at their end, or where they break off."""
    try:
        yield from octets
    finally:
        instances[0].let_go()


def _bare(one: Shown, choice: Choice, part: Part) -> Response:
    """One instance by itself; as it is stored any part of it can be asked for."""
    if choice.transcoded:
        return streamed(iter(part.open()), part.length, part.content_type, one.asker)
    return partial(Body(part.content_type, one.length, one.octets, tag_of(one, "instance")), one)


def _object_part(one: Shown, choice: Choice) -> Part:
    address = links().instance(*one.uids)
    if not choice.transcoded:
        return Part(choice.content_type, one.length, one.octets, address)
    decode = found.renderer().decode  # now: while the answer streams there is no app to ask
    return Part(
        choice.content_type, None, lambda: (piece for piece in _plain(one, decode) if isinstance(piece, bytes)), address
    )


def _unpacked_part(one: Shown, choice: Choice) -> Part:
    """Asked for alone, a picture that cannot be unpacked is refused before the answer begins."""
    pieces = _plain(one, found.renderer().decode)
    length = next(pieces)
    assert isinstance(length, int)
    octets = (piece for piece in pieces if isinstance(piece, bytes))
    return Part(choice.content_type, length, lambda: octets, links().instance(*one.uids))


def _plain(one: Shown, decode: Decode) -> Iterator[int | bytes]:
    """The instance in Explicit VR Little Endian: its length first, then its octets."""
    with one.reading() as read:
        plain = as_explicit_little(read, stored=one.length, table=one.table, layout=one.pixel, decode=decode)
        yield plain.length
        yield from plain.octets


# --- frames ----------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_INSTANCE}/frames/<numbers>")
@needs(READ)
def frames(study_uid: str, series_uid: str, instance_uid: str, numbers: str) -> Response:
    """Frames by number, from 1, in the order asked for."""
    wanted = frame_numbers(numbers)
    one = found.one_to_read(study_uid, series_uid, instance_uid)
    table = one.table
    if table is None or any(number > table.count for number in wanted):
        raise NoSuchFrame("The instance has no frame of that number.")
    choice = choose_frames(accepted(), one.syntax, single=len(wanted) == 1)
    if choice.transcoded and one.pixel is None:
        raise PixelsRefused(WhyRefused.NO_PIXELS)
    tag = tag_of(one, "frames", wanted, choice.syntax)
    if not choice.multipart and (nothing_new := known(tag)) is not None:
        return nothing_new
    # The first is made at once: what cannot be unpacked is refused before the answer begins.
    first, *others = wanted
    octets = _frame(one, table, first, choice)()
    tell_viewed(services(), access(), one.study_id)
    if not choice.multipart:
        return partial(held(choice.content_type, octets, tag), one)
    ready = Part(choice.content_type, len(octets), lambda: (octets,), _frame_address(one, first))
    if not others:
        made = related([ready], choice.media_type)
        return at_once(b"".join(made.octets), made.content_type)
    parts = [ready, *(frame_part(one, table, number, choice) for number in others)]
    return related_answer(related(parts, choice.media_type), one.asker)


def frame_numbers(text: str) -> list[int]:
    """Frame numbers between commas. Raises `BadParameter`."""
    if len(text) > 8 * MOST_FRAMES or not _FRAME_LIST.fullmatch(text):
        raise BadParameter("Frames are whole numbers from 1, between commas.")
    return [int(number) for number in text.split(",")]


def frame_part(one: Shown, table: FrameTable, number: int, choice: Choice) -> Part:
    """One frame of a multipart answer, read when its turn comes."""
    octets = _frame(one, table, number, choice)
    length = None if choice.transcoded else table.frame_length(number)
    return Part(choice.content_type, length, lambda: (octets(),), _frame_address(one, number))


def _frame_address(one: Shown, number: int) -> str:
    return f"{links().instance(*one.uids)}/frames/{number}"


def _frame(one: Shown, table: FrameTable, number: int, choice: Choice) -> Callable[[], bytes]:
    """What fetches a frame later, when there is no app to ask any more."""
    decode = found.renderer().decode

    def octets() -> bytes:
        with one.reading() as read:
            frame = frame_octets(table, number, read)
            return decode(header_octets(table, read), frame) if choice.transcoded else frame

    return octets
