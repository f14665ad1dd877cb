"""Whatever an instance is stored in, it can leave in Explicit VR Little Endian, and means the same."""

import io

import numpy as np
import pytest
from pydicom import dcmread

from fhir_gateway.errors import NotAcceptable, PixelsRefused, WhyRefused
from tests import factories
from tests.factories import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, JPEG_LS, NATIVE, an_instance, some_pixels
from tests.fhir_gateway.dicom.stored import Stored


def read(plain) -> object:
    octets = b"".join(plain.octets)
    assert len(octets) == plain.length
    dataset = dcmread(io.BytesIO(octets))
    assert dataset.file_meta.TransferSyntaxUID == EXPLICIT
    return dataset


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("facts", [{}, {"bits": 8, "rows": 5, "columns": 5}, {"samples": 3, "bits": 8}, {"frames": 3}])
def test_values_and_pixels_are_the_same(syntax, facts):
    file = an_instance(
        syntax=syntax, PixelSpacing=[0.5, 0.25], DiffusionBValue=1.5, SmallestImagePixelValue=3,
        ReferencedStudySequence=[factories.a_code("1", "2", "three")], **facts,
    )  # fmt: skip
    theirs, ours = dcmread(io.BytesIO(file)), read(Stored.of(file).plain())
    assert np.array_equal(theirs.pixel_array, ours.pixel_array)
    for element in theirs:
        if element.tag != 0x7FE00010:
            assert ours[element.tag].value == element.value


def test_a_value_too_long_for_its_vr_leaves_as_unknown():
    ours = b"".join(Stored.of(an_instance(syntax=IMPLICIT, StudyComments="long " * 20000)).plain().octets)
    assert b"\x32\0\0\x40UN\0\0" + (100000).to_bytes(4, "little") + b"long long" in ours


@pytest.mark.parametrize("syntax", [IMPLICIT, BIG_ENDIAN, DEFLATED])
def test_a_report_without_a_picture_too(syntax):
    ours = read(Stored.of(factories.a_text_report("Ende", syntax=syntax)).plain())
    assert ours.ContentSequence[1].ContentSequence[0].TextValue == "Ende"


def test_what_follows_the_picture_follows_it_still():
    ds = dcmread(io.BytesIO(an_instance(syntax=IMPLICIT)))
    ds.add_new(0xFFFCFFFC, "OB", b"\0" * 6)
    sink = io.BytesIO()
    ds.save_as(sink)
    assert read(Stored.of(sink.getvalue()).plain())[0xFFFCFFFC].value == b"\0" * 6


def test_a_packed_picture_is_unpacked_frame_by_frame():
    stored = Stored.of(an_instance(syntax=JPEG_LS, frames=3))
    pixels = some_pixels(rows=32, columns=40, frames=3, seed=1)
    asked = []

    def decode(header, frame):
        asked.append(frame)
        return pixels[len(asked) - 1].tobytes()

    plain = stored.plain(decode)
    assert len(asked) == 1, "the first at once, so that a refusal comes before any octet"
    assert np.array_equal(read(plain).pixel_array, pixels)
    assert asked == [stored.frame(number) for number in (1, 2, 3)]


def test_without_a_way_to_unpack_it_is_not_acceptable():
    with pytest.raises(NotAcceptable):
        Stored.of(an_instance(syntax=JPEG_LS)).plain()


def test_a_decoder_that_gives_the_wrong_size_is_refused():
    with pytest.raises(PixelsRefused) as refused:
        Stored.of(an_instance(syntax=JPEG_LS)).plain(lambda *_: b"short")
    assert refused.value.reason is WhyRefused.CANNOT_DECODE
