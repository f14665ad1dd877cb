"""A report that names a picture leads to it."""

from __future__ import annotations

import re

import pytest

from phr.references import ImageNamed, PicturesBeside
from tests.fhir_gateway.dicom.reports import a_report, a_section, a_text
from tests.phr.conftest import ANA

BESIDE = PicturesBeside("/scans/ab/pictures", "ab", frozenset({2, 4}))


@pytest.mark.parametrize(
    ("text", "words", "group", "image"),
    [
        ("A spot (series 4, image 12).", "series 4, image 12", 4, 12),
        ("See Series 2 Image 9", "Series 2 Image 9", 2, 9),
        ("image 3 of series 4 shows it", "image 3 of series 4", 4, 3),
        ("(S4/I12)", "S4/I12", 4, 12),
        ("ser. 2 im. 7", "ser. 2 im. 7", 2, 7),
        ("Nódulo (serie 4, imagen 12)", "serie 4, imagen 12", 4, 12),
        ("imagen 12 de la serie 4", "imagen 12 de la serie 4", 4, 12),
    ],
)
def test_a_named_picture_is_led_to_and_no_letter_is_lost(text, words, group, image):
    pieces = list(BESIDE.pieces(text))
    assert "".join(piece for piece, _ in pieces) == text
    address = f"/scans/ab/pictures?scan=ab&group={group}&image={image}"
    assert [piece for piece in pieces if piece[1]] == [(words, address)]


@pytest.mark.parametrize(
    "text",
    ["", "No fracture.", "series 9 image 1", "in 4 images", "a series of 12 images", "series 4", "series 44 image 1"],
)
def test_what_names_no_picture_of_the_scan_is_text(text):
    assert list(BESIDE.pieces(text)) == [(text, "")]


def test_two_pictures_in_one_sentence_are_both_led_to():
    pieces = list(BESIDE.pieces("series 4 image 1 and image 2 of series 2"))
    assert [words for words, address in pieces if address] == ["series 4 image 1", "image 2 of series 2"]


@pytest.mark.parametrize(
    "query",
    [{}, {"group": "4"}, {"group": "x", "image": "1"}, {"group": "4", "image": "-1"}, {"group": "99999", "image": "1"}],
)
def test_an_address_that_names_no_picture_asks_for_none(query):
    assert ImageNamed.parse(query) is None


def test_an_address_names_scan_group_and_picture():
    assert ImageNamed.parse({"scan": "ab", "group": "4", "image": "12"}) == ImageNamed("ab", 4, 12)


KNEE = {"person": ANA, "study": "knee"}


def test_the_page_of_a_report_leads_patient_and_doctor_to_the_picture(ana, scan_center, doctor):
    scan_center.pushes_a_knee()
    finding = a_section("121070", "Findings", a_text("A tear (series 1, image 2).\nSeries 7 image 1 is elsewhere."))
    scan_center.pushes(a_report(finding, **KNEE))
    ana.joins()
    ana.adds(scan_center.slip_for())
    ana.post("/account/reports", choice="now")
    ana.get("/home")
    page = ana.get(f"{ana.scan()}/report").text
    address = re.search(r'href="([^"]+)">series 1, image 2</a>', page)[1].replace("&amp;", "&")
    assert 'data-start-image="2"' in ana.get(address).text
    assert ".\nSeries 7 image 1 is elsewhere.</p>" in page

    doctor.opens(ana.shares())
    listed = doctor.get("/see/scans").text
    page = doctor.get(re.search(r'href="(/see/report/[0-9a-f]{32})"', listed)[1]).text
    address = re.search(r'href="(/see/view[^"]+)">series 1, image 2</a>', page)[1].replace("&amp;", "&")
    assert 'data-start-image="2"' in doctor.get(address).text
