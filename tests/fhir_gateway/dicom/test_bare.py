"""What the worker shows by itself is, octet for octet, what the darkroom shows; what it cannot, it leaves to it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from fhir_gateway.dicom import bare
from fhir_gateway.dicom.bare import Tone, bare_picture
from fhir_gateway.dicom.render import Look, Viewport, Window
from fhir_gateway.dicom.syntaxes import is_native
from tests import factories as make
from tests.fhir_gateway.dicom.stored import Stored

AS_IT_IS = Look()
LOOKS = (
    AS_IT_IS,
    Look(window=Window(900, 300)),
    Look(window=Window(1000, 50.5, "LINEAR_EXACT")),
    Look(window=Window(1000, 80, "SIGMOID")),
    Look(viewport=Viewport(20, 20)),
    Look(viewport=Viewport(100, 90, (3, 4, -20, 11)), quality=40),
)


def bare_of(stored: Stored):
    table, tone = stored.table, Tone.of(stored.incoming.metadata)
    packed = table.fragments is not None or not is_native(table.syntax)
    return bare_picture(stored.layout, Tone.from_json(tone.to_json()) if tone else None, packed=packed)


def both(darkroom, file, look=AS_IT_IS, media_type="image/jpeg", number=1):
    stored = Stored.of(file)
    frame, picture = stored.frame(number), bare_of(stored)
    mine = picture.picture(frame, look, media_type) if picture else None
    return mine, darkroom.picture(stored.header(), frame, number=number, look=look, media_type=media_type)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"RescaleSlope": "1.5", "RescaleIntercept": "-1024", "WindowCenter": ["40", "50"], "WindowWidth": ["400", "9"]},
        {"signed": True, "RescaleIntercept": "-300"},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE", "VOILUTFunction": "SIGMOID"},
        {"bits": 8, "WindowCenter": 128, "WindowWidth": 200},
        {"samples": 3, "bits": 8},
        {"syntax": make.BIG_ENDIAN},
        {"syntax": make.IMPLICIT, "frames": 3},
        {"syntax": make.DEFLATED, "VOILUTFunction": "LINEAR_EXACT"},
        {"RescaleSlope": "0", "WindowWidth": "1.5"},
    ],
    ids=str,
)
def test_both_ways_show_the_same(darkroom, facts, look):
    mine, theirs = both(darkroom, make.an_instance(**facts), look)
    assert mine == theirs


@pytest.mark.parametrize("media_type", ["image/png", "image/gif"])
def test_both_ways_write_the_same(darkroom, media_type):
    mine, theirs = both(darkroom, make.an_instance(), media_type=media_type)
    assert mine == theirs


def test_every_value_of_twelve_bits_is_shown_the_same(darkroom):
    values = np.arange(4096, dtype="u2").reshape(1, 64, 64)
    for signed in (False, True):
        pixels = (values.astype("i2") - 2048) if signed else values
        file = make.an_instance(rows=64, columns=64, pixels=pixels, signed=signed)
        mine, theirs = both(darkroom, file, Look(window=Window(100, 3000)), "image/png")
        assert mine == theirs
        shown = np.asarray(Image.open(io.BytesIO(mine)))
        assert (shown.min(), shown.max()) == (0 if signed else shown.min(), 255)


def voi_table():
    table = Dataset()
    table.LUTDescriptor = [256, 0, 8]
    table.add_new(0x00283006, "US", [0] * 256)
    return [table]


@pytest.mark.parametrize(
    ("facts", "look"),
    [
        ({"syntax": make.JPEG_LS}, AS_IT_IS),
        ({"syntax": make.RLE}, AS_IT_IS),
        ({"bits": 8}, AS_IT_IS),  # no window
        ({"bits": 1}, AS_IT_IS),
        ({"VOILUTSequence": voi_table(), "bits": 8}, AS_IT_IS),
        ({"ModalityLUTSequence": voi_table()}, AS_IT_IS),
        ({"SharedFunctionalGroupsSequence": [Dataset()], "frames": 2}, AS_IT_IS),
        ({}, Look(captions=("patient",))),
        ({"samples": 3, "bits": 8}, Look(profile="srgb")),
        ({"samples": 3, "bits": 8, "PlanarConfiguration": 1, "PhotometricInterpretation": "YBR_FULL"}, AS_IT_IS),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, AS_IT_IS),
        ({}, Look(window=Window(1000, 1))),
        ({}, Look(viewport=Viewport(3000, 20))),
    ],
    ids=str,
)
def test_what_is_more_than_bare_is_left_to_the_darkroom(facts, look):
    stored = Stored.of(make.an_instance(**facts))
    picture = bare_of(stored)
    assert picture is None or picture.picture(stored.frame(1), look, "image/jpeg") is None


def test_values_and_sizes_that_were_not_announced_are_left_to_the_darkroom(monkeypatch):
    stored = Stored.of(make.an_instance())
    picture = replace(bare_of(stored), pixel=replace(stored.layout, bits_stored=10))
    assert picture.picture(stored.frame(1), AS_IT_IS, "image/jpeg") is None
    assert bare_of(stored).picture(stored.frame(1)[:-2], AS_IT_IS, "image/jpeg") is None
    monkeypatch.setattr(bare, "MOST_CELLS", 100)
    assert bare_of(stored).picture(stored.frame(1), AS_IT_IS, "image/jpeg") is None


@pytest.mark.parametrize("facts", [{}, {"samples": 3, "bits": 8}, {"rows": 300, "columns": 600}])
def test_both_ways_make_the_same_small_pictures(darkroom, facts):
    stored = Stored.of(make.an_instance(**facts))
    theirs = darkroom.previews(stored.header(), stored.frame(1), number=1)
    assert bare_of(stored).previews(stored.frame(1)) == theirs
