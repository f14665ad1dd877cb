"""What is read in one pass is what the walk reads, and what is odd is left to the walk."""

import random
import struct
import warnings
from pathlib import Path

import pydicom.data
import pytest

from fhir_gateway.dicom.feed import Feed
from fhir_gateway.dicom.json_model import Writer, elements_to_json
from fhir_gateway.dicom.one_pass import OnePass, UnusualHeaderError
from fhir_gateway.dicom.reading import HEADER_MOST, Reading
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, syntax_of
from fhir_gateway.errors import UnreadableDicom
from tests.factories import EXPLICIT, an_instance

FOLDER = Path(pydicom.data.__file__).parent
FILES = [path for name in ("test_files", "charset_files") for path in sorted((FOLDER / name).glob("*.dcm"))]
PLAIN = syntax_of(EXPLICIT_LITTLE)


def in_one_pass(octets: bytes, at: int = 0, known: dict | None = None):
    feed = Feed(iter([octets]), most=HEADER_MOST)
    writer = Writer(feed.cut, big=False)
    written, end = OnePass(feed, writer, {} if known is None else known).header(at)
    return written, end, writer.bulk


def element(tag: int, vr: str, value: bytes) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    long = vr in {"OB", "OW", "SQ", "UN", "UT", "UC", "UR"}
    return head + (struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))) + value


def test_most_files_of_the_library_are_read_in_one_pass_and_as_the_walk_reads_them():
    read = 0
    for path in FILES:
        octets = path.read_bytes()
        try:
            reading = Reading(iter([octets]))
        except UnreadableDicom:
            continue
        syntax = reading.syntax
        if syntax.implicit or syntax.big or syntax.deflated:
            continue
        try:
            written, end, _ = in_one_pass(octets, reading.meta_end)
        except UnusualHeaderError:
            continue
        read += 1
        assert written == elements_to_json(octets[reading.meta_end : end], syntax) | _placed(written), path.name
    assert read > 40


def _placed(written: dict) -> dict:
    """Places count from the file's beginning, not from the cut's, and are named the same."""
    return {tag: one for tag, one in written.items() if "BulkDataURI" in one}


def test_a_header_that_was_damaged_is_read_as_the_walk_reads_it_or_not_at_all():
    chance = random.Random(11)
    whole = an_instance(syntax=EXPLICIT)
    start = Reading(iter([whole])).meta_end
    agreed = 0
    for _ in range(2000):
        octets = bytearray(whole[start:])
        for _ in range(chance.randint(1, 3)):
            octets[chance.randrange(min(len(octets), 1200))] = chance.choice(
                (0, 1, 8, 32, 92, 127, 255, chance.randrange(256))
            )
        try:
            written, end, _ = in_one_pass(bytes(octets))
        except UnusualHeaderError:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert written == elements_to_json(octets[:end], PLAIN)
        agreed += 1
    assert agreed > 300


def test_what_a_series_repeats_is_known_again_and_what_differs_is_not():
    known: dict = {}
    shared = element(0x00080060, "CS", b"CT") + element(0x00100010, "PN", b"Doe^Ann ")
    first, *_ = in_one_pass(shared + element(0x00200013, "IS", b"1 "), known=known)
    second, *_ = in_one_pass(shared + element(0x00200013, "IS", b"2 "), known=known)
    assert second["00100010"] is first["00100010"]
    assert [one["00200013"]["Value"] for one in (first, second)] == [[1], [2]]


def test_the_same_octets_in_another_character_set_are_another_name():
    known: dict = {}
    name = element(0x00100010, "PN", "Müller".encode("latin-1") + b" ")
    latin, *_ = in_one_pass(element(0x00080005, "CS", b"ISO_IR 100") + name, known=known)
    cyrillic, *_ = in_one_pass(element(0x00080005, "CS", b"ISO_IR 144") + name, known=known)
    assert latin["00100010"]["Value"][0]["Alphabetic"] == "Müller"
    assert cyrillic["00100010"]["Value"][0]["Alphabetic"] != "Müller"


def test_a_value_left_in_its_file_is_found_where_this_file_has_it():
    known: dict = {}
    large = element(0x00420011, "OB", bytes(64))
    _, _, bulk = in_one_pass(large, known=known)
    _, _, later = in_one_pass(element(0x00080060, "CS", b"CT") + large, known=known)
    assert later["00420011"].start == bulk["00420011"].start + 10


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(element(0x00091010, "UN", b"ab"), id="a VR nobody knows"),
        pytest.param(element(0x00100010, "PN", b"A ") + element(0x00080060, "CS", b"CT"), id="out of order"),
        pytest.param(element(0x00080060, "CS", b"CT") * 2, id="twice"),
        pytest.param(element(0x00080005, "LO", b"ISO_IR 100"), id="a character set that is no code"),
        pytest.param(struct.pack("<HH2sHI", 0x0009, 0x1010, b"OB", 0, 0xFFFFFFFF), id="no length"),
        pytest.param(element(0x00081140, "SQ", b"12345678"), id="a sequence without items"),
        pytest.param(element(0x00080060, "CS", b"CT")[:-1], id="cut off"),
    ],
)
def test_what_is_odd_is_left_to_the_walk(odd):
    with pytest.raises(UnusualHeaderError):
        in_one_pass(odd)
