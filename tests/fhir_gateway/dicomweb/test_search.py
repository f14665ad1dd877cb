"""QIDO-RS: what is found, by what, and what never is (PS3.18 10.6)."""

import pytest

from fhir_gateway.dicomweb.query import Match, Query
from fhir_gateway.errors import BadParameter
from tests import factories as make
from tests.fhir_gateway.house import BO, a_patient

STUDY = make.a_uid("study", "one")
ALWAYS = [
    "00080020",
    "00080030",
    "00080050",
    "00080056",
    "00080061",
    "00080090",
    "00081190",
    "00100010",
    "00100020",
    "00100030",
    "00100040",
    "0020000D",
    "00200010",
    "00201206",
    "00201208",
]


@pytest.fixture
def app(site, patient):
    site.stores(*make.a_ct_series(2))
    site.stores(make.an_instance(study="knee", modality="MR", StudyDate="20240115", PatientName="Example^Adelheid"))
    site.stores(make.an_instance(study="foot", modality="CR", StudyDate="20230704", AccessionNumber="B7"))
    return patient.lets_in()


def found(app, *pairs, path="studies"):
    answer = app.queries(path, *pairs)
    assert answer.status_code == 200, answer.text
    return [row["0020000D"]["Value"][0] for row in answer.json]


def test_a_study_row_has_all_that_is_always_there(app):
    rows = app.queries("studies").json
    assert all(set(ALWAYS) <= set(row) for row in rows)
    assert [row["00080020"]["Value"][0] for row in rows] == ["20260105", "20240115", "20230704"]
    assert rows[0]["00201208"] == {"vr": "IS", "Value": [2]}


@pytest.mark.parametrize(
    ("name", "value", "studies"),
    [
        ("ModalitiesInStudy", "CT", ["one"]),
        ("ModalitiesInStudy", "CT,MR", ["one", "knee"]),
        ("00080061", "CR", ["foot"]),
        ("StudyDate", "20240101-20240131", ["knee"]),
        ("StudyDate", "20240101-", ["one", "knee"]),
        ("StudyDate", "-20240101", ["foot"]),
        ("StudyDate", "20260105", ["one"]),
        ("StudyTime", "0930", ["one", "knee", "foot"]),
        ("PatientName", "exa*", ["one", "knee", "foot"]),
        ("PatientName", "*ADEL*", ["knee"]),
        ("PatientName", "Example", []),
        ("PatientID", "MRN?", ["one", "knee", "foot"]),
        ("PatientID", "mrn1", []),
        ("AccessionNumber", "B7", ["foot"]),
        ("AccessionNumber", "", ["one", "knee", "foot"]),
        ("StudyInstanceUID", f"{make.a_uid('study', 'one')},{make.a_uid('study', 'foot')}", ["one", "foot"]),
        ("ReferringPhysicianName", "referrer^rae", ["one", "knee", "foot"]),
        ("StudyDescription", "CT k*", ["knee"]),
        ("PatientID", "[M]RN1", []),
    ],
)
def test_studies_are_found_by_their_attributes(app, name, value, studies):
    assert found(app, (name, value)) == [make.a_uid("study", one) for one in studies]


def test_nothing_found_is_200_and_an_empty_list(app):
    answer = app.queries("studies", ("StudyInstanceUID", "9.9"))
    assert (answer.status_code, answer.json) == (200, [])


def test_a_study_that_is_not_there_has_no_series(app):
    assert app.queries("studies/9.9/series").status_code == 404


def test_pages_are_stable_and_say_that_more_remains(app):
    first = app.queries("studies", ("limit", "1"), ("offset", "1"))
    again = app.queries("studies", ("limit", "1"), ("offset", "1"))
    assert first.json == again.json
    assert first.json[0]["0020000D"]["Value"] == [make.a_uid("study", "knee")]
    assert "299" in first.headers["Warning"]
    assert "Warning" not in app.queries("studies", ("limit", "5")).headers


@pytest.mark.parametrize(
    "pair",
    [
        ("limit", "-1"),
        ("limit", "x"),
        ("offset", "1.5"),
        ("StudyDate", "monday"),
        ("NoSuchThing", "1"),
        ("StudyInstanceUID", "a"),
        ("fuzzymatching", "maybe"),
    ],
)
def test_what_cannot_be_understood_is_400(app, pair):
    assert app.queries("studies", pair).status_code == 400


def test_fuzzy_matching_is_declined_aloud(app):
    answer = app.queries("studies", ("fuzzymatching", "true"))
    assert answer.status_code == 200
    assert (
        "The fuzzymatching parameter is not supported. Only literal matching has been performed."
        in answer.headers["Warning"]
    )


def test_series_and_instances_are_found_at_every_path(app):
    series = make.a_uid("series", "one", "first")
    assert len(app.queries(f"studies/{STUDY}/series").json) == 1
    assert len(app.queries(f"studies/{STUDY}/instances").json) == 2
    assert len(app.queries(f"studies/{STUDY}/series/{series}/instances").json) == 2
    assert len(app.queries("series").json) == 3
    assert len(app.queries("instances").json) == 4
    assert found(app, ("Modality", "MR"), path="series") == [make.a_uid("study", "knee")]
    assert found(app, ("InstanceNumber", "2"), path="instances") == [STUDY]


def test_fields_that_are_asked_for_come_along(app):
    (row,) = app.queries(f"studies/{STUDY}/series", ("includefield", "PatientName,00080020")).json
    assert row["00080020"]["Value"] == ["20260105"]
    assert row["00100010"]["Value"] == [{"Alphabetic": "Example^Ada"}]
    rows = app.queries(f"studies/{STUDY}/instances", ("includefield", "all")).json
    assert rows[0]["00281050"]["Value"] == [40]
    assert "7FE00010" not in rows[0]


def test_a_viewer_may_ask_for_pictures_of_all_its_studies_in_its_own_words(app):
    pairs = [
        ("PatientName", "*Example*"), ("limit", "101"), ("offset", "0"), ("fuzzymatching", "false"),
        ("includefield", "00081030,00080060,00080090,00100030"),
    ]  # fmt: skip
    assert len(found(app, *pairs)) == 3


def test_nobody_finds_what_is_anothers(house, site, app):
    other = a_patient(house).is_linked_to(site, BO)
    site.stores(make.an_instance(study="theirs", person=make.ANOTHER_PERSON))
    assert found(other.lets_in()) == [make.a_uid("study", "theirs")]
    assert make.a_uid("study", "theirs") not in found(app)
    assert site.get("/dicomweb/studies").status_code == 403


def test_reading_alone_is_not_enough_to_search(patient, site):
    assert patient.lets_in(studies=(), scopes="patient/ImagingStudy.r").get("/dicomweb/studies").status_code == 403


def test_a_value_in_a_sequence_is_matched_by_its_path():
    row = {"00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["P1"]}}]}}
    assert Match(("00400275", "00400009"), "P1").fits(row)
    assert not Match(("00400275", "00400009"), "P2").fits(row)


def test_times_are_compared_by_the_digits_that_were_asked():
    row = {"00080030": {"vr": "TM", "Value": ["093000.123"]}}
    assert Match(("00080030",), "0900-1000").fits(row)
    assert Match(("00080030",), "0930").fits(row)
    assert not Match(("00080030",), "1000-").fits(row)


def test_attributes_that_are_not_matched_are_passed_over_aloud():
    query = Query.parse([("PatientAge", "040Y")], matched=frozenset())
    assert query.matches == ()
    assert query.warnings
    with pytest.raises(BadParameter):
        Query.parse([("'; drop table study", "x")], matched=frozenset())
