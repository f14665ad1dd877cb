"""FHIR R4 over HTTP: the cases, by their numbers."""

import base64

import pytest

from tests import factories as make
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.house import BO, a_patient, a_site, nobody
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    PDF,
    a_bundle,
    a_patient_resource,
    a_push,
    a_study_resource,
    an_entry,
)

ORIGIN = "https://phr.example.org"


@pytest.fixture
def pushed(site, patient):  # noqa: F811
    site.sends(a_push())
    for study, day in (("one", "20240601"), ("two", "20230601"), ("three", "20220601")):
        site.stores(make.an_instance(study=study, StudyDate=day, StudyTime="100000", TimezoneOffsetFromUTC="+0000"))
    return patient


@pytest.fixture
def app(pushed):
    return pushed.lets_in()


@pytest.mark.case("3.1")
def test_3_1_capabilities_need_no_token(house):  # noqa: F811
    answer = nobody(house).get("/fhir/metadata")
    stated = answer.json
    assert (answer.status_code, stated["fhirVersion"], stated["kind"]) == (200, "4.0.1", "instance")
    assert stated["rest"][0]["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    studies = next(one for one in stated["rest"][0]["resource"] if one["type"] == "ImagingStudy")
    assert "ImagingStudy:endpoint" in studies["searchInclude"]


@pytest.mark.case("3.2")
def test_3_2_a_known_version_is_304(app, pushed):
    first = app.reads("Patient", pushed.id)
    assert first.headers["ETag"].startswith('W/"')
    again = app.reads("Patient", pushed.id, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.case("3.4")
def test_3_4_a_conditional_create_is_each_sites_own(house, site):  # noqa: F811
    hill = a_site(house, "Hill Scan Center")
    places = []
    for sender in (site, site, hill):
        sender.creates(a_patient_resource(), If_None_Exist=f"identifier={MRN_SYSTEM}|MRN1")
        resource = a_study_resource(f"Patient?identifier={MRN_SYSTEM}|MRN1")
        uid = resource["identifier"][0]["value"]
        answer = sender.creates(resource, If_None_Exist=f"identifier=urn:dicom:uid|{uid}")
        places.append((answer.status_code, answer.headers["Location"]))
    assert [status for status, _ in places] == [201, 200, 201]
    assert places[0][1] == places[1][1] != places[2][1]


@pytest.mark.case("3.5")
def test_3_5_a_transaction_is_whole_or_nothing(site, patient):  # noqa: F811
    bad = a_bundle(an_entry(a_patient_resource(), "p"), an_entry(a_study_resource("urn:uuid:p", status="bogus"), "s"))
    answer = site.sends(bad)
    assert (answer.status_code, answer.json["resourceType"]) == (422, "OperationOutcome")
    assert patient.studies() == []
    good = site.sends(a_push())
    assert (good.status_code, good.json["type"]) == (200, "transaction-response")
    assert [one["response"]["status"] for one in good.json["entry"]] == ["201 Created"] * 6
    (report,) = patient.lets_in().matches("DiagnosticReport")
    assert "urn:uuid" not in str(report)


@pytest.mark.case("3.6")
def test_3_6_an_unknown_parameter_is_left_out_of_self(app, pushed):
    bundle = app.searches("ImagingStudy", ("patient", pushed.id), ("nonsense", "1"))
    assert "nonsense" not in bundle["link"][0]["url"]
    strict = app.search("ImagingStudy", ("patient", pushed.id), ("nonsense", "1"), Prefer="handling=strict")
    assert (strict.status_code, strict.json["issue"][0]["code"]) == (400, "not-supported")


@pytest.mark.case("3.7")
def test_3_7_search_by_post_equals_search_by_get(app, pushed):
    headers = {"Authorization": f"Bearer {app.token}"}
    by_post = app.http.post("/fhir/ImagingStudy/_search", data={"patient": pushed.id}, headers=headers)
    assert by_post.json == app.searches("ImagingStudy", ("patient", pushed.id))


@pytest.mark.case("3.8")
def test_3_8_a_page_link_is_the_askers_alone(house, site, app, pushed):  # noqa: F811
    bundle = app.searches("ImagingStudy", ("patient", pushed.id), ("_count", "1"))
    assert len(bundle["entry"]) == 1
    following = next(one["url"] for one in bundle["link"] if one["relation"] == "next").removeprefix(ORIGIN)
    assert app.get(following).status_code == 200
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    assert other.get(following).status_code in (403, 404)


@pytest.mark.case("3.9")
def test_3_9_summaries_and_elements(app, pushed):
    counted = app.searches("ImagingStudy", ("patient", pushed.id), ("_summary", "count"))
    assert (counted["total"], "entry" in counted) == (3, False)
    few = app.matches("ImagingStudy", ("_elements", "status"))[0]
    assert set(few) == {"resourceType", "id", "meta", "subject", "status"}
    assert few["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.case("3.10")
def test_3_10_a_year_is_all_of_it(app):
    for pairs in ([("started", "2024")], [("started", "ge2024-01-01"), ("started", "lt2025-01-01")]):
        assert [one["started"] for one in app.matches("ImagingStudy", *pairs)] == ["2024-06-01T10:00:00+00:00"]


@pytest.mark.case("3.11")
def test_3_11_a_code_that_is_none_is_422(site, patient):  # noqa: F811
    site.creates(a_patient_resource())
    answer = site.creates(a_study_resource(f"Patient?identifier={MRN_SYSTEM}|MRN1", status="bogus"))
    assert (answer.status_code, answer.json["issue"][0]["code"]) == (422, "code-invalid")


@pytest.mark.case("3.12")
def test_3_12_a_type_of_r5_is_no_fault_of_ours(site):  # noqa: F811
    assert site.sends(a_bundle(an_entry({"resourceType": "ImagingSelection"}, "x"))).status_code in (400, 422)


@pytest.mark.case("3.13")
def test_3_13_a_file_comes_bare_or_as_binary(app):
    (report,) = app.matches("DiagnosticReport")
    path = report["presentedForm"][0]["url"].removeprefix(ORIGIN)
    bare = app.get(path, "application/pdf")
    assert bare.data == PDF
    assert bare.headers["Content-Disposition"]
    assert bare.headers["X-Content-Type-Options"] == "nosniff"
    wrapped = app.get(path, "application/fhir+json").json
    assert (wrapped["resourceType"], base64.b64decode(wrapped["data"])) == ("Binary", PDF)


@pytest.mark.case("3.14")
def test_3_14_other_formats(site, app):  # noqa: F811
    assert app.get("/fhir/Patient", "text/csv").status_code == 406
    assert site.post("/fhir/Patient", b"{}", "text/plain").status_code == 415


@pytest.mark.case("3.16")
def test_3_16_an_ended_consent_opens_nothing_at_once(app, pushed):
    assert app.get("/fhir/ImagingStudy").status_code == 200
    pushed.stops()
    assert app.get("/fhir/ImagingStudy").status_code == 401
