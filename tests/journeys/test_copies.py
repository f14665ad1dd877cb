"""A copy to take away: a ZIP as a disc would be (experience 1.6; IHE PDI)."""

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet

from tests.journeys.stories import a_scan, a_story
from tests.people import Guest


@pytest.fixture
def disc(keepray, tmp_path):
    """The unpacked ZIP of a scan with a report, and its story."""
    told = a_story(keepray, report="A small effusion.")
    answer = told.patient.ask("GET", f"{told.page}/save/all.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path / "disc")
    return told, tmp_path / "disc"


def test_the_disc_has_an_index_that_dicom_software_reads(disc):
    told, folder = disc
    found = FileSet(pydicom.dcmread(folder / "DICOMDIR"))
    assert {one.SOPInstanceUID for one in found} == {told.scan.instance_uid(number) for number in (1, 2)}
    for one in found:
        original = told.scan.files[int(one.InstanceNumber) - 1]
        assert Path(one.path).read_bytes() == original
    assert found.find_values("StudyInstanceUID") == [told.scan.uid]
    found._stage["t"].cleanup()  # it would do so late, and warn


@pytest.mark.skipif(not shutil.which("dcmdump"), reason="DCMTK is not installed here")
def test_dcmtk_reads_the_index_too(disc):
    _, folder = disc
    told = subprocess.run(["dcmdump", "-q", str(folder / "DICOMDIR")], capture_output=True, text=True, check=True)
    for kind in ("PATIENT", "STUDY", "SERIES", "IMAGE"):
        assert f"[{kind}" in told.stdout, kind


def test_people_without_a_viewer_find_something_to_read(disc):
    _, folder = disc
    readme = (folder / "README.TXT").read_bytes()
    assert b"\r\n" in readme
    index = (folder / "INDEX.HTM").read_text()
    assert "CT of the chest" in index
    assert "<script" not in index
    assert "A small effusion." in index
    assert [one.read_bytes()[:5] for one in folder.rglob("REPORT1.PDF")] == [b"%PDF-"]


def test_one_picture_for_the_family_has_no_name_on_it(keepray):
    told = a_story(keepray)
    answer = told.patient.ask("GET", f"{told.page}/save/picture.jpg")
    assert answer.content[:2] == b"\xff\xd8"
    assert b"Perez" not in answer.content


def test_a_doctors_copy_is_the_same_disc(keepray):
    told = a_story(keepray)
    doctor = Guest(keepray)
    doctor.opens(told.patient.gives_a_code(may=("see", "save")).code)
    answer = doctor.ask("GET", f"/see/save/{told.id}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert "DICOMDIR" in packed.namelist()
        assert told.scan.files[0] in [packed.read(name) for name in packed.namelist()]


def test_everything_is_one_disc_with_every_scan_report_and_the_history(keepray):
    told = a_story(keepray, report="A small effusion.")
    second = a_scan(told.scan.person, name="second head", StudyDescription="CT of the head", BodyPartExamined="HEAD")
    told.site.pushes(*second.files)
    told.patient.open("/home")
    page = told.patient.open("/save/everything")
    assert page.says("your 2 scans")
    answer = told.patient.ask("GET", "/save/everything.zip")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        held = {name: packed.read(name) for name in packed.namelist()}
    for file in (*told.scan.files, *second.files):
        assert file in held.values()
    index = held["INDEX.HTM"].decode()
    assert "CT of the chest" in index
    assert "CT of the head" in index
    assert any(b"A small effusion." in octets for name, octets in held.items() if name.endswith("REPORT1.HTM"))
    assert "You added a scan with a PIN slip." in held["IHE_PDI/HISTORY.HTM"].decode()
    assert [name for name in held if name.endswith("PICTURE1.JPG")]
    assert told.patient.open("/history").says("You saved a copy of everything.")


def test_nobody_else_gets_everything(keepray):
    told = a_story(keepray)
    doctor = Guest(keepray)
    doctor.opens(told.patient.gives_a_code(may=("see", "save")).code)
    assert doctor.ask("GET", "/save/everything.zip").headers.get("Content-Type") != "application/zip"


def in_parts(asker, path: str, *, parts: int = 4) -> bytes:
    """The file as a device gets it whose line drops again and again."""
    first = asker.ask("GET", path)
    assert first.headers["Accept-Ranges"] == "bytes"
    length, mark = int(first.headers["Content-Length"]), first.headers["ETag"]
    assert mark.startswith('"')
    got = first.content[: length // parts]
    while len(got) < length:
        answer = asker.ask("GET", path, Range=f"bytes={len(got)}-", If_Range=mark)
        assert answer.status_code == 206, answer.status_code
        assert answer.headers["Content-Range"] == f"bytes {len(got)}-{length - 1}/{length}"
        assert int(answer.headers["Content-Length"]) == len(answer.content) == length - len(got)
        got += answer.content[: length // parts + 1]
    assert got == first.content
    return got


def test_a_copy_that_was_broken_off_goes_on_where_it_was(keepray):
    told = a_story(keepray, report="A small effusion.")
    doctor = Guest(keepray)
    doctor.opens(told.patient.gives_a_code(may=("see", "save")).code)
    asked = ((told.patient, f"{told.page}/save/all.zip"), (doctor, f"/see/save/{told.id}.zip"))
    for asker, path in asked:
        with zipfile.ZipFile(io.BytesIO(in_parts(asker, path))) as packed:
            assert packed.testzip() is None
    assert told.patient.open("/history").words.count("You saved a copy of") == 1


def test_a_part_of_something_else_is_answered_with_all_of_it(keepray):
    told = a_story(keepray, report="")
    path = f"{told.page}/save/all.zip"
    whole = told.patient.ask("GET", path)
    mark = whole.headers["ETag"]
    told.site.pushes(a_scan(told.scan.person, 3, name=told.scan.name).files[2])
    told.patient.open("/home")
    for headers in (
        {"Range": "bytes=100-", "If_Range": mark},
        {"Range": "bytes=100-", "If_Range": f"W/{mark}"},
        {"Range": "bytes=100-", "If_Range": "Wed, 21 Oct 2026 07:28:00 GMT"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "pages=1-2"},
        {"Range": "bytes=x-"},
    ):
        answer = told.patient.ask("GET", path, **headers)
        assert (answer.status_code, answer.content[:4]) == (200, b"PK\3\4"), headers
        assert answer.headers["ETag"] != mark
    length = int(answer.headers["Content-Length"])
    answer = told.patient.ask("GET", path, Range=f"bytes={length}-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{length}")
    assert told.patient.ask("GET", path, Range="bytes=-22").content[:4] == b"PK\5\6"
    assert told.patient.ask("HEAD", path, Range="bytes=100-").status_code == 200


def test_everything_goes_on_too_though_something_happened_and_time_went_by(indoors):
    told = a_story(indoors, report="A small effusion.")
    page = told.patient.open("/save/everything")
    path = next(href for _, href in page.links if href.startswith("/save/everything.zip"))
    whole = told.patient.ask("GET", path)
    told.patient.another_browser().signs_in()
    indoors.clock.advance(seconds=301)
    assert told.patient.open(path).path == "/check"
    assert told.patient.open(path, Range="bytes=100-").path == "/check"
    assert told.patient.open(path, Range="bytes=100-", If_Range='"guessed"').path == "/check"
    answer = told.patient.ask("GET", path, Range="bytes=100-", If_Range=whole.headers["ETag"])
    assert answer.status_code == 206
    assert answer.content == whole.content[100:]
