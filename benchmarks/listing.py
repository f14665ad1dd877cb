"""Search (QIDO-RS) at a holder with many studies, and pictures that are drawn for whoever asks."""

import json
import statistics
from io import BytesIO

from PIL import Image

from benchmarks import checking, studies
from benchmarks.headers import DAY, patient_id
from benchmarks.lab import Ask, Check, Figures, Lab, Operation
from benchmarks.multipart import JSON
from benchmarks.reading import latencies
from benchmarks.servers import Server
from benchmarks.wire import Unexpected, in_time

JPEG = {"Accept": "image/jpeg"}
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
# What the peer tells of study and series with each row, asked of both: we leave it out unless it is asked for.
_OF_STUDY = "00080020,00080030,00080050,00080090,00100010,00100020,00100030,00100040,00200010"
_OF_SERIES = "00080060,0008103E,00200011"
_WARM = 2


def _address(name: str, lab: Lab) -> str:
    ct = lab.ready(studies.CT)
    return {
        "studies": "/studies?limit=100",
        "patient": f"/studies?PatientID={patient_id(ct.person)}",
        "study": f"/studies?StudyInstanceUID={ct.uid}",
        "dates": f"/studies?StudyDate={DAY}-{DAY}&limit=25&includefield=00081030",
        "series": f"{ct.path}/series?includefield={_OF_STUDY}",
        "instances": f"{ct.series_path()}/instances?includefield={_OF_STUDY},{_OF_SERIES}",
    }[name]


def _search(name: str, count: int) -> Ask:
    """The median of asking again and again; the first answers warm up both sides."""

    def run(server: Server, lab: Lab) -> Figures:
        path = _address(name, lab)
        with server.reader() as connection:
            warm = [connection.get(path, JSON).expect() for _ in range(_WARM)]
            if not json.loads(warm[0].body):
                raise Unexpected("nothing was found")
            seen = [connection.get(path, JSON).expect().ms for _ in in_time(range(count))]
        return {"ms": statistics.median(seen)}

    return run


def _same_rows(name: str, key: str) -> Check:
    def check(ours: Server, theirs: Server, lab: Lab) -> list[str]:
        path = _address(name, lab)
        return checking.missing(checking.rows_of(ours, path), checking.rows_of(theirs, path), key=key)

    return check


def _as_many_told(name: str) -> Check:
    """Of a part of many, each side chooses which: as many rows, and no attribute less in any."""

    def check(ours: Server, theirs: Server, lab: Lab) -> list[str]:
        path = _address(name, lab)
        return checking.fewer_told(checking.rows_of(ours, path), checking.rows_of(theirs, path))

    return check


def _searching(name: str, what: str, check: Check, count: int = 30) -> Operation:
    return Operation(f"qido-{name}", what, _search(name, count), (studies.CT,), check, many=True)


def rendered(server: Server, lab: Lab) -> Figures:
    """JPEGs of different CT slices, as large as they are."""
    return _pictures(server, lab, "/rendered")


def thumbnail(server: Server, lab: Lab) -> Figures:
    """The small picture of a series."""
    copy = lab.ready(studies.CT)
    with server.reader() as connection:
        path = f"{copy.series_path()}/thumbnail"
        asked = in_time(range(max(lab.sizes.asks // 2, 10)))
        return latencies([connection.get(path, JPEG).expect(least=300) for _ in asked])


def _pictures(server: Server, lab: Lab, suffix: str) -> Figures:
    copy = lab.ready(studies.CT)
    count = min(len(copy.study.instances), max(lab.sizes.asks // 2, 10))
    with server.reader() as connection:
        return latencies(
            [connection.get(f"{copy.instance_path(n)}{suffix}", JPEG).expect(least=500) for n in in_time(range(count))]
        )


def _as_large(ours: Server, theirs: Server, lab: Lab) -> list[str]:
    """Both draw a JPEG of the same size."""
    path = f"{lab.ready(studies.CT).instance_path(0)}/rendered"
    sizes = []
    for server in (ours, theirs):
        with server.reader() as connection:
            picture = Image.open(BytesIO(connection.get(path, JPEG).expect().body))
            sizes.append((picture.format, picture.size))
    return [] if sizes[0] == sizes[1] else [f"the pictures are {sizes[0]} and {sizes[1]}"]


DRAWING = (
    Operation("rendered", "a JPEG of a CT slice", rendered, (studies.CT,), _as_large, quick=True),
    Operation("thumbnail", "the small picture of a series", thumbnail, (studies.CT,), alone=True, quick=True),
)
SEARCHING = (
    _searching("studies", "100 studies of many", _as_many_told("studies")),
    _searching("patient", "the studies of a patient's number", _same_rows("patient", _STUDY)),
    _searching("study", "one study by its UID", _same_rows("study", _STUDY)),
    _searching("dates", "25 studies of a range of days", _as_many_told("dates")),
    _searching("series", "the series of a study", _same_rows("series", _SERIES)),
    _searching("instances", "the 300 instances of a series", _same_rows("instances", _INSTANCE), count=10),
)
