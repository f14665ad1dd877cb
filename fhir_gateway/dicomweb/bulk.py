"""WADO-RS bulk data and pixel data: values that the metadata only names (PS3.18 10.4.1.1.4, 10.4.1.1.6)."""

from collections.abc import Iterator

from flask import Response

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicom.frames import FrameTable, inflated_reader
from fhir_gateway.dicom.json_model import Bulk
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, OCTETS
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.accept import choose_bulk, choose_frames
from fhir_gateway.dicomweb.answers import accepted, blueprint, links, related_answer
from fhir_gateway.dicomweb.described import bulk_at
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.dicomweb.multipart import Part, related
from fhir_gateway.dicomweb.partial import Body, held, partial, tag_of
from fhir_gateway.dicomweb.retrieve import READ, frame_part
from fhir_gateway.errors import PixelsRefused, WhyRefused
from fhir_gateway.looking import tell_viewed
from vault.errors import NotThere
from vault.keyring import KeyClass

_INSTANCE = "/studies/<study_uid>/series/<series_uid>/instances/<instance_uid>"
_PDF = ("1.2.840.10008.5.1.4.1.1.104.1", "00420011")


@blueprint.get(f"{_INSTANCE}/bulkdata/<path:path>")
@needs(READ)
def bulk_data(study_uid: str, series_uid: str, instance_uid: str, path: str) -> Response:
    """A value that the metadata only names."""
    one = found.one(study_uid, series_uid, instance_uid)
    if one.found.key_class is KeyClass.REPORTS:
        one = found.one(study_uid, series_uid, instance_uid, whole=True)  # of a document this is the document
    return _value(one, path)


@blueprint.get(f"{_INSTANCE}/pixeldata")
@needs(READ)
def pixel_data(study_uid: str, series_uid: str, instance_uid: str) -> Response:
    """The pictures of an instance: bare octets as one value, packed ones frame by frame."""
    one = found.one(study_uid, series_uid, instance_uid)
    if one.pixel is None:
        raise PixelsRefused(WhyRefused.NO_PIXELS)
    return _value(one, one.pixel.tag)


def _value(one: Shown, path: str) -> Response:
    table, bulk = one.table, bulk_at(one.found.layout, path)
    if table is not None and table.fragments is not None and bulk is None and one.pixel and path == one.pixel.tag:
        return _all_frames(one, table)
    if bulk is None:
        raise NotThere
    media_type = "application/pdf" if (one.found.layout["sop_class"], path) == _PDF else OCTETS
    media_type, multipart = choose_bulk(accepted(), (media_type, OCTETS))
    tell_viewed(services(), access(), one.study_id)
    body = _body(one, table, bulk, f"{media_type}; transfer-syntax={EXPLICIT_LITTLE}", path)
    if not multipart:
        return partial(body, one)
    address = f"{links().instance(*one.uids)}/bulkdata/{path}"
    part = Part(body.content_type, body.length, lambda: body.octets(0, body.length), address)
    return related_answer(related([part], media_type), one.asker)


def _body(one: Shown, table: FrameTable | None, bulk: Bulk, content_type: str, path: str) -> Body:
    """The value, to be read from any place on."""
    tag = tag_of(one, "bulk", path)
    # Positions in a deflated object count in what comes out of it; a value in big endian is turned around as a whole.
    if bulk.big or (table is not None and table.deflated):
        with one.reading() as read:
            source = inflated_reader(table, read) if table is not None and table.deflated else read
            return held(content_type, bulk.little(source(bulk.start, bulk.length)), tag)

    def octets(start: int, length: int) -> Iterator[bytes]:
        return one.octets(bulk.start + start, length)

    return Body(content_type, bulk.length, octets, tag)


def _all_frames(one: Shown, table: FrameTable) -> Response:
    """The bulk data of a packed picture is its frames (PS3.18 8.7.3.3.2)."""
    choice = choose_frames(accepted(), one.syntax, single=table.count == 1)
    parts = [frame_part(one, table, number, choice) for number in range(1, table.count + 1)]
    tell_viewed(services(), access(), one.study_id)
    return related_answer(related(parts, choice.media_type), one.asker)
