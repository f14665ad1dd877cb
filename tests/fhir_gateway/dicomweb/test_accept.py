"""What the asker accepts decides what is given, and nothing is given that was not asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.dicomweb.accept import METADATA, RENDERED, Choice, choose, choose_frames, choose_object, parse_accept
from fhir_gateway.errors import NotAcceptable

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
JPEG_LS, JPEG = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.50"
DICOM, OCTETS = "application/dicom", "application/octet-stream"


def test_several_items_with_weights_and_quotes():
    ranges = parse_accept(
        'text/html;q=0.5, multipart/related; type="application/dicom"; transfer-syntax=*, image/*;q=0.8'
    )
    assert [(item.media_type, item.multipart, item.syntax, item.quality) for item in ranges] == [
        ("application/dicom", True, "*", 1.0), ("image/*", False, None, 0.8), ("text/html", False, None, 0.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "header", [None, "", "  ", "*/*", "application/dicom+json", "application/json;q=0.1, text/html"]
)
def test_metadata_is_json(header):
    expected = "application/json" if header and "application/json" in header else "application/dicom+json"
    assert choose(header, METADATA) == expected


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("image/*", "image/jpeg"),
        ("image/png", "image/png"),
        ("image/jpeg;q=0.5, image/png", "image/png"),
        ("image/jpeg;q=0, */*", "image/png"),
        ("*/*;q=0.1", "image/jpeg"),
    ],
)
def test_the_asker_s_wish_decides(header, chosen):
    assert choose(header, RENDERED) == chosen


@pytest.mark.parametrize(
    "header",
    ["application/xhtml", "text/html", "image/jpeg;q=0, image/png;q=0", "garbage", "a/b/c", ";;;,,,", "image/jpeg;q=x",
     "x/y," * 5000, ",".join(["image/x"] * 100), 'multipart/related; type="image/jpeg"'],
)  # fmt: skip
def test_what_cannot_be_given_is_not_acceptable(header):
    with pytest.raises(NotAcceptable):
        choose(header, RENDERED)


@pytest.mark.parametrize(
    ("header", "stored", "choice"),
    [
        (None, JPEG_LS, Choice(DICOM, JPEG_LS, multipart=True, transcoded=False)),
        ("*/*", JPEG_LS, Choice(DICOM, JPEG_LS, multipart=True, transcoded=False)),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', JPEG_LS, Choice(DICOM, JPEG_LS, multipart=True, transcoded=False)),
        ("multipart/related; type=application/dicom; transfer-syntax=*", IMPLICIT, Choice(DICOM, EXPLICIT, multipart=True, transcoded=True)),
        ("multipart/related; type=application/dicom; transfer-syntax=*", BIG, Choice(DICOM, EXPLICIT, multipart=True, transcoded=True)),
        ("multipart/related; type=application/dicom", JPEG_LS, Choice(DICOM, EXPLICIT, multipart=True, transcoded=True)),
        ("multipart/related; type=application/dicom", EXPLICIT, Choice(DICOM, EXPLICIT, multipart=True, transcoded=False)),
        (f"multipart/related; type=application/dicom; transfer-syntax={JPEG_LS}", JPEG_LS, Choice(DICOM, JPEG_LS, multipart=True, transcoded=False)),
        (f"multipart/related; type={DICOM}; transfer-syntax={JPEG}, multipart/related; type={DICOM}; q=0.5", JPEG_LS, Choice(DICOM, EXPLICIT, multipart=True, transcoded=True)),
        ("application/dicom; transfer-syntax=*", JPEG_LS, Choice(DICOM, JPEG_LS, multipart=False, transcoded=False)),
    ],
)  # fmt: skip
def test_instances_leave_as_they_are_wanted(header, stored, choice):
    assert choose_object(header, stored, single=True) == choice


@pytest.mark.parametrize(
    ("header", "facts"),
    [
        ("multipart/related; type=application/dicom", {"can_unpack": False}),
        (f"multipart/related; type=application/dicom; transfer-syntax={JPEG}", {}),
        (f"multipart/related; type=application/dicom; transfer-syntax={IMPLICIT}", {}),
        ("application/dicom; transfer-syntax=*", {"single": False}),
        ("multipart/related; type=text/html; transfer-syntax=*", {}),
        ("multipart/related; type=application/dicom; q=0", {}),
        ("application/dicom+json", {}),
    ],
)
def test_instances_that_cannot_be_given_so_are_refused(header, facts):
    with pytest.raises(NotAcceptable):
        choose_object(header, JPEG_LS, **({"single": True} | facts))


@pytest.mark.parametrize(
    ("header", "stored", "choice"),
    [
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", JPEG_LS, Choice("image/jls", JPEG_LS, multipart=True, transcoded=False)),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", BIG, Choice(OCTETS, EXPLICIT, multipart=True, transcoded=False)),
        ("multipart/related; type=application/octet-stream", JPEG_LS, Choice(OCTETS, EXPLICIT, multipart=True, transcoded=True)),
        ("multipart/related; type=application/octet-stream", EXPLICIT, Choice(OCTETS, EXPLICIT, multipart=True, transcoded=False)),
        ("multipart/related; type=image/jls", JPEG_LS, Choice("image/jls", JPEG_LS, multipart=True, transcoded=False)),
        (f'multipart/related; type="image/jpeg"; transfer-syntax={JPEG}', JPEG, Choice("image/jpeg", JPEG, multipart=True, transcoded=False)),
        ("image/*", JPEG, Choice("image/jpeg", JPEG, multipart=True, transcoded=False)),
        ("image/jls", JPEG_LS, Choice("image/jls", JPEG_LS, multipart=False, transcoded=False)),
        (None, JPEG_LS, Choice("image/jls", JPEG_LS, multipart=True, transcoded=False)),
    ],
)  # fmt: skip
def test_frames_leave_as_they_are_wanted(header, stored, choice):
    chosen = choose_frames(header, stored, single=True)
    assert chosen == choice
    assert chosen.content_type.endswith(f"; transfer-syntax={choice.syntax}")


@pytest.mark.parametrize(
    "header",
    [
        "multipart/related; type=image/jp2",
        "image/jls",
        "text/html",
        "multipart/related; type=image/jls; transfer-syntax=1.2",
    ],
)
def test_frames_that_cannot_be_given_so_are_refused(header):
    with pytest.raises(NotAcceptable):
        choose_frames(header, JPEG_LS, single=False)


@given(st.text(max_size=200))
def test_no_header_can_make_the_choice_fail(header):
    for choosing in (
        lambda: choose(header, RENDERED),
        lambda: choose_frames(header, JPEG_LS, single=True),
        lambda: choose_object(header, IMPLICIT, single=True),
    ):
        try:
            choosing()
        except NotAcceptable:
            continue
