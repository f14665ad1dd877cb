"""The copy to take away opens anywhere: a ZIP of a known length with a directory that finds every picture."""

import io
import re
import zipfile
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.fileset import FileSet

from fhir_gateway.dicom.media import Directory, Page, Taken, medium
from fhir_gateway.dicom.zipped import Entry, ZipPlan
from fhir_gateway.errors import UnreadableDicom
from tests import factories
from tests.factories import ANOTHER_PERSON, JPEG_LS, Person, a_ct_series, an_instance
from tests.fhir_gateway.dicom.stored import Stored


def taken(file: bytes) -> Taken:
    stored = Stored.of(file)
    incoming = stored.incoming
    return Taken(
        incoming.full_metadata or incoming.metadata, incoming.transfer_syntax, len(file), lambda: [stored.octets]
    )


PAGES = [Page("README.TXT", b"read me"), Page("INDEX.HTM", b"<p>"), Page("IHE_PDI/REPORT1.PDF", b"%PDF")]


def test_every_file_is_found_through_the_directory(tmp_path: Path):
    files = [
        *a_ct_series(3, study="knee"),
        *a_ct_series(2, study="head", person=ANOTHER_PERSON),
        an_instance(study="knee", series="packed", syntax=JPEG_LS),
        factories.a_text_report(study="knee"),
        factories.a_pdf_document(study="knee"),
    ]
    plan = medium(map(taken, files), PAGES)
    octets = b"".join(plan)
    assert len(octets) == plan.length
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
        names = archive.namelist()
    assert names[:4] == ["README.TXT", "INDEX.HTM", "IHE_PDI/REPORT1.PDF", "DICOMDIR"]
    assert all(re.fullmatch(r"([A-Z0-9_]{1,8}/)*[A-Z0-9_]{1,8}", name) for name in names[3:])
    listed = FileSet(tmp_path / "DICOMDIR")
    listed._stage["t"].cleanup()
    assert len(listed) == len(files)
    for instance in listed:
        assert instance.load().SOPInstanceUID == instance.SOPInstanceUID
    assert len(listed.find_values("PatientID")) == 2
    records = pydicom.dcmread(tmp_path / "DICOMDIR").DirectoryRecordSequence
    kinds = [record.DirectoryRecordType for record in records]
    assert kinds[:4] == ["PATIENT", "STUDY", "SERIES", "IMAGE"]
    assert {"SR DOCUMENT", "ENCAP DOC"} <= set(kinds)
    assert (tmp_path / "DICOM/P00000/I00000").read_bytes() == files[0]


def test_what_a_record_needs_and_an_object_lacks_is_made_up_in_the_record_alone(tmp_path: Path):
    file = an_instance(StudyID=None, StudyDate=None, InstanceNumber=None, person=Person(name="Żółć^Ewa", mrn=""))
    octets = b"".join(medium([taken(file)], []))
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.read("DICOM/P00000/I00000") == file
        directory = pydicom.dcmread(io.BytesIO(archive.read("DICOMDIR")))
    patient, study, _, image = directory.DirectoryRecordSequence
    assert (patient.PatientName, patient.PatientID) == ("Żółć^Ewa", "UNKNOWN")
    assert (study.StudyID, study.StudyDate, image.InstanceNumber) == ("1", "19000101", 1)


def test_what_cannot_be_listed_lies_beside():
    odd = factories.as_file(factories.a_dataset(sop_class="1.2.840.10008.5.1.4.34.7"))
    plan = medium([taken(odd)], [])
    with zipfile.ZipFile(io.BytesIO(b"".join(plan))) as archive:
        assert archive.namelist() == ["DICOMDIR", "DICOM/UNLISTED/I0000000"]
    with pytest.raises(UnreadableDicom):
        Directory().put({}, "1.2.840.10008.1.2.1")


@given(start=st.integers(0, 700), length=st.integers(0, 700))
def test_any_part_of_a_copy_is_what_lies_there(start: int, length: int):
    plan = ZipPlan([Entry.of("A", b"first"), Entry("B", 90, lambda: [b"x" * 40, b"", b"y" * 50]), Entry.of("C/D", b"")])
    whole = b"".join(plan)
    start, stop = min(start, plan.length), min(start + length, plan.length)
    assert b"".join(plan.part(start, stop)) == whole[start:stop]


def test_what_lies_before_a_part_is_opened_only_for_its_checksum_at_the_end():
    opened: list[str] = []

    def entry(name: str) -> Entry:
        return Entry(name, 10, lambda: opened.append(name) or [b"0123456789"])

    plan = ZipPlan([entry("A"), entry("B"), entry("C")])
    whole = b"".join(plan)
    opened.clear()
    pieces = plan.part(whole.index(b"0123456789", whole.index(b"B")) + 4, plan.length)
    assert next(pieces) == b"456789"
    assert opened == ["B"]
    assert whole.endswith(b"456789" + b"".join(pieces))
    assert opened == ["B", "C", "A"]


def test_the_same_scans_make_the_same_octets_and_others_another_mark():
    files = [an_instance(number=number) for number in (1, 2)]
    plans = [medium(map(taken, files), PAGES) for _ in range(2)]
    assert plans[0].mark == plans[1].mark
    assert b"".join(plans[0]) == b"".join(plans[1])
    others = (
        medium(map(taken, files[:1]), PAGES),
        medium(map(taken, files[::-1]), PAGES),
        medium(map(taken, files), []),
    )
    assert len({plans[0].mark, *(one.mark for one in others)}) == 4


def test_an_empty_directory_is_one_too():
    assert pydicom.dcmread(io.BytesIO(Directory().octets())).DirectoryRecordSequence == []


@pytest.mark.parametrize("names", [["a", "A"], ["../a"], ["/a"], ["a//b"], [""], ["a/.."], ["c:/x"], ["a\\b"], ["./a"]])
def test_names_that_lead_elsewhere_are_never_written(names):
    with pytest.raises(ValueError, match="names"):
        ZipPlan([Entry.of(name, b"") for name in names])


def test_a_member_that_is_not_as_long_as_it_said_breaks_off():
    with pytest.raises(RuntimeError):
        b"".join(ZipPlan([Entry("A", 5, lambda: [b"four"])]))


def test_more_than_four_gigabytes_are_measured_rightly():
    mebibyte = bytes(1 << 20)
    large = Entry("LARGE", 4100 << 20, lambda: (mebibyte for _ in range(4100)))
    plan = ZipPlan([large, Entry.of("AFTER", b"behind it")])
    tail, total = b"", 0
    for piece in plan:
        total += len(piece)
        tail = (tail + piece)[-4096:] if len(piece) < 4096 else piece[-4096:]
    assert total == plan.length
    central = tail[tail.index(b"PK\1\2") :]
    assert b"PK\6\6" in central
    assert b"PK\6\7" in central
