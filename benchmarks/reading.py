"""Read: whole studies, instances, frames, what a viewer does first, metadata. All of it as it was stored."""

import gzip
import json
import random
import statistics
from collections.abc import Sequence

from benchmarks import checking, studies, wire
from benchmarks.lab import Ask, Figures, Lab, Operation
from benchmarks.multipart import FILES, FRAMES, JSON, PACKED_JSON
from benchmarks.servers import Server
from benchmarks.storing import MB, push
from benchmarks.studies import Kind
from benchmarks.targets import CPU
from benchmarks.wire import Answer, Connection, Unexpected, in_time

CONNECTIONS = 6  # as many as a browser opens to one server


def latencies(answers: Sequence[Answer]) -> Figures:
    """Median and 95th of a hundred, in milliseconds."""
    seen = sorted(answer.ms for answer in answers)
    return {"ms": statistics.median(seen), "p95 ms": seen[min(len(seen) - 1, int(len(seen) * 0.95))]}


def whole_study(server: Server, lab: Lab) -> Figures:
    """One request for everything."""
    copy = lab.ready(studies.CT)
    with server.reader() as connection:
        answer = connection.count(copy.path, FILES).expect(least=copy.study.size)
    return {"MB/s": answer.size / MB / (answer.ms / 1000), "first octet ms": (answer.first - answer.asked) * 1000}


def each_series(server: Server, lab: Lab) -> Figures:
    """Request after request for a series of the MR, each of its series twice."""
    copy = lab.ready(studies.MR)
    least = sum(one.size for one in copy.study.instances if one.series == 1)
    numbers = sorted({one.series for one in copy.study.instances}) * 2
    with server.reader() as connection:
        answers = [connection.count(copy.series_path(number), FILES).expect(least=least) for number in numbers]
    return {"MB/s": sum(one.size for one in answers) / MB / (sum(one.ms for one in answers) / 1000)}


def instances(server: Server, lab: Lab) -> Figures:
    """Instances in no order, over six connections."""
    copy = lab.ready(studies.CT)
    chosen = _some(len(copy.study.instances), lab.sizes.asks)
    connections = [server.reader() for _ in range(CONNECTIONS)]

    def fetch(connection: Connection, index: int) -> Answer:
        return connection.count(copy.instance_path(index), FILES).expect(least=copy.study.instances[index].size)

    done = wire.spread(connections, in_time(chosen), fetch)
    return {"instances/s": len(done.results) / done.seconds, **latencies(done.results)}


def _frames(kind: Kind, *, connections: int, asks: int = 1) -> Ask:
    def run(server: Server, lab: Lab) -> Figures:
        copy, count = lab.ready(kind), lab.sizes.asks * asks
        if kind.frames > 1:
            jobs = [(0, number + 1) for number in _some(kind.frames, max(count // 4, 8))]
        else:
            jobs = [(index, 1) for index in _some(len(copy.study.instances), count)]
        least = 1 if kind.packed else kind.frame_octets

        def fetch(connection: Connection, job: tuple[int, int]) -> Answer:
            return connection.count(f"{copy.instance_path(job[0])}/frames/{job[1]}", FRAMES).expect(least=least)

        done = wire.spread([server.reader() for _ in range(connections)], in_time(jobs), fetch)
        return {"frames/s": len(done.results) / done.seconds, **latencies(done.results)}

    return run


def viewer(server: Server, lab: Lab) -> Figures:
    """What a viewer does: the metadata of the series, then all frames over six connections."""
    copy = lab.ready(studies.CT)
    connections = [server.reader() for _ in range(CONNECTIONS)]

    def fetch(connection: Connection, index: int) -> float:
        path = f"{copy.instance_path(index)}/frames/1"
        return connection.count(path, FRAMES).expect(least=copy.study.kind.frame_octets).done

    opened = connections[0].get(f"{copy.series_path()}/metadata", PACKED_JSON).expect(least=1000)
    shown = wire.spread(connections, range(len(copy.study.instances)), fetch).results
    return {"first frame ms": (min(shown) - opened.asked) * 1000, "last frame ms": (max(shown) - opened.asked) * 1000}


def _metadata(kind: Kind, headers: wire.Headers) -> Ask:
    def run(server: Server, lab: Lab) -> Figures:
        copy = lab.ready(kind)
        with server.reader() as connection:
            answers = [connection.get(f"{copy.path}/metadata", headers).expect() for _ in in_time(range(5))]
        if len(json.loads(plain(answers[0]))) != len(copy.study.instances):
            raise Unexpected("the metadata are of another number of instances")
        return {"ms": statistics.median(answer.ms for answer in answers), "KB": answers[0].size / 1000}

    return run


def first_metadata(server: Server, lab: Lab) -> Figures:
    """Metadata asked for right after the push: nothing can lie ready from an earlier answer."""
    copy = lab.fresh(studies.MR)
    push(server, copy, a_request=60)
    server.let_read()
    with server.reader() as connection:
        before = server.meter.cpu()
        answer = connection.get(f"{copy.path}/metadata", JSON).expect()
        used = server.meter.cpu() - before
    if len(json.loads(answer.body)) != len(copy.study.instances):
        raise Unexpected("the metadata are of another number of instances")
    return {"ms": answer.ms, CPU: used}


def plain(answer: Answer) -> bytes:
    """The body as it was before it was packed for the way."""
    return gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body


def _some(total: int, count: int) -> list[int]:
    """As many different ones, in an order that is the same at every run."""
    return random.Random(total).sample(range(total), min(total, count))


def _reading(name: str, what: str, run: Ask, kind: Kind, *, quick: bool = True) -> Operation:
    return Operation(name, what, run, (kind,), quick=quick)


def _telling(name: str, what: str, kind: Kind, headers: wire.Headers, *, quick: bool = False) -> Operation:
    def check(ours: Server, theirs: Server, lab: Lab) -> list[str]:
        path = f"{lab.ready(kind).path}/metadata"
        return checking.missing(checking.rows_of(ours, path), checking.rows_of(theirs, path))

    return Operation(name, what, _metadata(kind, headers), (kind,), check, quick=quick)


READING = (
    _reading("study", "whole CT study", whole_study, studies.CT),
    _reading("series", "the series of an MR, one after the other", each_series, studies.MR, quick=False),
    _reading("instances-6", "CT instances, 6 connections", instances, studies.CT),
    _reading("frame", "a CT frame, 1 connection", _frames(studies.CT, connections=1), studies.CT),
    _reading("frames-6", "CT frames, 6 connections", _frames(studies.CT, connections=6, asks=3), studies.CT),
    _reading("frame-us", "a random frame of 60", _frames(studies.US, connections=1), studies.US),
    _reading("frame-packed", "a JPEG-LS frame", _frames(studies.PACKED, connections=1), studies.PACKED, quick=False),
    _reading("viewer", "open a CT of 300 slices: metadata, then all frames, 6 connections", viewer, studies.CT),
    _telling("metadata-ct", "metadata of the CT", studies.CT, JSON),
    _telling("metadata-ct-gzip", "the same, gzip taken", studies.CT, PACKED_JSON, quick=True),
    _telling("metadata-small", "metadata of 1,000 instances", studies.SMALL, JSON),
    _telling("metadata-small-gzip", "the same, gzip taken", studies.SMALL, PACKED_JSON),
    Operation("metadata-first", "metadata of an MR just pushed", first_metadata),
)
