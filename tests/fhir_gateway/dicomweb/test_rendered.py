"""Rendered pictures as they are wanted: windows, regions, words upon them, colours, several, moving (PS3.18 8.3.5)."""

import io

import numpy as np
import pytest
from PIL import Image

from tests import factories as make
from tests.fhir_gateway.callers import parts_of

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
AT = f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{make.a_uid('instance', 'one', 'first', 1)}"


@pytest.fixture
def app(site, patient):
    ramp = np.tile(np.arange(160, dtype="u2"), (120, 1))
    site.stores(make.an_instance(rows=120, columns=160, pixels=np.stack([ramp, ramp[:, ::-1]]), frames=2))
    return patient.lets_in()


def shown(app, query, accept="image/png"):
    answer = app.get(f"{AT}/rendered?{query}", accept)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.data))).astype(int)


@pytest.mark.parametrize(
    "query",
    [
        "window=40,0,linear", "window=40,0.5,linear", "window=40,0,sigmoid", "window=40,400,round", "window=40",
        "viewport=10,10,200,0,10,10", "viewport=10,10,-5,0,10,10", "viewport=1,2,3,4,5", "viewport=9000,10",
        "annotation=", "annotation=a;b", "iccprofile=cmyk", "quality=101", "quality=1.5",
    ],
)  # fmt: skip
def test_wishes_that_cannot_be_meant_are_400(app, query):
    assert app.get(f"{AT}/rendered?{query}").status_code == 400


def test_a_window_decides_what_is_dark_and_bright(app):
    picture = shown(app, "window=80,40,linear")
    assert picture[0, 0] == 0
    assert picture[0, -1] == 255
    assert 100 < picture[0, 80] < 155
    assert not np.array_equal(picture, shown(app, "window=80,40,sigmoid"))
    assert shown(app, "window=80,0.5,linear-exact")[0, 100] == 255


def test_a_region_is_cut_out_and_mirrored(app):
    window = "window=80,160,linear"
    left = shown(app, f"{window}&viewport=40,40,0,0,40,40")
    right = shown(app, f"{window}&viewport=40,40,120,0,40,40")
    mirrored = shown(app, f"{window}&viewport=40,40,0,0,-40,40")
    assert left.shape == (40, 40)
    assert left.mean() < right.mean()
    assert np.array_equal(mirrored, left[:, ::-1])
    assert shown(app, f"{window}&viewport=80,80,,,,").shape == (60, 80)


def test_words_are_drawn_upon_the_picture_that_was_asked_for(app):
    window = "window=1000,10,linear"  # a black picture
    bare, patient, both = (
        shown(app, f"{window}{more}") for more in ("", "&annotation=patient", "&annotation=patient,technique")
    )
    assert bare.max() == 0
    assert patient[:60].max() > 250
    assert patient[-20:].max() == 0
    assert both[-20:].max() > 250


def test_words_for_which_there_is_nothing_are_passed_over_aloud(app):
    answer = app.get(f"{AT}/rendered?annotation=patient,mood", "image/png")
    assert answer.status_code == 200
    assert "annotation values are not supported: mood" in answer.headers["Warning"]


def test_a_name_in_any_script_does_not_spoil_the_picture(site, patient):
    site.stores(make.an_instance(person=make.A_PERSON.named("Żółć^Ewa=山田^太郎")))
    assert shown(patient.lets_in(), "annotation=patient").size


def test_a_colour_profile_comes_with_the_picture_when_it_is_wanted(site, patient):
    site.stores(make.an_instance(samples=3, bits=8))
    app = patient.lets_in()

    def profile(wish):
        answer = app.get(f"{AT}/rendered?iccprofile={wish}", "image/jpeg")
        return Image.open(io.BytesIO(answer.data)).info.get("icc_profile"), answer.headers.get("Warning")

    assert profile("no") == (None, None)
    for wish in ("yes", "srgb"):
        assert "sRGB".encode("utf-16-be") in profile(wish)[0]
    assert "sRGB was used" in profile("adobergb")[1]


def test_several_frames_come_as_parts_in_the_order_asked_for(app):
    parts = parts_of(app.get(f"{AT}/frames/2,1/rendered", 'multipart/related; type="image/png"'))
    assert [head["Content-Type"] for head, _ in parts] == ["image/png"] * 2
    second, first = (np.asarray(Image.open(io.BytesIO(octets))) for _, octets in parts)
    assert np.array_equal(second, first[:, ::-1])
    assert app.get(f"{AT}/frames/1,3/rendered").status_code == 404
    assert app.get(f"{AT}/frames/1,2/rendered", "text/html").status_code == 406


def test_a_picture_of_many_frames_moves(app):
    gif = Image.open(io.BytesIO(app.get(f"{AT}/rendered?window=80,160,linear&viewport=80,80", "image/gif").data))
    assert (gif.format, gif.n_frames, gif.size) == ("GIF", 2, (80, 60))
    one = app.get(f"{AT}/frames/1/rendered", "image/gif")
    assert Image.open(io.BytesIO(one.data)).n_frames == 1


def test_what_cannot_be_shown_says_why(site, patient):
    site.stores(make.a_packed_object("1.2.840.10008.1.2.4.90", [b"\xff\x4f\xff\x51 damaged "]))
    answer = patient.lets_in().get(f"{AT}/rendered")
    assert (answer.status_code, answer.json["title"]) == (
        406,
        "The picture is packed in a way that cannot be unpacked here.",
    )
