"""STOW-RS: a site's instances come in (PS3.18 10.5)."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

import orjson
from flask import Response, current_app, request

from consent.guards import needs_site
from consent.request import access, services
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb.accept import DICOM, DICOM_JSON, METADATA, choose
from fhir_gateway.dicomweb.answers import blueprint
from fhir_gateway.dicomweb.assembled import Assembling
from fhir_gateway.dicomweb.multipart import CHUNK, boundary_of, located_parts, parts
from fhir_gateway.dicomweb.previews import make_previews
from fhir_gateway.dicomweb.pushing import Push, first_of
from fhir_gateway.dicomweb.verdicts import Failed, Outcome, Stored, Warned
from fhir_gateway.errors import BadBody, UnsupportedMediaType
from fhir_gateway.links import Links

Json = dict[str, Any]

SCOPE = "system/ImagingStudy.c"


@blueprint.post("/studies")
@needs_site(SCOPE)
def store_any() -> Response:
    """Store instances of any studies."""
    return _store(None)


@blueprint.post("/studies/<study_uid>")
@needs_site(SCOPE)
def store_study(study_uid: str) -> Response:
    """Store instances of this study; others are refused one by one."""
    return _store(check_uid(study_uid))


def _store(study_uid: str | None) -> Response:
    pusher = access().pusher
    assert pusher is not None  # a site's access always has one
    media_type = choose(request.headers.get("Accept"), METADATA)
    if request.content_encoding:
        raise UnsupportedMediaType("The body may not be encoded.")
    incoming = first_of(_incoming())
    most = current_app.extensions["settings"].document_octets
    push = Push(services(), pusher, study_uid, document_octets=most)
    push.origin = current_app.extensions["settings"].base_url
    outcome = push.take(incoming)
    if not outcome.stored and not outcome.failed:
        raise BadBody("The body holds no instance.")
    answer = _answer(outcome, media_type)
    if push.arrived and (renderer := current_app.extensions.get("renderer")):
        answer.call_on_close(partial(make_previews, services(), renderer, push.arrived))
    return answer


def _incoming() -> Iterator[tuple[str, Iterator[memoryview]]]:
    """The body's instances: one bare, files in parts, or metadata with bulk data beside it (PS3.18 10.5.1)."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type == DICOM:
        pieces = iter(lambda: request.stream.read(CHUNK), b"")
        if (begin := next(pieces, None)) is None:
            raise BadBody("The body is empty.")
        return iter(((DICOM, map(memoryview, chain((begin,), pieces))),))
    _, kind = boundary_of(request.content_type)
    if kind == DICOM_JSON:
        return Assembling().files(located_parts(request.stream, request.content_type))
    if kind not in (DICOM, ""):
        raise UnsupportedMediaType("Instances are taken in as application/dicom or application/dicom+json.")
    return parts(request.stream, request.content_type)


def _answer(outcome: Outcome, media_type: str) -> Response:
    said = store_response(outcome, services().clock.now())
    answer = Response(orjson.dumps(said), status=outcome.status, content_type=media_type)
    base = Links(current_app.extensions["settings"].base_url).dicomweb
    for words in outcome.warnings:
        answer.headers.add("Warning", f'299 {base} "{words}"')
    return answer


def store_response(outcome: Outcome, now: datetime) -> Json:
    """The Store Instances Response (PS3.18 annex I.2). A site cannot read: addresses to retrieve from stay empty."""
    made: Json = {"00081190": {"vr": "UR"}}
    named = [_failed(one) for one in outcome.failed if one.instance_uid]
    nameless = [_reason(one) for one in outcome.failed if not one.instance_uid]
    if named:
        made["00081198"] = {"vr": "SQ", "Value": named}
    if outcome.stored:
        made["00081199"] = {"vr": "SQ", "Value": [_stored(one, now) for one in outcome.stored]}
    if nameless:
        made["0008119A"] = {"vr": "SQ", "Value": nameless}
    return made


def _reference(sop_class: str, instance_uid: str) -> Json:
    return {
        "00081150": {"vr": "UI", "Value": [sop_class]} if sop_class else {"vr": "UI"},
        "00081155": {"vr": "UI", "Value": [instance_uid]},
    }


def _stored(one: Stored, now: datetime) -> Json:
    said = _reference(one.sop_class, one.instance_uid) | {"00081190": {"vr": "UR"}}
    return dict(sorted((said | _blanked(now)).items())) if one.blanked else said


def _blanked(now: datetime) -> Json:
    """That the preamble was changed: no attribute was, so the item that would list them is empty (PS3.3 C.12.1)."""
    return {
        "00000902": {"vr": "LO", "Value": ["The preamble was blanked; no attribute was changed."]},
        "00081196": {"vr": "US", "Value": [int(Warned.COERCED)]},
        "04000561": {
            "vr": "SQ",
            "Value": [
                {
                    "04000550": {"vr": "SQ", "Value": [{}]},
                    "04000562": {"vr": "DT", "Value": [now.strftime("%Y%m%d%H%M%S+0000")]},
                    "04000563": {"vr": "LO", "Value": [current_app.extensions["settings"].brand]},
                    "04000564": {"vr": "LO"},
                    "04000565": {"vr": "CS", "Value": ["COERCE"]},
                }
            ],
        },
    }


def _failed(one: Failed) -> Json:
    return dict(sorted((_reference(one.sop_class, one.instance_uid) | _reason(one)).items()))


def _reason(one: Failed) -> Json:
    """The code, and the reason in words: Error Comment (0000,0902), as archives tell it."""
    return {
        "00000902": {"vr": "LO", "Value": [one.words]},
        "00081197": {"vr": "US", "Value": [int(one.reason)]},
    }
