"""The library is the referee: what we read in one pass, what the walk reads, and what it reads are the same."""

import logging
import struct
import warnings
from collections.abc import Iterator

import pytest

from fhir_gateway.dicom.one_pass import UnusualHeaderError
from fhir_gateway.dicom.reading import Reading
from tests.factories import BIG_ENDIAN, DEFLATED, EVERY_SYNTAX, EXPLICIT, IMPLICIT, an_instance
from tests.fhir_gateway.dicom.scanning import (
    EXPLAINED,
    Compared,
    compare,
    compare_damaged,
    compare_files,
    files_of_the_wheel,
)

DAMAGED = 1500  # of more, `scanning` says how


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What the library says of a file that something is wrong with is not asked for."""
    logging.disable(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


def test_every_file_that_ships_with_the_library_says_the_same():
    paths = files_of_the_wheel()
    assert len(paths) > 150
    compared = compare_files(paths)
    assert not compared.unexplained
    assert compared.same > 150
    assert compared.met.keys() <= EXPLAINED.keys()


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    long = vr in {"OB", "OW", "SQ", "UN", "UT", "UC", "UR"}
    size = len(value) if length is None else length
    return head + (struct.pack("<HI", 0, size) if long else struct.pack("<H", size)) + value


def item(value: bytes, *, length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) if length is None else length) + value


OPEN = 0xFFFFFFFF
ITEM_END, SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
CODE = element(0x00080100, "SH", b"T-1 ") + element(0x00080104, "LO", "Größe ".encode())

# What the quick way leaves to the walk, and what it reads that is easy to get wrong: before the picture of a file.
HEADERS = {
    "a VR nobody knows": element(0x00280302, "UN", b"ab"),
    "a private element of unknown VR": element(0x00290010, "LO", b"MINE") + element(0x00291001, "UN", b"abcd"),
    "twice": element(0x00280303, "CS", b"NO") * 2,
    "out of order": element(0x00284000, "LT", b"later ") + element(0x00280303, "CS", b"NO"),
    "a group's length": element(0x00290000, "UL", b"\x12\0\0\0") + element(0x00290010, "LO", b"MINE"),
    "an empty sequence": element(0x00289145, "SQ", b""),
    "a sequence of known length": element(0x00289145, "SQ", item(CODE) + item(b"")),
    "a sequence of open length": element(0x00289145, "SQ", item(CODE) + SEQUENCE_END, OPEN),
    "items of open length": element(0x00289145, "SQ", item(CODE + ITEM_END, length=OPEN) + SEQUENCE_END, OPEN),
    "sequences within": element(0x00289145, "SQ", item(element(0x00081199, "SQ", item(CODE) + item(CODE)))),
    "a character set of its own": element(
        0x00289145, "SQ", item(element(0x00080005, "CS", b"ISO_IR 100") + element(0x00080104, "LO", b"Gr\xf6\xdfe "))
    ),
    "unknown octets of open length": element(
        0x00291002, "UN", item(element(0x00080104, "LO", b"x ")[:4] + struct.pack("<I", 2) + b"x ") + SEQUENCE_END, OPEN
    ),
    "many values": element(0x00283002, "US", struct.pack("<3H", 256, 0, 16)) + element(0x00284000, "LT", b"a\\b "),
    "empty values": element(0x00281055, "LO", b"\\one\\ \\two\\"),
    "numbers in words": element(0x00281050, "DS", b" 1.5\\2e3\\-0 ") + element(0x00282110, "CS", b"00"),
    "a large value": element(0x00291003, "OB", bytes(3000)),
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_what_is_odd_is_read_as_the_library_reads_it(header: bytes):
    whole = an_instance(syntax=EXPLICIT)
    at = whole.rindex(struct.pack("<HH", 0x7FE0, 0x0010))
    compared = Compared()
    compare(compared, "odd", whole[:at] + header + whole[at:])
    assert not compared.unexplained
    assert compared.same == 1 or set(compared.met) <= {"unknown VR"}


@pytest.mark.parametrize("syntax", EVERY_SYNTAX)
def test_every_syntax_says_the_same(syntax: str):
    compared = Compared()
    compare(compared, syntax, an_instance(syntax=syntax, StudyDescription="Größe", OtherPatientNames=["A^B", "C"]))
    assert (compared.same, compared.unexplained) == (1, [])


@pytest.mark.parametrize("syntax", [IMPLICIT, BIG_ENDIAN, DEFLATED])
def test_what_the_quick_way_cannot_read_it_leaves_alone(syntax: str):
    reading = Reading(iter([an_instance(syntax=syntax)]))
    with pytest.raises(UnusualHeaderError):
        reading._in_one_pass()


@pytest.mark.parametrize(
    "named",
    ["ISO_IR 100", "ISO_IR 144", "ISO_IR 13", "GB18030", "ISO_IR 192", "\\ISO 2022 IR 87", "ISO 2022 IR 149", "odd"],
)
def test_a_name_in_any_character_set_is_the_same(named: str):
    compared = Compared()
    whole = an_instance(syntax=EXPLICIT, SpecificCharacterSet=named.split("\\"), PatientName="Yamada^Tarou")
    compare(compared, named, whole)
    assert (compared.same, compared.unexplained) == (1, [])


def test_damaged_files_say_the_same_wherever_both_can_read_them():
    compared = compare_damaged(DAMAGED, seed=20260105)
    assert not compared.unexplained
    assert compared.same > DAMAGED / 5
    assert compared.same + compared.met["left out"] > DAMAGED / 3
