"""FHIR search values: what fits what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.errors import BadParameter
from fhir_gateway.params import DateTest, ReferenceTest, Span, Token, alternatives, fits_text, unescaped, whole

BASE = "https://phr.example.org/fhir"


@pytest.mark.parametrize(
    ("asked", "value", "fits"),
    [
        ("2024", "2024-06-01T10:00:00Z", True),
        ("2024", "2024", True),
        ("2024-06", "2024", False),
        ("ne2024", "2023", True),
        ("gt2024-06", "2024-06-30", False),
        ("gt2024-06", "2024-07-01", True),
        ("ge2024-06-01T00:00:00Z", "2024-06-01", True),
        ("lt2024-06-01", "2024-05-31T23:59:59Z", True),
        ("le2024", "2024-12-31T23:59:59Z", True),
        ("sa2024-01-01", "2024-01-01", False),
        ("sa2024-01-01", "2024-01-02", True),
        ("eb2024-01-02", "2024-01-01", True),
        ("ap2024-01", "2024-01-15", True),
        ("ap2024-06-01", "2024-06-02", True),
        ("ap2024-06-01", "2024-06-05", False),
        ("gt2024-01-01T10:00:00Z", "2024-01-01T10:00:00.500Z", True),
        ("gt2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", False),
        ("2024-01-01T10:00:00+01:00", "2024-01-01T09:00:00Z", True),
        ("2024-01-01", "2024-01-01T00:30:00+02:00", True),
        ("2024-12", "2024-12-31T23:00:00Z", True),
    ],
)
def test_a_partial_date_is_all_the_time_it_names(asked, value, fits):
    assert DateTest.parse(asked).fits(Span.parse(value)) is fits


@pytest.mark.parametrize(
    "text", ["", "x", "2024-13", "2024-02-30", "24", "2024-1-1", "ge", "0000", "2024-01-01T25:00Z"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(BadParameter):
        DateTest.parse(text)


def test_a_plus_that_a_form_turned_into_a_space_is_still_a_zone():
    assert Span.parse("2024-01-01T10:00:00 01:00") == Span.parse("2024-01-01T10:00:00+01:00")


@pytest.mark.parametrize(
    ("asked", "value", "fits"),
    [
        ("CT", {"system": "s", "code": "CT"}, True),
        ("s|CT", {"system": "s", "code": "CT"}, True),
        ("t|CT", {"system": "s", "code": "CT"}, False),
        ("|CT", {"code": "CT"}, True),
        ("|CT", {"system": "s", "code": "CT"}, False),
        ("s|", {"system": "s", "code": "MR"}, True),
        ("1.2.3", {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}, True),
        ("urn:oid:1.2.3", {"value": "urn:oid:1.2.3"}, True),
        (r"a\|b", {"code": "a|b"}, True),
        (r"a\|b|c", {"system": "a|b", "code": "c"}, True),
        ("http://hl7.org/fhir/report-status|final", {"code": "final", "bare": True}, True),
        ("http://hl7.org/fhir/report-status|final", {"code": "final"}, False),
    ],
)
def test_tokens(asked, value, fits):
    assert Token.parse(asked).fits(value) is fits


@pytest.mark.parametrize("text", ["", "|"])
def test_an_empty_token_is_refused(text):
    with pytest.raises(BadParameter):
        Token.parse(text)


def test_references_are_read_in_three_ways():
    for text in ("1", "Patient/1", f"{BASE}/Patient/1"):
        assert ReferenceTest.parse(text, base=BASE).fits("Patient/1")
    assert not ReferenceTest.parse("Group/1", base=BASE).fits("Patient/1")
    elsewhere = "https://elsewhere.example.org/fhir/Patient/1"
    assert ReferenceTest.parse(elsewhere, base=BASE).fits(elsewhere)
    assert not ReferenceTest.parse(elsewhere, base=BASE).fits("Patient/1")
    assert ReferenceTest.parse("Patient/1/_history/2", base=BASE).fits("Patient/1")
    for text in ("", "a/b/c", "Patient/"):
        with pytest.raises(BadParameter):
            ReferenceTest.parse(text, base=BASE)


def test_text_begins_with_what_is_asked():
    assert fits_text("Example", "exa", "")
    assert not fits_text("Example", "ample", "")
    assert fits_text("Example", "AMPLE", "contains")
    assert not fits_text("Example", "example", "exact")
    assert fits_text("Ångström", "angstr", "")


def test_a_period_without_an_end_goes_on():
    open_end = Span.between("2024-01-01T10:00:00Z", "")
    assert DateTest.parse("ge2030").fits(open_end)
    assert not DateTest.parse("lt2024").fits(open_end)
    assert DateTest.parse("eb2025").fits(Span.between("", "2024"))
    assert DateTest.parse("ap2024-05").fits(Span.between("2024", "2024-12-31"))


def test_a_comma_parts_unless_it_is_meant():
    assert alternatives(r"a,b\,c") == ["a", r"b\,c"]
    assert unescaped(r"b\,c\\") == "b,c\\"


@given(st.text(max_size=40))
def test_nothing_asked_can_break_the_parsing(text):
    for parse in (
        Token.parse,
        DateTest.parse,
        lambda one: ReferenceTest.parse(one, base=BASE),
        lambda one: whole(one, most=9),
    ):
        try:
            parse(text)
        except BadParameter:
            continue
