"""A frame is fetched without the others, and is what the sender put there."""

import io
import struct

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from fhir_gateway.dicom.frames import FragmentScan, frame_media_type
from fhir_gateway.errors import NoSuchFrame, TooLarge
from tests.factories import BIG_ENDIAN, JPEG, JPEG_2000, JPEG_LS, NATIVE, PACKED, RLE, an_instance, some_pixels
from tests.fhir_gateway.dicom.stored import Stored


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_native_frame_is_its_pixels_in_little_endian(syntax, bits):
    stored = Stored.of(an_instance(syntax=syntax, frames=3, bits=bits, rows=30, columns=20))
    pixels = some_pixels(rows=30, columns=20, frames=3, bits=bits, seed=1)
    for number in (1, 2, 3):
        assert stored.frame(number) == pixels[number - 1].tobytes()
        assert stored.table.frame_length(number) == len(stored.frame(number))
    assert frame_media_type(stored.table) == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_packed_bits_begin_anew_with_each_frame(syntax):
    stored = Stored.of(an_instance(syntax=syntax, frames=5, bits=1, rows=5, columns=5))
    pixels = some_pixels(rows=5, columns=5, frames=5, bits=1, seed=1)
    assert not stored.table.aligned
    for number in range(1, 6):
        bits = np.unpackbits(np.frombuffer(stored.frame(number), "u1"), bitorder="little")
        assert bits[:25].tolist() == pixels[number - 1].ravel().tolist()
        assert not bits[25:].any()


@pytest.mark.parametrize("syntax", PACKED)
@pytest.mark.parametrize("offsets", ["basic", "extended", "none"])
def test_a_packed_frame_is_its_stream_without_marks(syntax, offsets):
    file = an_instance(syntax=syntax, frames=4, offsets=offsets)
    expected = list(generate_frames(dcmread(io.BytesIO(file)).PixelData, number_of_frames=4))
    stored = Stored.of(file)
    assert [stored.frame(number) for number in range(1, 5)] == expected


@pytest.mark.parametrize("offsets", ["basic", "none"])
@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000])
def test_the_fragments_of_a_frame_are_joined(syntax, offsets):
    whole = Stored.of(an_instance(syntax=syntax, frames=3))
    pieces = Stored.of(an_instance(syntax=syntax, frames=3, fragments=3, offsets=offsets))
    for number in (1, 2, 3):
        assert pieces.frame(number).rstrip(b"\0") == whole.frame(number).rstrip(b"\0")
        assert len(pieces.table.spans(number)) == 3


def test_the_only_frame_takes_all_fragments():
    whole, pieces = (Stored.of(an_instance(syntax=RLE, fragments=count, offsets="none")) for count in (1, 4))
    assert pieces.frame().rstrip(b"\0") == whole.frame().rstrip(b"\0")


@pytest.mark.parametrize("number", [0, -1, 4, 10**9])
@pytest.mark.parametrize("syntax", [NATIVE[1], JPEG_LS])
def test_a_frame_that_is_not_there_is_told_so(syntax, number):
    with pytest.raises(NoSuchFrame):
        Stored.of(an_instance(syntax=syntax, frames=3)).frame(number)


def test_frames_that_are_announced_and_missing_are_not_there():
    stored = Stored.of(an_instance(NumberOfFrames=9999, frames=1, Rows=65535))
    assert stored.table.count <= 9999
    huge = an_instance().replace(
        struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 32), struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 65535)
    )
    table = Stored.of(huge).table
    assert table.count == 0
    with pytest.raises(NoSuchFrame):
        Stored.of(huge).frame(1)


@pytest.mark.parametrize(
    ("syntax", "kind"),
    [(RLE, "image/dicom-rle"), (JPEG, "image/jpeg"), (JPEG_LS, "image/jls"), (JPEG_2000, "image/jp2")],
)
def test_each_packed_form_has_its_media_type(syntax, kind):
    facts = {"bits": 8, "samples": 3} if syntax == JPEG else {}
    assert frame_media_type(Stored.of(an_instance(syntax=syntax, **facts)).table) == f"{kind}; transfer-syntax={syntax}"


def test_big_endian_words_are_turned_and_octets_are_not():
    stored = Stored.of(an_instance(syntax=BIG_ENDIAN, bits=8, samples=3, rows=6, columns=6))
    assert stored.frame() == some_pixels(rows=6, columns=6, bits=8, samples=3, seed=1)[0].tobytes()


def test_endless_fragments_are_refused():
    scan = FragmentScan(JPEG_LS, 1)
    for number in range(1 << 20):
        scan.fragment(item=number, start=number, length=0, opening=b"")
    with pytest.raises(TooLarge):
        scan.fragment(item=1 << 20, start=1 << 20, length=0, opening=b"")


def test_a_table_stays_small():
    stored = Stored.of(an_instance(frames=200, rows=4, columns=4))
    assert len(str(stored.table.to_json())) < 300
