"""What is posted: creates, transactions and batches (R4 http). A site is told ids and nothing else."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from consent.guards import needs_any, needs_site
from consent.request import access, services
from fhir_gateway.outcome import Issue, Refusal, outcome, refusal_for
from fhir_gateway.resources.bundle import response
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.rest.answers import (
    answer,
    blueprint,
    body,
    check_accepted,
    document_octets,
    instant,
    links,
    prefers,
)
from fhir_gateway.rest.binaries import enclose
from fhir_gateway.rest.entries import Entry, bundle_entries, bundle_kind, single_entry
from fhir_gateway.rest.keeping import Keeping, Kept
from fhir_gateway.rest.together import read_together
from vault.intake import Pusher

Json = dict[str, Any]


@blueprint.post("/")
@blueprint.post("")
@needs_any
def bundle() -> Response:
    """A transaction is kept whole or not at all; of a batch each entry for itself. Readers' bundles read."""
    check_accepted()
    sent = body()
    kind = bundle_kind(sent)
    if access().site is None:
        return answer(response(kind, read_together(kind, sent["entry"])))
    if kind == "batch":
        return answer(response(kind, [_alone(one) for one in bundle_entries(sent, most=document_octets())]))
    return answer(response(kind, _together(sent)))


def _together(sent: Json) -> list[Json]:
    """The answers to a transaction: all of it is kept, or none."""
    sent, enclosed = enclose(sent)
    ready: list[Entry] = []
    for one in bundle_entries(sent, most=document_octets()):
        if isinstance(one, Refusal):
            raise one
        ready.append(one)
    _check_scopes(ready)
    if enclosed:
        access().check_scope("system/Binary.c")
    keeping = Keeping(services(), _pusher(), ready, links().fhir)
    told = [_told(one) for one in keeping.keep()]
    for file in enclosed:
        told.insert(file.number, _told_file(keeping.files.get((file.place, file.attachment))))
    return told


def _create(kind: Kind) -> Response:
    check_accepted()
    entry = single_entry(kind.name, body(), request.headers.get("If-None-Exist"), most=document_octets())
    kept = _keep([entry])[0]
    status = 201 if kept.created else 200
    headers = {"Location": links().resource(kept.kind, kept.id), "ETag": _etag(kept)}
    if prefers("return") == "OperationOutcome":
        return answer(outcome(_issue(kept)), status, headers)
    if prefers("return") == "representation" and kept.created:
        return answer(_as_kept(entry, kept), status, headers)
    made = Response(status=status, headers=headers)
    made.headers.pop("Content-Type", None)
    return made


def _keep(entries: list[Entry]) -> list[Kept]:
    return Keeping(services(), _pusher(), entries, links().fhir).keep()


def _pusher() -> Pusher:
    pusher = access().pusher
    assert pusher is not None  # a site's access always has one
    return pusher


def _check_scopes(entries: list[Entry]) -> None:
    """Each entry needs its own scope (SMART App Launch 2.2: a transaction has none of its own)."""
    for kind in dict.fromkeys(entry.kind for entry in entries):
        access().check_scope(f"system/{kind}.c")


def _alone(one: Entry | Refusal) -> Json:
    """The answer to one entry of a batch."""
    refusal = one if isinstance(one, Refusal) else None
    if isinstance(one, Entry):
        try:
            _check_scopes([one])
            return _told(_keep([one])[0])
        except Exception as error:
            refusal = refusal_for(error)
            if refusal is None:
                raise
    assert refusal is not None
    return {"status": str(refusal.status), "outcome": outcome(*refusal.issues)}


def _as_kept(entry: Entry, kept: Kept) -> Json:
    """What the site sent, as far as it was taken in, under the id and version it has now."""
    meta = dict(entry.resource.get("meta") or {}) | {"versionId": str(kept.version)}
    return {"resourceType": kept.kind, "id": kept.id} | entry.resource | {"meta": meta}


def _told(kept: Kept) -> Json:
    return {
        "status": "201 Created" if kept.created else "200 OK",
        "location": links().resource(kept.kind, kept.id),
        "etag": _etag(kept),
        "lastModified": instant(services().clock.now()),
    }


def _told_file(file_id: str | None) -> Json:
    """A file of a report that was there before has no new address."""
    if file_id is None:
        return {"status": "200 OK"}
    return _told(Kept("Binary", file_id, created=True))


def _etag(kept: Kept) -> str:
    return f'W/"{kept.version}"'


def _issue(kept: Kept) -> Issue:
    text = "It was kept." if kept.created else "It was there before."
    return Issue("informational", text, severity="information")


def _route(kind: Kind) -> Callable[[], Response]:
    @needs_site(f"system/{kind.name}.c")
    def create() -> Response:
        return _create(kind)

    return create


for _kind in KINDS.values():
    if _kind.creates:
        blueprint.add_url_rule(f"/{_kind.name}", f"create_{_kind.name}", _route(_kind), methods=["POST"])
