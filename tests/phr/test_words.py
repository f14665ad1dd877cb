"""Scans are named in plain words, and nothing is guessed."""

from dataclasses import dataclass
from datetime import date

import pytest

from phr import words


@dataclass
class Series:
    modality: str
    body_part: str = ""
    laterality: str = ""
    description: str = ""


@pytest.mark.parametrize(
    ("series", "description", "name"),
    [
        ([Series("MR", "KNEE", "R")], "", "MRI of the right knee"),
        ([Series("MR", "KNEE")], "MRI Knee Right w/o contrast", "MRI of the right knee"),
        ([Series("DX", "CHEST")], "CHEST PA LAT", "X-ray of the chest"),
        ([Series("CR", "HAND", "L"), Series("CR", "HAND", "R")], "", "X-ray of both hands"),
        ([Series("DX", "FOOT", "B")], "", "X-ray of both feet"),
        ([Series("CT"), Series("PT")], "", "PET and CT"),
        ([Series("CT")], "Head routine", "CT of the head"),
        ([Series("SR"), Series("US", "ABDOMEN")], "", "Ultrasound of the belly"),
        ([Series("MR", "C-SPINE")], "", "MRI of the neck"),
        ([Series("MR")], "Protokoll 7", "MRI"),
        ([Series("XA", "HEART")], "", "X-ray of blood vessels"),
        ([], "", "Scan"),
        ([Series("OT")], "", "Scan"),
    ],
)
def test_a_scan_has_a_plain_name(series, description, name):
    assert words.title(series, description) == name


def test_two_sides_in_one_description_name_no_side():
    assert words.title([Series("MR", "KNEE")], "Knee right and left") == "MRI of the knee"


@pytest.mark.parametrize(
    ("text", "day"), [("20260303", date(2026, 3, 3)), ("2026.03.03", date(2026, 3, 3)), ("", None), ("20261399", None)]
)
def test_dates_are_read_or_left_out(text, day):
    assert words.day_of(text) == day


def test_people_are_called_as_they_are_called():
    assert words.person("Perez^Ana") == "Ana Perez"
    assert words.person("Yamada^Tarou=山田^太郎") == "Tarou Yamada"
    assert words.person_filed("Perez^Ana") == "PEREZ, Ana"
    assert words.person_filed("Solo") == "SOLO"


def test_sizes_have_one_decimal():
    assert words.size(312_400_000) == "312.4 MB"
    assert words.size(1_230_000_000) == "1.2 GB"
    assert words.size(100) == "1 KB"
