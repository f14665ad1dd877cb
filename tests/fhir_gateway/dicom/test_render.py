"""Pictures are developed in a child that may die, hang or refuse without anyone else noticing."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from fhir_gateway.dicom.darkroom import grey
from fhir_gateway.dicom.render import Look, Renderer, Viewport, Window
from fhir_gateway.errors import PixelsRefused, WhyRefused
from tests.factories import (
    DEFLATED,
    EVERY_SYNTAX,
    JPEG,
    JPEG_LS,
    PACKED,
    an_instance,
    some_pixels,
)
from tests.fhir_gateway.dicom.stored import Stored


@pytest.fixture(scope="module")
def renderer():
    renderer = Renderer(1)
    yield renderer
    renderer.close()


def shown(renderer, file: bytes, number: int = 1, **wishes) -> np.ndarray:
    stored = Stored.of(file)
    png = renderer.picture(
        stored.header(), stored.frame(number), number=number, look=Look(**wishes), media_type="image/png"
    )
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize("syntax", EVERY_SYNTAX)
def test_the_picture_is_the_same_in_every_packing(renderer, syntax):
    plain = shown(renderer, an_instance(frames=2), number=2)
    assert plain.std() > 20
    assert np.array_equal(shown(renderer, an_instance(syntax=syntax, frames=2), number=2), plain)


@pytest.mark.parametrize("syntax", [*EVERY_SYNTAX, JPEG])
def test_colours_are_shown_as_colours(renderer, syntax):
    facts = {"PhotometricInterpretation": "YBR_FULL_422"} if syntax == JPEG else {}
    picture = shown(renderer, an_instance(syntax=syntax, samples=3, bits=8, **facts))
    expected = some_pixels(rows=32, columns=40, samples=3, bits=8, seed=1)[0]
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).mean() < (8 if syntax == JPEG else 0.01)


@pytest.mark.parametrize("syntax", PACKED)
def test_a_packed_frame_is_unpacked_to_the_very_pixels(renderer, syntax):
    stored = Stored.of(an_instance(syntax=syntax, frames=2))
    assert (
        renderer.decode(stored.header(), stored.frame(2))
        == some_pixels(rows=32, columns=40, frames=2, seed=1)[1].tobytes()
    )


def a_ramp(renderer, **facts) -> np.ndarray:
    """The levels shown for stored values 0 to 255."""
    pixels = np.arange(256, dtype="u2").reshape(1, 1, 256)
    wishes = {"window": facts.pop("window")} if "window" in facts else {}
    return shown(renderer, an_instance(rows=1, columns=256, pixels=pixels, **facts), **wishes)[0].astype(float)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("LINEAR", lambda x: ((x - 99.5) / 79 + 0.5) * 255),
        ("LINEAR_EXACT", lambda x: ((x - 100) / 80 + 0.5) * 255),
        ("SIGMOID", lambda x: 255 / (1 + np.exp(-4 * (x - 100) / 80))),
    ],
)
def test_the_window_functions_are_those_of_the_standard(renderer, shape, expected):
    levels = np.clip(expected(np.arange(256.0)), 0, 255)
    asked = a_ramp(renderer, window=Window(100, 80, shape))
    assert np.abs(asked - levels).max() <= 0.51
    own = a_ramp(renderer, WindowCenter=100, WindowWidth=80, VOILUTFunction=shape)
    assert np.array_equal(asked, own)


def test_a_window_of_one_is_a_step(renderer):
    levels = a_ramp(renderer, window=Window(100, 1))
    assert levels[:100].max() == 0
    assert levels[100:].min() == 255


def test_the_window_is_in_the_units_after_rescaling(renderer):
    plain = a_ramp(renderer, window=Window(100, 80))
    shifted = a_ramp(renderer, window=Window(-824, 160), RescaleSlope=2, RescaleIntercept=-1024)
    assert np.abs(plain - shifted).max() <= 2


@pytest.mark.parametrize("facts", [{"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"},
                                   {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}])  # fmt: skip
def test_high_values_are_dark_where_the_object_says_so(renderer, facts):
    assert np.array_equal(
        a_ramp(renderer, window=Window(128, 256), **facts), 255 - a_ramp(renderer, window=Window(128, 256))
    )


def test_each_frame_may_have_its_own_window():
    groups = []
    for centre in (10, 200):
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 20
        group = Dataset()
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    header = Dataset()
    header.PerFrameFunctionalGroupsSequence = groups
    assert [grey.transform_of(header, number).WindowCenter for number in (1, 2)] == [10, 200]


def test_tables_map_values_where_there_is_no_formula():
    lut = Dataset()
    lut.LUTDescriptor = [4, 10, 16]
    lut.add_new(0x00283006, "US", [0, 100, 1000, 65535])
    values, bits = grey.looked_up(np.array([0, 10, 11, 12, 13, 99], "f4"), lut)
    assert values.tolist() == [0, 0, 100, 1000, 65535, 65535]
    assert bits == 16


def test_a_palette_gives_colours(renderer):
    ramp = bytes(range(256))
    tables = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 8] for colour in ("Red", "Green", "Blue")}
    tables |= {"RedPaletteColorLookupTableData": ramp, "GreenPaletteColorLookupTableData": ramp[::-1]}
    tables |= {"BluePaletteColorLookupTableData": bytes(256), "PhotometricInterpretation": "PALETTE COLOR"}
    pixels = np.arange(256, dtype="u1").reshape(1, 16, 16)
    picture = shown(renderer, an_instance(rows=16, columns=16, bits=8, pixels=pixels, **tables))
    assert picture[0, 5].tolist() == [5, 250, 0]


def test_masks_of_single_bits_are_shown(renderer):
    for syntax in ("1.2.840.10008.1.2.1", DEFLATED):
        picture = shown(renderer, an_instance(syntax=syntax, bits=1, rows=15, columns=15, frames=3), number=3)
        assert set(picture.ravel()) == {0, 255}


def test_a_viewport_keeps_the_shape_and_cuts_the_region(renderer):
    file = an_instance(rows=64, columns=128)
    assert shown(renderer, file, viewport=Viewport(32, 32)).shape == (16, 32)
    assert shown(renderer, file, viewport=Viewport(256, 256)).shape == (128, 256)
    half = shown(renderer, file, viewport=Viewport(64, 64, (64, 0, 64, 64)))
    assert np.array_equal(half, shown(renderer, file)[:, 64:])
    mirrored = shown(renderer, file, viewport=Viewport(64, 64, (64, 0, -64, 64)))
    assert np.array_equal(mirrored, half[:, ::-1])


def test_previews_are_small(renderer):
    noise = np.random.default_rng(1).integers(0, 65535, (1, 2000, 1500), dtype="u2")
    stored = Stored.of(an_instance(rows=2000, columns=1500, pixels=noise, WindowCenter=32768, WindowWidth=65535))
    both = renderer.previews(stored.header(), stored.frame())
    thumbnail, quick_view = (Image.open(io.BytesIO(jpeg)) for jpeg in (both.thumbnail, both.quick_view))
    assert max(thumbnail.size) == 256
    assert max(quick_view.size) <= 1024
    assert len(both.quick_view) <= 80 << 10
    assert renderer.thumbnail(stored.header(), stored.frame()) == both.thumbnail
    assert renderer.quick_view(stored.header(), stored.frame()) == both.quick_view


def test_quality_costs_octets(renderer):
    stored = Stored.of(an_instance(rows=256, columns=256))
    sizes = [
        len(renderer.picture(stored.header(), stored.frame(), look=Look(quality=quality))) for quality in (1, 50, 100)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


def refusal(renderer, header: bytes, frame: bytes) -> WhyRefused:
    with pytest.raises(PixelsRefused) as refused:
        renderer.picture(header, frame)
    return refused.value.reason


def test_each_refusal_has_its_reason(renderer):
    stored = Stored.of(an_instance(syntax=JPEG_LS))
    assert refusal(renderer, stored.header(), b"") is WhyRefused.NO_PIXELS
    assert refusal(renderer, stored.header(), b"\xff\xd8 nothing of the kind") is WhyRefused.CANNOT_DECODE
    assert refusal(renderer, b"no header", b"frame") is WhyRefused.CANNOT_DECODE
    rows = b"\x28\0\x10\0US\x02\0"
    huge = (
        stored.header()
        .replace(rows + b"\x20\0", rows + b"\xff\xff")
        .replace(b"\x28\0\x11\0US\x02\0\x28\0", b"\x28\0\x11\0US\x02\0\xff\xff")
    )
    assert refusal(renderer, huge, stored.frame()) is WhyRefused.TOO_LARGE
    # The same child goes on.
    assert renderer.thumbnail(stored.header(), stored.frame())


def test_a_picture_of_another_size_than_announced_is_refused(renderer):
    small = Stored.of(an_instance(syntax=JPEG_LS, rows=32, columns=40))
    other = Stored.of(an_instance(syntax=JPEG_LS, rows=48, columns=40))
    assert refusal(renderer, small.header(), other.frame()) is WhyRefused.CANNOT_DECODE


def child_of(renderer) -> int:
    child = renderer._idle.get()
    renderer._idle.put(child)
    return child._process.pid


def test_a_child_that_died_is_replaced():
    renderer = Renderer(1)
    stored = Stored.of(an_instance())
    first = renderer.thumbnail(stored.header(), stored.frame())
    os.kill(child_of(renderer), signal.SIGKILL)
    assert renderer.thumbnail(stored.header(), stored.frame()) == first
    renderer.close()


def test_a_child_that_hangs_is_given_up_and_replaced():
    renderer = Renderer(1, seconds=0.5)
    stored = Stored.of(an_instance())
    first = renderer.thumbnail(stored.header(), stored.frame())
    os.kill(child_of(renderer), signal.SIGSTOP)
    assert refusal(renderer, stored.header(), stored.frame()) is WhyRefused.TOOK_TOO_LONG
    assert renderer.thumbnail(stored.header(), stored.frame()) == first
    renderer.close()


def test_the_child_has_no_secret_no_database_and_no_file():
    renderer = Renderer(1)
    stored = Stored.of(an_instance())
    os.environ["PHR_CANARY"] = "secret"
    try:
        renderer.thumbnail(stored.header(), stored.frame())
    finally:
        del os.environ["PHR_CANARY"]
    folder = Path(f"/proc/{child_of(renderer)}")
    assert b"PHR_" not in (folder / "environ").read_bytes()
    limits = (folder / "limits").read_text()
    assert "Max file size             0" in limits
    assert "Max core file size        0" in limits
    maps = (folder / "maps").read_text()
    assert "sqlalchemy" not in maps
    assert "cryptography" not in maps
    renderer.close()


def test_the_darkroom_imports_nothing_that_opens_anything():
    script = "import sys; from fhir_gateway.dicom.darkroom import develop; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"vault", "consent", "flask", "sqlalchemy", "cryptography"} & set(loaded)
