"""QIDO-RS: what is found, by what, and what never is (PS3.18 10.6)."""

import pytest

from fhir_gateway.dicomweb.levels import ALL_LISTED
from fhir_gateway.dicomweb.query import Match, Query
from fhir_gateway.errors import BadParameter
from tests import factories as make
from tests.fhir_gateway.house import ADA, BO, a_patient, a_site

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
        ("StudyDate", "2024-01-01"),
        ("StudyTime", "noon"),
        ("NumberOfStudyRelatedInstances", "many"),
        ("PatientSize", "tall"),
        ("includefield", "NoSuchThing"),
        ("00400275..00400009", "1"),
        ("emptyvaluematching", "1"),
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


@pytest.fixture
def worklist(site, patient):
    """A series that says what was ordered and when it was done, beside one that does not."""
    request = make.Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureID = "P1", "R1"
    said = {
        "RequestAttributesSequence": [request], "PerformedProcedureStepStartDate": "20260105",
        "PerformedProcedureStepStartTime": "093100", "PatientAge": "055Y", "StationName": "CT-2",
        "BodyPartExamined": "CHEST", "OperatorsName": "Tech^Tim",
    }  # fmt: skip
    second = make.an_instance(series="second", number=2, modality="SR", SeriesNumber=2, PatientAge="055Y")
    site.stores(make.an_instance(**said), second)
    return patient.lets_in()


@pytest.mark.parametrize(
    ("name", "value", "series"),
    [
        ("Modality", "CT", 1),
        ("SeriesNumber", "1", 1),
        ("SeriesDescription", "f*", 1),
        ("PerformedProcedureStepStartDate", "20260101-20260131", 1),
        ("PerformedProcedureStepStartTime", "0930-0935", 1),
        ("00400275.00400009", "P1", 1),
        ("RequestAttributesSequence.RequestedProcedureID", "R?", 1),
        ("RequestAttributesSequence.RequestedProcedureID", "R2", 0),
        ("StationName", "CT*", 1),
        ("BodyPartExamined", "CHEST", 1),
        ("OperatorsName", "tech*", 1),
        ("PatientAge", "055Y", 2),
        ("PatientID", "MRN1", 2),
    ],
)
@pytest.mark.parametrize("path", ["series", f"studies/{STUDY}/series"])
def test_series_are_found_by_what_they_and_their_study_say(worklist, path, name, value, series):
    assert len(worklist.queries(path, (name, value)).json) == series


def test_a_series_row_says_what_was_ordered_where_it_is_known(worklist):
    first, second = worklist.queries(f"studies/{STUDY}/series").json
    assert first["00400275"]["Value"][0]["00400009"]["Value"] == ["P1"]
    assert first["00400244"]["Value"] == ["20260105"]
    assert "00400275" not in second
    assert "00081010" not in first
    (asked,) = worklist.queries("series", ("Modality", "CT"), ("includefield", "StationName,00400275.00400009")).json
    assert asked["00081010"]["Value"] == ["CT-2"]
    assert asked["00400275"]["Value"][0]["00401001"]["Value"] == ["R1"]


def test_studies_tell_and_are_found_by_what_their_instances_say_of_the_patient(worklist):
    assert found(worklist, ("PatientAge", "055Y")) == [STUDY]
    assert found(worklist, ("PatientAge", "056Y")) == []
    (row,) = worklist.queries("studies", ("includefield", "PatientAge"), ("includefield", "StationName")).json
    assert row["00101010"]["Value"] == ["055Y"]
    assert "00081010" not in row


def test_instances_are_found_by_anything_they_say(worklist):
    for pair, count in {("SOPClassUID", make.CT): 2, ("Rows", "32"): 2, ("WindowCenter", "1040"): 2, ("Rows", "33"): 0,
                        ("StationName", "CT-2"): 1, ("InstanceNumber", "2"): 1, ("Modality", "SR"): 1}.items():  # fmt: skip
        assert len(worklist.queries("instances", pair).json) == count, pair


