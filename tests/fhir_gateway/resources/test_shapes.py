"""Shapes, narratives and mappings, without a server around them."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.outcome import Refusal
from fhir_gateway.resources import patient
from fhir_gateway.resources.documents import sections_of
from fhir_gateway.resources.imaging_study import started_at
from fhir_gateway.resources.narrative import narrative, plain_text, safe_markup
from fhir_gateway.resources.reading import read_json
from fhir_gateway.resources.shapes import check_shape
from tests.fhir_gateway.papers import a_patient_resource, a_report_resource, a_study_resource


def test_resources_as_sites_send_them_pass():
    for resource in (
        a_patient_resource(),
        a_study_resource("Patient/1"),
        a_report_resource("Patient/1", presentedForm=None),
    ):
        check_shape(resource)


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        (a_study_resource("Observation/1"), "ImagingStudy.subject.reference"),
        (a_study_resource("Patient/1", status="bogus"), "ImagingStudy.status"),
        (
            a_study_resource("Patient/1", series=[{"uid": "not-a-uid", "modality": {"code": "CT"}}]),
            "ImagingStudy.series[0].uid",
        ),
        (a_report_resource("Patient/1", code=None), "DiagnosticReport.code"),
        (
            a_report_resource("Patient/1", imagingStudy=[{"reference": "Patient/2"}]),
            "DiagnosticReport.imagingStudy[0].reference",
        ),
        ({"resourceType": "Practitioner", "gender": 5}, "Practitioner.gender"),
    ],
)
def test_what_the_library_lets_pass_is_found(resource, place):
    with pytest.raises(Refusal) as refused:
        check_shape(resource)
    assert place in [one.expression for one in refused.value.issues]
    assert refused.value.status == 422


def test_deep_extensions_break_nothing():
    deep: dict = {"url": "x", "valueString": "y"}
    for _ in range(40):
        deep = {"url": "x", "extension": [deep]}
    check_shape(a_patient_resource(extension=[deep]))


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<div>a<script>alert(1)</script>b</div>", "<div>ab</div>"),
        ("<p onclick=x>t</p>", "<p>t</p>"),
        ("<a href='javascript:x'>t</a>", "t"),
        ("<svg><script>x</script></svg>t", "t"),
        ("<b>unclosed", "<b>unclosed</b>"),
        ("</b>odd", "odd"),
        ("<td colspan='2' style='x'>t</td>", '<td colspan="2">t</td>'),
        ("a < b &amp; c", "a &lt; b &amp; c"),
        ("<style>p{}</style>t<br>u", "t<br/>u"),
        ("<iframe src=x>hidden</iframe>shown", "shown"),
        ("<p lang='x\" onload=\"y'>t</p>", "<p>t</p>"),
    ],
)
def test_markup_keeps_its_words_and_loses_what_acts(html, safe):
    assert safe_markup(html) == safe


@given(st.text(alphabet="<>/ab='\"&!-scriptonlk:x \n", max_size=120))
def test_no_markup_ever_acts(text):
    made = safe_markup(text)
    assert "<script" not in made.lower()
    assert safe_markup(made).count("<") <= made.count("<")
    fromstring(narrative(text))  # well-formed, or this raises


def test_text_of_html_has_its_lines():
    assert plain_text("<p>One</p><p>Two<br>Three</p><script>x</script>") == "One\n\nTwo\nThree"


def test_sections_begin_with_their_headings():
    parts = sections_of("CT of the chest.\nFINDINGS: Clear.\nIMPRESSION:\nNothing.\nNothing: not a heading")
    assert [(one.heading, one.text) for one in parts] == [
        ("", "CT of the chest."),
        ("Findings", "Clear."),
        ("Impression", "Nothing.\nNothing: not a heading"),
    ]


def test_a_known_heading_may_stand_alone_on_its_line():
    parts = sections_of("Findings\nNo tear.\n  Impression:\nNothing new.\nThe findings\nare old.")
    assert [(one.heading, one.text) for one in parts] == [
        ("Findings", "No tear."),
        ("Impression", "Nothing new.\nThe findings\nare old."),
    ]


def test_a_number_is_chosen_by_type_then_by_namespace_then_by_place():
    mr = {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}, "value": "1"}
    known, first = {"system": "urn:ours", "value": "2"}, {"system": "urn:else", "value": "3"}
    assert patient.number_of([first, known, mr], {"urn:ours": "x"}) == ("1", "")
    assert patient.number_of([first, known], {"urn:ours": "x"}) == ("2", "urn:ours")
    assert patient.number_of([first], {}) == ("3", "urn:else")
    assert patient.number_of([{"system": "urn:x"}], {}) is None


def test_names_go_both_ways():
    named = {"family": "Perez", "given": ["Ana", "Maria"], "prefix": ["Dr."]}
    text = patient.person_name([{"use": "old", "family": "X"}, named | {"use": "official"}])
    assert text == "Perez^Ana^Maria^Dr."
    assert patient.human_name(text) == named
    assert patient.person_name([{"family": "A^B=C"}]) == "A B C"


@pytest.mark.parametrize(
    ("date", "time", "zone", "site_zone", "started"),
    [
        ("20260105", "093000", "+0100", "UTC", "2026-01-05T09:30:00+01:00"),
        ("20260105", "0930", "", "Europe/Berlin", "2026-01-05T09:30:00+01:00"),
        ("20260705", "093000.5", "", "Europe/Berlin", "2026-07-05T09:30:00+02:00"),
        ("20260105", "", "", "UTC", "2026-01-05"),
        ("20260105", "99", "", "UTC", "2026-01-05"),
        ("20260105", "093000", "", "No/Where", "2026-01-05"),
        ("2026", "093000", "", "UTC", ""),
        ("", "", "", "UTC", ""),
    ],
)
def test_a_dicom_time_needs_a_zone_to_be_a_moment(date, time, zone, site_zone, started):
    assert started_at(date, time, zone, site_zone) == started


@given(st.binary(max_size=60))
def test_no_octets_break_the_reading_of_json(octets):
    try:
        read = read_json(octets, most=50)
    except Refusal:
        return
    assert isinstance(read, dict)
