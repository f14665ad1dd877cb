"""A search through the columns that are kept of many studies answers as one that looks at every study."""

import pytest

from tests import factories as make
from tests.fhir_gateway.house import a_site
from vault import sheets
from vault.limits import Standing

QUESTIONS = [
    (),
    (("limit", "2"),),
    (("limit", "2"), ("offset", "1")),
    (("ModalitiesInStudy", "CT,MR"),),
    (("ModalitiesInStudy", "MR"), ("limit", "1")),
    (("StudyDate", "20240101-20240131"),),
    (("StudyDate", "-20240101"),),
    (("StudyTime", "0930"),),
    (("PatientName", "exa*"),),
    (("PatientName", "*ADEL*"), ("StudyDate", "20200101-")),
    (("PatientID", "MRN?"),),
    (("PatientID", "mrn1"),),
    (("PatientBirthDate", "19700101"),),
    (("PatientSex", "F"),),
    (("AccessionNumber", "B7"),),
    (("AccessionNumber", '""'), ("emptyvaluematching", "true")),
    (("AccessionNumber", "B7\\A1"), ("multiplevaluematching", "true")),
    (("ReferringPhysicianName", "referrer^rae"),),
    (("StudyDescription", "CT k*"),),
    (("StudyID", "*"),),
    (("NumberOfStudyRelatedInstances", "2"),),
    (("NumberOfStudyRelatedInstances", "1"), ("limit", "1"), ("PatientID", "MRN1")),
    (("StudyInstanceUID", make.a_uid("study", "knee")),),
    (("includefield", "all"), ("limit", "1")),
    (("PatientWeight", "70"),),
]


@pytest.fixture
def app(site, patient):
    site.stores(*make.a_ct_series(2))
    site.stores(make.an_instance(study="knee", modality="MR", StudyDate="20240115", PatientName="Example^Adelheid"))
    site.stores(make.an_instance(study="foot", modality="CR", StudyDate="20230704", AccessionNumber="B7"))
    site.stores(make.an_instance(study="head", modality="CT", StudyDate="20230704", StudyTime="235959"))
    return patient.lets_in()


def answers(app):
    made = [app.queries("studies", *question) for question in QUESTIONS]
    assert {one.status_code for one in made} == {200}
    return [(question, one.json, one.headers.getlist("Warning")) for question, one in zip(QUESTIONS, made, strict=True)]


def check_the_same(app, monkeypatch):
    by_looking = answers(app)
    monkeypatch.setattr(sheets, "FEW", 0)
    for by_columns in (answers(app), answers(app)):  # as the sheet is made, and as it is read
        for expected, found in zip(by_looking, by_columns, strict=True):
            assert found == expected
    return by_looking


def test_columns_answer_as_the_rows_do(app, monkeypatch):
    every = check_the_same(app, monkeypatch)
    assert [len(rows) for _, rows, _ in every[:3]] == [4, 2, 2]


def test_a_study_that_two_sites_pushed_is_one_study_in_columns_too(app, house, patient, monkeypatch):
    hill = a_site(house, "Hill")
    patient.is_linked_to(hill)
    hill.stores(make.an_instance(study="knee", series="other", modality="CT", StudyDate="20240115"))
    check_the_same(patient.lets_in(), monkeypatch)


def test_what_is_pushed_is_found_by_the_next_search(site, patient, monkeypatch):
    monkeypatch.setattr(sheets, "FEW", 0)
    site.stores(*make.a_ct_series(2))
    app = patient.lets_in(standing=Standing())
    assert len(app.queries("studies", ("PatientID", "MRN1")).json) == 1
    site.stores(make.an_instance(study="knee", modality="MR", StudyDate="20240115"))
    found = app.queries("studies", ("PatientID", "MRN1")).json
    assert [one["0020000D"]["Value"][0] for one in found] == [make.a_uid("study", "one"), make.a_uid("study", "knee")]
    assert app.queries("studies", ("ModalitiesInStudy", "MR")).json == found[1:]


def test_a_sharing_that_ended_opens_no_columns(app, patient, monkeypatch):
    monkeypatch.setattr(sheets, "FEW", 0)
    assert len(app.queries("studies").json) == 4
    patient.stops()
    assert app.queries("studies").status_code == 401
