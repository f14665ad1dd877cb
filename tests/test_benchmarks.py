"""The harness that measures: the same octets at every run, honest pairs, and no ratio where something is missing."""

import io
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pydicom
import pytest

from benchmarks import checking, rounds, studies, table, wire
from benchmarks.__main__ import OPERATIONS, chosen
from benchmarks.lab import Lab, Operation
from benchmarks.meter import Meter, Used
from benchmarks.rounds import Plan, Run, Seen
from benchmarks.targets import LIMITS, TARGETS, WHOLE_RUN, Limit, Target
from benchmarks.wire import Connection, Unexpected


def a_seen(*runs: tuple[str, int, float], metric: str = "ms") -> Seen:
    return Seen([Run(server, "frame", turn, {metric: value}) for server, turn, value in runs])


# --- what is pushed ----------------------------------------------------------------------------------------------


def test_a_study_is_the_same_octets_at_every_run():
    once, again = (studies.make(studies.MR, instances=2) for _ in range(2))
    assert once.instances == again.instances
    assert len({one.pixel_data for one in once.instances}) == len(once.instances) == 8


def test_a_copy_is_a_study_of_its_own_with_the_same_pixels():
    study = studies.make(studies.CT, instances=2)
    first, second = study.copy(1), study.copy(2, person=7)
    files = [pydicom.dcmread(io.BytesIO(b"".join(copy.pieces(1)))) for copy in (first, second)]
    assert [str(one.StudyInstanceUID) for one in files] == [first.uid, second.uid]
    assert len({str(one.SOPInstanceUID) for one in files}) == 2
    assert [one.PatientID for one in files] == ["BENCH-000001", "BENCH-000007"]
    assert files[0].PixelData == files[1].PixelData == first.frame(1)
    assert first.instance_path(1).endswith(str(files[0].SOPInstanceUID))
    assert files[0].pixel_array.shape == (512, 512)


def test_a_packed_picture_unpacks_to_the_same_size():
    study = studies.make(studies.PACKED, instances=1)
    file = pydicom.dcmread(io.BytesIO(b"".join(study.copy(1).pieces(0))))
    assert file.file_meta.TransferSyntaxUID == studies.JPEG_LS
    assert file.pixel_array.shape == (512, 512)
    assert study.size < studies.PACKED.frame_octets


def test_a_frame_of_many_is_cut_at_its_place():
    kind = studies.Kind("clip", 8, "US", 1, 1, 24, 32, frames=3)
    copy = studies.make(kind).copy(1)
    assert b"".join(copy.frame(0, number) for number in (1, 2, 3)) == copy.pieces(0)[1][12:]


# --- the client --------------------------------------------------------------------------------------------------


class _Told(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/pieces":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            return
        status, body = (404, b"no") if self.path == "/missing" else (200, b"12345")
        self.send_response(status)
        if self.path == "/till-the-end":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Told) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_client_reads_each_way_to_tell_a_length(address):
    with Connection(address) as connection:
        assert connection.get("/").expect().body == b"12345"
        assert connection.get("/pieces").expect().body == b"abcde"
        assert connection.get("/till-the-end").expect().body == b"12345"
        counted = connection.count("/").expect(least=5)
        assert (counted.size, counted.body) == (5, b"")
        assert connection.post("/", {}, [b"one ", memoryview(b"two")]).body == b"one two"


def test_an_answer_that_was_not_asked_for_is_no_result(address):
    with Connection(address) as connection:
        with pytest.raises(Unexpected, match="404"):
            connection.get("/missing").expect()
        with pytest.raises(Unexpected):
            connection.get("/").expect(least=6)


def test_every_job_is_done_once_whatever_the_number_of_connections(address):
    lines = [Connection(address) for _ in range(3)]
    done = wire.spread(lines, range(20), lambda line, job: (job, line.get("/").size))
    assert sorted(done.results) == [(job, 5) for job in range(20)]


def test_parts_of_an_answer_are_its_files():
    body = b"--b\r\nContent-Type: x\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    answer = wire.Answer(200, {"content-type": "multipart/related; boundary=b"}, len(body), 0, 0, 0, body)
    assert wire.parts_of(answer) == [b"one", b"two"]


# --- equal work --------------------------------------------------------------------------------------------------


def a_row(instance: str, **told: object) -> dict:
    return {"00080018": {"vr": "UI", "Value": [instance]}, **{f"0{tag[1:]}": value for tag, value in told.items()}}


def test_an_attribute_that_the_peer_alone_tells_is_found():
    peer = [a_row("1", t0180050={"vr": "DS", "Value": ["1.250"]}, t0081190={"vr": "UR", "Value": ["http://x"]})]
    assert checking.missing([a_row("1")], peer) == ["00180050 is told by the peer alone"]
    assert checking.fewer_told([a_row("1")], peer) == ["00180050 is told by the peer alone"]
    assert checking.missing([a_row("1", t0180050={"vr": "DS", "Value": [1.25]})], peer) == []


def test_another_value_and_another_row_are_found():
    ours = [a_row("1", t0100010={"vr": "PN", "Value": [{"Alphabetic": "A"}]})]
    theirs = [a_row("1", t0100010={"vr": "PN", "Value": [{"Alphabetic": "B"}]})]
    assert checking.missing(ours, theirs)[0].startswith("00100010 is ")
    assert checking.missing([a_row("1")], [a_row("2")]) == ["1 rows against 1, or other ones"]
    assert checking.missing([a_row("1")], [a_row("1"), a_row("2")]) == ["1 rows against 2, or other ones"]


