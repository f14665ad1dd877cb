"""FHIR: an ImagingStudy read, a patient's studies searched for, everything of a small record. No peer answers these."""

import json
import statistics
from typing import cast

from benchmarks import wire
from benchmarks.households import household
from benchmarks.lab import Ask, Figures, Lab, Operation
from benchmarks.servers import Keepray, Server
from benchmarks.targets import CPU
from benchmarks.wire import Answer, Connection, Unexpected, in_time

FHIR = {"Accept": "application/fhir+json"}
FEW, SOME, MANY = 2, 50, 500
_CONNECTIONS = 6


def read(server: Server, lab: Lab) -> Figures:
    """An ImagingStudy by its id, again and again over one connection."""
    own = cast("Keepray", server)
    name = household(own, lab, SOME)
    with own.fhir(name) as connection:
        path = _one_study(own, name, connection)
        before = own.meter.cpu()
        answers = [connection.get(path, FHIR).expect() for _ in in_time(range(lab.sizes.asks))]
    return {"ms": statistics.median(answer.ms for answer in answers), CPU: own.meter.cpu() - before}


def read_by_six(server: Server, lab: Lab) -> Figures:
    """The same over six connections, each of another reader: as many as both workers answer and our client can ask."""
    own = cast("Keepray", server)
    name = household(own, lab, SOME)
    with own.fhir(name) as connection:
        path = _one_study(own, name, connection)

    def fetch(connection: Connection, _job: int) -> Answer:
        return connection.get(path, FHIR).expect()

    count = lab.sizes.asks * 10
    readers = [own.fhir_of_another(name) for _ in range(_CONNECTIONS)]
    before = own.meter.cpu()
    done = wire.spread(readers, in_time(range(count)), fetch)
    return {"requests/s": len(done.results) / done.seconds, CPU: own.meter.cpu() - before}


def _asking(path: str, studies: int, at_least: int) -> Ask:
    """The median of a search, its `{patient}` filled in; each answer is a Bundle of so many entries at least."""

    def run(server: Server, lab: Lab) -> Figures:
        own = cast("Keepray", server)
        name = household(own, lab, studies)
        asked = path.format(patient=own.keys.app_token(name).patient)
        with own.fhir(name) as connection:
            first = connection.get(asked, FHIR).expect()
            if len(json.loads(first.body).get("entry", ())) < at_least:
                raise Unexpected("fewer entries than the record has studies")
            before = own.meter.cpu()
            answers = [connection.get(asked, FHIR).expect() for _ in in_time(range(max(lab.sizes.asks // 5, 5)))]
        seen = statistics.median(answer.ms for answer in answers)
        return {"ms": seen, "KB": first.size / 1000, CPU: own.meter.cpu() - before}

    return run


def _one_study(server: Keepray, name: str, connection: Connection) -> str:
    path = f"/ImagingStudy?patient={server.keys.app_token(name).patient}&_count=1"
    found = json.loads(connection.get(path, FHIR).expect().body)["entry"]
    return f"/ImagingStudy/{found[0]['resource']['id']}"


RESOURCES = (
    Operation("fhir-read", "an ImagingStudy of 50", read, alone=True, quick=True),
    Operation("fhir-read-6", "the same, 6 connections", read_by_six, alone=True, quick=True),
    Operation(
        "fhir-search-50",
        "the ImagingStudies of a patient with 50",
        _asking("/ImagingStudy?patient={patient}&_count=50", SOME, SOME),
        alone=True,
        quick=True,
    ),
    Operation(
        "fhir-search-500",
        "a page of 50 of a patient with 500",
        _asking("/ImagingStudy?patient={patient}&_count=50", MANY, SOME),
        alone=True,
    ),
    Operation(
        "fhir-everything",
        "$everything of a small record",
        _asking("/Patient/{patient}/$everything", FEW, FEW),
        alone=True,
        quick=True,
    ),
)
