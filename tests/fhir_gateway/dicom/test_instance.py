"""What arrives is read as it streams in, whoever sent it and whatever they meant by it."""

import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.errors import (
    DirectoryRefused,
    GatewayError,
    Inflated,
    MissingIdentity,
    NotDicom,
    TooDeep,
    TooLarge,
    TruncatedDicom,
    UnreadableDicom,
)
from tests import factories
from tests.factories import DEFLATED, EVERY_SYNTAX, EXPLICIT, JPEG_LS, Person, a_nest, a_uid, an_instance
from tests.fhir_gateway.dicom.stored import Stored


def swallow(file: bytes) -> None:
    for _ in read_instance([file]).octets:
        pass


def in_pieces(file: bytes, size: int) -> list[bytes]:
    return [file[start : start + size] for start in range(0, len(file), size)]


def test_the_object_says_whose_it_is_and_where_it_belongs():
    person = Person(name="Żółć^Ewa=絵葉=えは", mrn="M-7", born="19700229", sex="F", issuer="HOSPITAL")
    incoming = read_instance([an_instance(person=person, study="knee", number=3)])
    assert incoming.study_uid == a_uid("study", "knee")
    assert incoming.series_uid == a_uid("series", "knee", "first")
    assert incoming.instance_uid == a_uid("instance", "knee", "first", 3)
    assert incoming.patient.name == "Żółć^Ewa=絵葉=えは"
    assert (incoming.patient.mrn, incoming.patient.issuer, incoming.patient.sex) == ("M-7", "HOSPITAL", "F")
    assert incoming.patient.born is None, "1970 had no 29 February"
    assert (incoming.accession, incoming.modality, incoming.key_class) == ("A123", "CT", "img")


@pytest.mark.parametrize(("written", "born"), [("19700101", "19700101"), ("1970.01.01", "19700101"), ("1970", None)])
def test_a_birth_date_is_a_day_or_nothing(written, born):
    assert read_instance([an_instance(PatientBirthDate=written)]).patient.born == born


@pytest.mark.parametrize("syntax", EVERY_SYNTAX)
@pytest.mark.parametrize("size", [1, 7, 64, 1000, 1 << 20])
def test_what_is_stored_is_what_came_however_it_was_cut(syntax, size):
    file = an_instance(syntax=syntax, rows=33, columns=34, frames=2)
    incoming = read_instance(in_pieces(file, size))
    assert b"".join(incoming.octets) == file
    assert incoming.length() == len(file)
    whole = Stored.of(file)
    assert incoming.frames() == whole.table
    assert incoming.metadata == whole.incoming.metadata


def test_a_program_hidden_in_the_preamble_is_not_kept():
    file = an_instance(preamble=b"MZ" + b"\x90" * 126)
    stored = Stored.of(file).octets
    assert stored[:128] == bytes(128)
    assert stored[128:] == file[128:]


@pytest.mark.parametrize(
    "file", [b"", b"hello", b"%PDF-1.7\n" * 40, bytes(128) + b"DICX" + bytes(100), b"PK\3\4" + bytes(400)]
)
def test_what_is_not_dicom_is_told_so(file):
    with pytest.raises(NotDicom):
        swallow(file)


@pytest.mark.parametrize("syntax", EVERY_SYNTAX)
def test_a_file_cut_anywhere_is_never_taken_for_whole(syntax):
    file = an_instance(syntax=syntax, frames=2)
    for hundredth in range(100):
        try:
            stored = Stored.of(file[: len(file) * hundredth // 100])
        except UnreadableDicom:
            continue
        # A cut between two elements leaves an object without a picture, which some are.
        assert stored.incoming.frames() is None


def test_a_file_that_lacks_one_octet_is_truncated():
    with pytest.raises(TruncatedDicom):
        swallow(an_instance()[:-1])


def test_padding_behind_the_last_element_is_kept_and_harmless():
    file = an_instance() + bytes(1000)
    assert Stored.of(file).octets == file


@pytest.mark.parametrize("depth", [33, 500, 100_000])
def test_a_nest_too_deep_is_refused_before_anything_recurses(depth):
    with pytest.raises(TooDeep):
        swallow(a_nest(depth))


def test_a_nest_as_deep_as_real_objects_are_is_followed():
    swallow(a_nest(30))


def test_half_a_million_empty_elements_are_refused():
    block = b"".join(struct.pack("<HH2sH", 0x0029, number, b"LO", 0) for number in range(0x1000, 0x8000))
    with pytest.raises(TooLarge):
        swallow(factories.as_file(factories.a_dataset()) + block * 40)


def test_a_deflated_bomb_is_refused_while_it_grows():
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = an_instance(syntax=DEFLATED)
    meta = head[: head.index(b"1.2.840.10008.1.2.1.99") + 22]
    meta = meta[: len(meta)]
    whole = factories.as_file(factories.a_dataset(), DEFLATED)
    start = 132 + 12 + struct.unpack_from("<I", whole, 140)[0]
    body = zlib.decompress(whole[start:], -zlib.MAX_WBITS)
    bomb = stream.compress(body + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 600 << 20))
    for _ in range(600):
        bomb += stream.compress(bytes(1 << 20))
    bomb += stream.flush()
    assert len(bomb) < 1 << 20
    with pytest.raises(Inflated):
        swallow(whole[:start] + bomb)


def test_a_directory_of_files_is_no_object():
    ds = factories.a_dataset(sop_class="1.2.840.10008.1.3.10")
    with pytest.raises(DirectoryRefused):
        swallow(factories.as_file(ds))


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_object_without_identity_is_refused(missing):
    with pytest.raises(MissingIdentity):
        swallow(an_instance(**{missing: None}))


@pytest.mark.parametrize("uid", [b"../../etc/passwd", b"1.2.3\\4.5.6     ", b"1..2.3.4.5.6.7.8"])
def test_a_uid_that_is_none_is_no_identity(uid):
    real = a_uid("study", "one").encode()
    file = an_instance().replace(real, uid.ljust(len(real), b" "))
    with pytest.raises(MissingIdentity):
        swallow(file)


def test_a_report_shows_none_of_its_text_to_the_metadata_key():
    for file in (factories.a_text_report("CANARY"), factories.a_pdf_document(b"%PDF CANARY")):
        stored = Stored.of(file).incoming
        assert stored.key_class == "rep"
        assert "CANARY" not in str(stored.metadata)
        assert {"0040A730", "00420011"} & stored.full_metadata.keys()
        assert "0040A730" not in stored.metadata
        assert stored.metadata["0020000D"]["Value"] == [a_uid("study", "one")]


def test_a_large_document_passes_without_being_held():
    pdf = b"%PDF" + random.Random(1).randbytes(20 << 20)
    incoming = read_instance(in_pieces(factories.a_pdf_document(pdf), 1 << 16))
    octets = b"".join(incoming.octets)
    where = incoming.bulk()["00420011"]
    assert octets[where.start : where.start + where.length] == pdf
    assert incoming.full_metadata["00420015"]["Value"] == [len(pdf)]
    assert list(incoming.full_metadata) == sorted(incoming.full_metadata)


def test_what_follows_the_picture_is_in_the_metadata_too():
    tail = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 4) + b"\0\0\0\1"
    stored = Stored.of(an_instance() + tail)
    assert stored.incoming.metadata["FFFCFFFC"] == {"vr": "OB", "InlineBinary": "AAAAAQ=="}


