"""WADO-RS: instances, metadata, frames and bulk data (PS3.18 10.4)."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
from flask import Response, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.frames import FrameTable, frame_octets, inflated_reader
from fhir_gateway.dicom.json_model import with_base
from fhir_gateway.dicom.reencode import Decode, as_explicit_little, header_octets
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, OCTETS
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.accept import DICOM, Choice, choose_frames, choose_object
from fhir_gateway.dicomweb.answers import blueprint, links, metadata_answer, related_answer, streamed
from fhir_gateway.dicomweb.described import bulk_at
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.dicomweb.multipart import Part, related
from fhir_gateway.errors import BadParameter, NoSuchFrame, PixelsRefused, WhyRefused
from fhir_gateway.looking import catalogue_for, tell_copied, tell_described, tell_viewed
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.keyring import KeyClass
from vault.reading import Instance, find_instance, full_description, open_series

Json = dict[str, Any]

READ = "patient/ImagingStudy.r"
MOST_FRAMES = 1000
_FRAME_LIST = re.compile(r"[1-9][0-9]{0,6}(?:,[1-9][0-9]{0,6})*")
# One range alone; several, or of another unit, are answered with the whole (RFC 9110 14.2).
_RANGE = re.compile(r"bytes=(?=\d|-\d)([0-9]{0,18})-([0-9]{0,18})")

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
    return _objects([found.one(study_uid, series_uid, instance_uid, whole=True)], "instance")


def _objects(instances: Sequence[Shown], what: str) -> Response:
    single = what == "instance"
    accept = request.headers.get("Accept")
    chosen = [choose_object(accept, one.syntax, single=single) for one in instances]
    parts = [_object_part(one, choice, eager=single) for one, choice in zip(instances, chosen, strict=True)]
    for study_id in {one.study_id for one in instances}:
        tell_viewed(services(), access(), study_id)
        tell_copied(services(), access(), study_id, what)
    if single and not chosen[0].multipart:
        answer = streamed(iter(parts[0].open()), parts[0].length, parts[0].content_type, instances[0].asker)
        answer.headers["Content-Disposition"] = f'attachment; filename="{instances[0].uids[2]}.dcm"'
        return answer
    return related_answer(related(parts, DICOM), instances[0].asker)


def _object_part(one: Shown, choice: Choice, *, eager: bool) -> Part:
    address = links().instance(*one.uids)
    if not choice.transcoded:
        return Part(choice.content_type, one.length, one.octets, address)
    decode = found.renderer().decode  # now: while the answer streams there is no app to ask
    if eager:
        # Asked for alone, a picture that cannot be unpacked is refused before the answer begins.
        pieces = _plain(one, decode)
        length = next(pieces)
        assert isinstance(length, int)
        return Part(
            choice.content_type, length, lambda: (piece for piece in pieces if isinstance(piece, bytes)), address
        )
    return Part(
        choice.content_type, None, lambda: (piece for piece in _plain(one, decode) if isinstance(piece, bytes)), address
    )


def _plain(one: Shown, decode: Decode) -> Iterator[int | bytes]:
    """The instance in Explicit VR Little Endian: its length first, then its octets."""
    with one.reading() as read:
        plain = as_explicit_little(read, stored=one.length, table=one.table, layout=one.pixel, decode=decode)
        yield plain.length
        yield from plain.octets


# --- metadata --------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_STUDY}/metadata")
@needs(READ)
def study_metadata(study_uid: str) -> Response:
    """The description of every instance of a study."""
    check_uid(study_uid)
    with services().reading() as work:
        studies = catalogue_for(work, access()).by_uid(study_uid)
    if not studies:
        raise NotThere
    series_uids = dict.fromkeys(one.facts.uid for study in studies for one in study.series)
    return metadata_answer([row for uid in series_uids for row in _described(study_uid, uid)])


@blueprint.get(f"{_SERIES}/metadata")
@needs(READ)
def series_metadata(study_uid: str, series_uid: str) -> Response:
    """The description of every instance of a series."""
    return metadata_answer(_described(check_uid(study_uid), check_uid(series_uid)))


@blueprint.get(f"{_INSTANCE}/metadata")
@needs(READ)
def instance_metadata(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """The description of one instance."""
    return metadata_answer(_described(check_uid(study_uid), check_uid(series_uid), check_uid(instance_uid)))


def _described(study_uid: str, series_uid: str, instance_uid: str | None = None) -> list[bytes]:
    """Written descriptions of a series' instances, or of one."""
    with services().reading() as work:
        instances = open_series(work, access().opened(), study_uid, series_uid)
        if instance_uid is not None:
            instances = [one for one in instances if one.facts.uid == instance_uid]
        if not instances:
            raise NotThere
        rows: list[bytes] = []
        for one in instances:
            uids = (study_uid, series_uid, one.facts.uid)
            said = with_base(_whole_description(work, one, uids), links().instance(*uids))
            rows.append(orjson.dumps(said))
    for study_id in {one.study_id for one in instances}:
        tell_described(services(), access(), study_id)
    return rows


