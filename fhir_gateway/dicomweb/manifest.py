"""A signed list of a study's instances, for whoever takes a copy: how many there are, how long, with which digest.

`GET {D}/studies/{uid}/manifest` is ours, no standard's. The digests were taken as the instances came and lie sealed
with them, so the list opens no picture.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from flask import Response, request

from consent.attesting import MEDIA_TYPE, attest, attesting_keys
from consent.guards import for_clients, needs
from consent.request import access, services
from fhir_gateway.dicom.syntaxes import on_the_wire
from fhir_gateway.dicomweb import found
from fhir_gateway.dicomweb.accept import choose
from fhir_gateway.dicomweb.answers import blueprint, links
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.looking import tell_described

Json = dict[str, Any]

KIND: Final = "study-manifest+json"
READ: Final = "patient/ImagingStudy.r"


@blueprint.get("/studies/<study_uid>/manifest")
@needs(READ)
def study_manifest(study_uid: str) -> Response:
    """What a whole copy of the study consists of, signed; refused where a whole copy is."""
    choose(request.headers.get("Accept"), (MEDIA_TYPE,))
    instances = found.many(study_uid)
    said = _statement(study_uid, instances)
    for study_id in {one.study_id for one in instances}:
        tell_described(services(), access(), study_id)
    keys_at = f"{links().dicomweb}/manifest-keys"
    return Response(attest(services().secrets, said, kind=KIND, keys_at=keys_at), content_type=MEDIA_TYPE)


@blueprint.get("/manifest-keys")
@for_clients("public keys")
def manifest_keys() -> Response:
    """The public keys that manifests are signed with (RFC 7517)."""
    answer = Response(content_type="application/jwk-set+json")
    answer.set_data(orjson.dumps(attesting_keys(services().secrets)))
    return answer


def _statement(study_uid: str, instances: Sequence[Shown]) -> Json:
    listed = [_entry(one) for one in instances]
    return {
        "iss": links().origin,
        "iat": int(services().clock.now().timestamp()),
        "study": study_uid,
        "count": len(listed),
        "octets": sum(one["length"] for one in listed),
        "instances": listed,
    }


def _entry(one: Shown) -> Json:
    """Length and digest are of the stored octets, which `transfer-syntax=*` gives unchanged.

    Implicit VR and big endian never go on the wire (PS3.18 8.7.3.5.2): such an instance is `reencoded` as it is sent,
    and what arrives has another length and digest.
    """
    _, series, instance = one.uids
    entry: Json = {"series": series, "instance": instance, "length": one.length, "sha256": one.sha256}
    return entry | {"reencoded": True} if on_the_wire(one.syntax) != one.syntax else entry