# --- turns and figures -------------------------------------------------------------------------------------------


class _Kept:
    """A server that only says when it was asked."""

    def __init__(self, name: str, asked: list[str]) -> None:
        self.name, self.asked, self.meter = name, asked, self

    def running(self):
        return self

    def __enter__(self) -> Used:
        return Used()

    def __exit__(self, *_):
        pass

    def renew(self):
        pass

    def let_read(self):
        pass

    def reader(self):
        return self


def _turns(operation: Operation, turns: int, **more) -> tuple[list[str], Seen]:
    asked: list[str] = []
    servers = [_Kept("A", asked), _Kept("B", asked)]
    return asked, rounds.take_turns(servers, Plan([operation], turns, **more), Lab())


def test_servers_are_asked_in_turn_a_b_b_a():
    operation = Operation("x", "x", lambda server, _lab: server.asked.append(server.name) or {"ms": 1.0})
    assert _turns(operation, 4)[0] == ["A", "B", "B", "A", "A", "B", "B", "A"]
    alone = Operation("x", "x", operation.run, alone=True)
    assert _turns(alone, 2)[0] == ["A", "A"]


def test_a_server_that_fails_is_asked_no_more_and_no_ratio_counts():
    def run(server, _lab):
        server.asked.append(server.name)
        if server.name == "B":
            raise Unexpected("status 500")
        return {"ms": 1.0}

    asked, seen = _turns(Operation("x", "x", run), 3)
    assert asked.count("B") == 1
    assert seen.wrong == {"x"}
    assert all(line.ratio is None for line in table.lines_of(seen, "A", "B"))


def test_less_told_than_the_peer_tells_means_no_ratio():
    operation = Operation("x", "x", lambda *_: {"ms": 1.0}, check=lambda *_: ["00180050 is told by the peer alone"])
    seen = _turns(operation, 1)[1]
    assert seen.notes == ["x: 00180050 is told by the peer alone"]
    assert [line.ratio for line in table.lines_of(seen, "A", "B") if line.metric == "ms"] == [None]


def test_what_the_time_does_not_suffice_for_is_left_out_and_said():
    asked, seen = _turns(Operation("x", "x", lambda *_: {"ms": 1.0}), 1, seconds=-1.0)
    assert asked == []
    assert seen.notes == ["x: left out, for the time was up"]


def test_a_ratio_is_the_median_of_pairs_and_not_of_medians():
    seen = a_seen(("A", 0, 1.0), ("B", 0, 4.0), ("A", 1, 10.0), ("B", 1, 20.0), ("A", 2, 5.0), ("B", 2, 5.0))
    (line,) = table.lines_of(seen, "A", "B")
    assert line.ratio == pytest.approx(2.0)
    assert (line.ours, line.theirs) == (table.Spread(1.0, 5.0, 10.0), table.Spread(4.0, 5.0, 20.0))


def test_of_rates_more_is_better_and_of_seconds_less():
    assert table.better("MB/s", 20.0, 10.0) == 2.0
    assert table.better("first frame ms", 20.0, 10.0) == 0.5
    assert table.better("server CPU s", 1.0, 2.0) == 2.0


def test_a_target_is_held_against_the_better_of_the_two_releases():
    def line(ratio):
        return table.Line("frame", "ms", None, None, ratio, Target(2.0, newer=1.5))

    assert line(3.0).holds is True
    assert line(2.9).holds is False
    assert line(None).holds is None


def test_a_limit_is_a_bound_of_our_own_figure():
    def line(median, limit):
        return table.Line("x", "ms", table.Spread(median, median, median), None, None, limit)

    assert [line(5.0, Limit(5.0)).holds, line(5.1, Limit(5.0)).holds] == [True, False]
    assert [line(2500.0, Limit(2500, more=True)).holds, line(2499.0, Limit(2500, more=True)).holds] == [True, False]


def test_the_table_says_what_holds():
    seen = a_seen(("Keepray", 0, 1.0), ("Orthanc", 0, 30.0))
    text = table.report("here", table.lines_of(seen, "Keepray", "Orthanc"), [], ["frame-us: nothing"])
    assert "1 of 1 targets hold." in text
    assert "- frame-us: nothing" in text


def test_every_target_is_measured_by_an_operation():
    names = {one.name for one in OPERATIONS} | {WHOLE_RUN}
    assert {operation for operation, _ in (*TARGETS, *LIMITS)} <= names


def test_every_operation_is_explained():
    page = (Path(__file__).parents[1] / "docs" / "performance.md").read_text()
    assert [one.name for one in OPERATIONS if f"`{one.name}`" not in page] == []


def test_operations_are_picked_by_name_or_by_how_names_begin():
    assert [one.name for one in chosen("frame", quick=False)] == ["frame"]
    assert {one.name for one in chosen("metadata-ct,qido", quick=False)} == {
        "metadata-ct",
        *(one.name for one in OPERATIONS if one.name.startswith("qido")),
    }
    assert len(chosen("", quick=True)) < len(chosen("", quick=False)) == len(OPERATIONS)
    with pytest.raises(SystemExit):
        chosen("nothing-of-ours", quick=False)


def test_the_meter_counts_ourselves_and_what_we_started():
    meter = Meter(os.getpid())
    with meter.running() as used:
        sum(range(3_000_000))
    assert os.getpid() in meter.processes()
    assert used.cpu >= 0
    assert used.resident > 10_000_000 < used.own
    assert meter.most.resident == used.resident