def _whole_description(work: Work, one: Instance, uids: tuple[str, str, str]) -> Json:
    """Of a document all that it says, where the asker was given reports; else what its study says of it."""
    if one.facts.key_class != KeyClass.REPORTS.value:
        return one.dicom
    try:
        there = find_instance(work, access().opened(), *uids)
        return full_description(work, access().opened(), there) or one.dicom
    except (NoKey, NotThere):
        return one.dicom


# --- frames ----------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_INSTANCE}/frames/<numbers>")
@needs(READ)
def frames(study_uid: str, series_uid: str, instance_uid: str, numbers: str) -> Response:
    """Frames by number, from 1, in the order asked for."""
    wanted = frame_numbers(numbers)
    one = found.one(study_uid, series_uid, instance_uid)
    table = one.table
    if table is None or any(number > table.count for number in wanted):
        raise NoSuchFrame("The instance has no frame of that number.")
    choice = choose_frames(request.headers.get("Accept"), one.syntax, single=len(wanted) == 1)
    if choice.transcoded and one.pixel is None:
        raise PixelsRefused(WhyRefused.NO_PIXELS)
    parts = [_frame_part(one, table, number, choice, eager=len(wanted) == 1) for number in wanted]
    tell_viewed(services(), access(), one.study_id)
    if not choice.multipart:
        return streamed(iter(parts[0].open()), parts[0].length, choice.content_type, one.asker)
    return related_answer(related(parts, choice.media_type), one.asker)


def frame_numbers(text: str) -> list[int]:
    """Frame numbers between commas. Raises `BadParameter`."""
    if len(text) > 8 * MOST_FRAMES or not _FRAME_LIST.fullmatch(text):
        raise BadParameter("Frames are whole numbers from 1, between commas.")
    return [int(number) for number in text.split(",")]


def _frame_part(one: Shown, table: FrameTable, number: int, choice: Choice, *, eager: bool) -> Part:
    address = f"{links().instance(*one.uids)}/frames/{number}"
    decode = found.renderer().decode

    def octets() -> bytes:
        with one.reading() as read:
            frame = frame_octets(table, number, read)
            return decode(header_octets(table, read), frame) if choice.transcoded else frame

    if eager:
        ready = octets()
        return Part(choice.content_type, len(ready), lambda: (ready,), address)
    length = None if choice.transcoded else table.frame_length(number)
    return Part(choice.content_type, length, lambda: (octets(),), address)


# --- bulk data -------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_INSTANCE}/bulkdata/<path:path>")
@needs(READ)
def bulk_data(study_uid: str, series_uid: str, instance_uid: str, path: str) -> Response:
    """A value that the metadata only names."""
    one = found.one(study_uid, series_uid, instance_uid)
    if one.found.key_class is KeyClass.REPORTS:
        one = found.one(study_uid, series_uid, instance_uid, whole=True)  # of a document this is the document
    table, bulk = one.table, bulk_at(one.found.layout, path)
    if table is not None and table.fragments is not None and bulk is None and one.pixel and path == one.pixel.tag:
        return _all_frames(one, table)
    if bulk is None:
        raise NotThere
    tell_viewed(services(), access(), one.study_id)
    # Positions in a deflated object count in what comes out of it; a value in big endian is turned around as a whole.
    if bulk.big or (table is not None and table.deflated):
        with one.reading() as read:
            source = inflated_reader(table, read) if table is not None and table.deflated else read
            value = bulk.little(source(bulk.start, bulk.length))
        return _ranged(one, len(value), lambda start, length: iter((value[start : start + length],)))
    return _ranged(one, bulk.length, lambda start, length: one.octets(bulk.start + start, length))


def _all_frames(one: Shown, table: FrameTable) -> Response:
    """The bulk data of a packed picture is its frames (PS3.18 8.7.3.3.2)."""
    choice = choose_frames(request.headers.get("Accept"), one.syntax, single=table.count == 1)
    parts = [_frame_part(one, table, number, choice, eager=False) for number in range(1, table.count + 1)]
    tell_viewed(services(), access(), one.study_id)
    return related_answer(related(parts, choice.media_type), one.asker)


def _ranged(one: Shown, length: int, octets: Callable[[int, int], Iterator[bytes]]) -> Response:
    """Bare octets, or the one range of them that was asked for (RFC 9110 14)."""
    asked = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    span = (0, length) if asked is None else _span(asked, length)
    if span is None:
        answer = Response(status=416)
        answer.headers["Content-Range"] = f"bytes */{length}"
        return answer
    start, end = span
    status = 200 if asked is None else 206
    content_type = f"{OCTETS}; transfer-syntax={EXPLICIT_LITTLE}"
    answer = streamed(octets(start, end - start), end - start, content_type, one.asker, status=status)
    answer.headers["Accept-Ranges"] = "bytes"
    if asked is not None:
        answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{length}"
    return answer


def _span(asked: re.Match[str], length: int) -> tuple[int, int] | None:
    """Start and end of the one range asked for; None where it lies outside."""
    first, last = asked.groups()
    if not first:
        start, end = max(0, length - int(last)), length
    else:
        start, end = int(first), min(length, int(last) + 1 if last else length)
    return (start, end) if start < end and start < length else None