def test_the_library_s_own_test_files_are_read_or_refused_with_a_reason():
    folder = Path(pydicom.data.__file__).parent / "test_files"
    read = 0
    for path in sorted(folder.rglob("*.dcm")):
        file = path.read_bytes()
        try:
            stored = Stored.of(file)
        except UnreadableDicom:
            continue
        assert stored.octets[128:] == file[128:]
        read += 1
    assert read >= 55


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 30), syntax=st.sampled_from(EVERY_SYNTAX))
def test_a_damaged_file_is_read_or_refused_but_nothing_else(seed, syntax):
    chance = random.Random(seed)
    file = bytearray(_whole(syntax))
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(132, len(file)) if chance.random() < 0.7 else chance.randrange(132, 900)
        match chance.randrange(4):
            case 0:
                file[at] = chance.randrange(256)
            case 1:
                file[at : at + 4] = struct.pack("<I", chance.choice([0xFFFFFFFF, 0xFFFFFFFE, 0, 1, 1 << 31]))
            case 2:
                del file[at : at + chance.randrange(1, 40)]
            case _:
                file[at:at] = chance.randbytes(chance.randrange(1, 40))
    try:
        stored = Stored.of(bytes(file))
        table = stored.incoming.frames()
        for number in range(1, (table.count if table else 0) + 1):
            stored.frame(number)
        stored.plain(lambda *_: bytes(stored.layout.decoded_octets))
    except GatewayError:
        return


def _whole(syntax: str) -> bytes:
    if syntax not in _FILES:
        _FILES[syntax] = an_instance(syntax=syntax, frames=3, ReferencedStudySequence=[factories.a_code("1", "2", "3")])
    return _FILES[syntax]


_FILES: dict[str, bytes] = {}


@pytest.mark.parametrize("syntax", [EXPLICIT, JPEG_LS])
def test_a_large_object_passes_through_little_memory(syntax):
    # In a process of its own, so that what others hold does not count.
    child = subprocess.run(
        [sys.executable, "-c", _LARGE, syntax],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert int(child.stdout) < 60 << 20, child.stdout


_LARGE = """
import struct, sys
from tests.factories import as_file, a_dataset, EXPLICIT
from fhir_gateway.dicom.instance import read_instance
syntax = sys.argv[1]
ds = a_dataset(Rows=512, Columns=512, BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=0,
               SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", NumberOfFrames=600)
head = as_file(ds).replace(b"1.2.840.10008.1.2.1\\0", (syntax + "\\0")[:20].encode().ljust(20, b"\\0")) if syntax == EXPLICIT else as_file(ds, syntax)
frame = bytes(1 << 19)
def pieces():
    yield head
    if syntax == EXPLICIT:
        yield struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 600 << 19)
        for _ in range(600):
            yield frame
        return
    yield struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + b"\\xfe\\xff\\0\\xe0\\0\\0\\0\\0"
    for _ in range(600):
        yield b"\\xfe\\xff\\0\\xe0" + struct.pack("<I", 1 << 19)
        yield frame
    yield b"\\xfe\\xff\\xdd\\xe0\\0\\0\\0\\0"
def held():
    # What is resident now; the highest mark of a process begins with that of its parent.
    return int(open("/proc/self/statm", closefd=True).read().split()[1]) * 4096
import warnings
warnings.simplefilter("ignore")
before, most, total = held(), 0, 0
incoming = read_instance(pieces())
for number, octets in enumerate(incoming.octets):
    total += len(octets)
    if number % 20 == 0:
        most = max(most, held())
assert total > 300 << 20 and incoming.frames().count == 600, incoming.frames().count
print(max(most, held()) - before)
"""