@pytest.mark.parametrize("path", ["instances", f"studies/{STUDY}/instances"])
def test_instances_listed_by_their_facts_say_what_their_descriptions_say(app, site, path):
    site.stores(make.an_instance(series="film", number=9, frames=3, PatientID="MRN1"))
    listed = ",".join(sorted(ALL_LISTED))
    by_facts = app.queries(path, ("includefield", listed)).json
    opened = app.queries(path, ("includefield", f"{listed},WindowCenter")).json
    assert any("00281050" in row for row in opened)
    assert [{tag: value for tag, value in row.items() if tag != "00281050"} for row in opened] == by_facts


def test_above_the_address_everything_that_is_always_there_comes_along(worklist):
    row = worklist.queries("instances").json[0]
    assert set(ALWAYS) <= set(row)
    assert {"00080060", "00200011", "00201209", "00080018", "00280010"} <= set(row)
    assert "00100010" not in worklist.queries(f"studies/{STUDY}/instances").json[0]
    assert set(ALWAYS) <= set(worklist.queries("series").json[0])


def test_what_is_required_is_there_without_a_value_too(site, patient):
    bare = dict.fromkeys(("StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID", "SeriesNumber", "Rows"))
    site.stores(make.as_file(make.a_dataset(**(bare | {"sop_class": make.CT}))))
    (row,) = patient.lets_in().queries("studies").json
    assert row["00080050"] == {"vr": "SH"}
    assert row["00080090"] == {"vr": "PN"}
    assert row["00200010"] == {"vr": "SH"}
    (series,) = patient.lets_in().queries("series").json
    assert series["00200011"] == {"vr": "IS"}
    (instance,) = patient.lets_in().queries("instances").json
    assert "00280010" not in instance


def test_wildcards_come_encoded_or_bare(app):
    for query in ("PatientName=Ex%2A", "PatientName=Ex*", "PatientName=E%3fam*", "00100010=Ex*"):
        assert len(app.get(f"/dicomweb/studies?{query}").json) == 3, query


def test_uids_are_listed_with_commas_or_backslashes(app):
    both = [make.a_uid("study", "one"), make.a_uid("study", "foot")]
    for separator in (",", "\\"):
        assert found(app, ("StudyInstanceUID", separator.join(both))) == both


def test_an_empty_value_and_several_values_are_looked_for_when_that_is_said(app):
    assert found(app, ("StudyID", '""'), ("emptyvaluematching", "true")) == []
    assert found(app, ("PatientAge", '""'), ("emptyvaluematching", "true"), ("PatientID", "MRN1")) != []
    several = ("AccessionNumber", "A123\\B7")
    assert len(found(app, several, ("multiplevaluematching", "true"))) == 3
    assert found(app, several) == []


def test_what_is_given_twice_is_400(app):
    for query in ("limit=1&limit=2", "PatientID=1&00100020=2", "fuzzymatching=true&fuzzymatching=true"):
        assert app.get(f"/dicomweb/studies?{query}").status_code == 400, query


def test_a_study_that_two_sites_pushed_is_one_row(house, site, patient):
    hill = a_site(house, "Hill Scan Center")
    patient.is_linked_to(hill, ADA)
    site.stores(*make.a_ct_series(2))
    hill.stores(*make.a_ct_series(3), make.an_instance(series="theirs", modality="SR", SeriesNumber=2))
    app = patient.lets_in()
    (row,) = app.queries("studies").json
    assert (row["00201206"]["Value"], row["00201208"]["Value"]) == ([2], [4])
    assert set(row["00080061"]["Value"]) == {"CT", "SR"}
    assert [one["00201209"]["Value"] for one in app.queries(f"studies/{STUDY}/series").json] == [[3], [1]]
    uids = [one["00080018"]["Value"][0] for one in app.queries(f"studies/{STUDY}/instances").json]
    assert len(uids) == len(set(uids)) == 4


def test_a_list_of_all_series_holds_nothing_of_anothers(house, site, worklist):
    other = a_patient(house).is_linked_to(site, BO)
    site.stores(make.an_instance(study="theirs", person=make.ANOTHER_PERSON))
    for path in ("series", "instances"):
        assert found(other.lets_in(), path=path) == [make.a_uid("study", "theirs")]
        assert make.a_uid("study", "theirs") not in found(worklist, path=path)


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
    assert query.warnings == ("These attributes are not matched here and were passed over: 00101010",)
    with pytest.raises(BadParameter):
        Query.parse([("'; drop table study", "x")], matched=frozenset())
