"""What a search understands: every kind of parameter, what comes along, in which order, and in what length."""

import pytest

from tests import factories as make
from tests.fhir_gateway.house import BO, a_patient
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    a_bundle,
    a_patient_resource,
    a_push,
    a_report_resource,
    a_study_resource,
    an_entry,
)

ORIGIN = "https://phr.example.org"
SNOMED = "http://snomed.info/sct"
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
ACCESSION = {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}}


def a_second_report():
    """A report whose order is known by its number alone, with codes in words."""
    return a_report_resource(
        "urn:uuid:p",
        "urn:uuid:s",
        basedOn=[{"identifier": ACCESSION | {"system": "https://harbor.example.org/accession", "value": "B77"}}],
        status="preliminary",
        code={"coding": [{"system": "http://loinc.org", "code": "30746-2"}], "text": "Foot X-ray"},
        conclusionCode=[{"coding": [{"system": SNOMED, "code": "125605004", "display": "Fracture of bone"}]}],
        effectiveDateTime=None,
        effectivePeriod={"start": "2023-07-04T09:00:00Z", "end": "2023-07-06T09:00:00Z"},
        issued="2023-07-07T12:00:00Z",
        result=[{"display": "measured elsewhere", "reference": "https://elsewhere.example.org/Observation/1"}],
        presentedForm=None,
    )


def a_foot():
    """A study of which its site says who took the pictures, and why."""
    series = {
        "uid": make.a_uid("series", "foot", "first"),
        "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CR"},
        "performer": [{"actor": {"reference": "urn:uuid:t"}}],
    }
    return a_study_resource("urn:uuid:p", "foot", reasonCode=[{"text": "Fell from a ladder"}], series=[series])


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    site.sends(
        a_bundle(
            an_entry(a_patient_resource(), "p", f"identifier={MRN_SYSTEM}|MRN1"),
            an_entry(a_foot(), "s"),
            an_entry({"resourceType": "Practitioner", "name": [{"family": "Okoro", "given": ["Uche"]}]}, "t"),
            an_entry(a_second_report(), "r"),
        )
    )
    site.stores(*make.a_ct_series(2))
    site.stores(make.an_instance(study="foot", modality="CR", StudyDate="20230704", BodyPartExamined="FOOT"))
    return patient


@pytest.fixture
def app(pushed):
    return pushed.lets_in(seconds=7200)


def uids(resources):
    return [one["identifier"][0]["value"].removeprefix("urn:oid:") for one in resources]


def titles(resources):
    return [one["code"]["text"] for one in resources]


def brought(bundle):
    return [one["resource"]["resourceType"] for one in bundle.get("entry", []) if one["search"]["mode"] == "include"]


# --- values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "studies"),
    [
        (("dicom-class", f"urn:oid:{CT_CLASS}"), ["one", "foot"]),
        (("dicom-class", CT_CLASS), ["one", "foot"]),
        (("dicom-class", "1.2.840.10008.5.1.4.1.1.4"), []),
        (("instance", make.a_uid("instance", "1", "1")), None),
        (("instance", "1.2.3"), []),
        (("bodysite:text", "foot"), ["foot"]),
        (("body-site:missing", "true"), ["one"]),
        (("reason:text", "LADDER"), ["foot"]),
        (("status", "http://hl7.org/fhir/imagingstudy-status|available"), ["one", "foot"]),
        (("started", "sa2024"), ["one"]),
        (("started", "eb2024"), ["foot"]),
        (("started", "ap2023-07-04"), ["foot"]),
        (("started", "ne2023"), ["one"]),
        (("performer:missing", "true"), ["one"]),
        (("performer.name", "okoro"), ["foot"]),
        (("_profile", "http://fhir.org/argonaut/smart-imaging/StructureDefinition/smart-imaging-study"), ["one", "foot"]),
        (("_profile:below", "http://fhir.org/argonaut/smart-imaging"), ["one", "foot"]),
        (("_profile", "http://elsewhere.example.org"), []),
        (("_tag", "x"), []),
        (("_security:missing", "true"), ["one", "foot"]),
        (("patient.identifier", "MRN1"), ["one", "foot"]),
        (("patient.identifier", "MRN2"), []),
        (("subject:Patient.family", "exam"), ["one", "foot"]),
        (("subject.name", "Ada"), ["one", "foot"]),
        (("patient.birthdate", "gt1980"), []),
        (("endpoint", "Endpoint/dicomweb"), ["one", "foot"]),
        (("endpoint.connection-type", "dicom-wado-rs"), ["one", "foot"]),
        (("_has:DiagnosticReport:study:status", "final"), ["one"]),
        (("_has:DiagnosticReport:imagingStudy:code:text", "x-ray"), ["foot"]),
    ],
)  # fmt: skip
def test_studies_are_found_by_what_they_hold(app, pair, studies):
    if studies is None:
        (study, *_) = app.matches("ImagingStudy", ("modality", "CT"))
        pair, studies = ("instance", study["series"][0]["instance"][0]["uid"]), ["one"]
    assert uids(app.matches("ImagingStudy", pair)) == [make.a_uid("study", one) for one in studies]


CHEST, FOOT = "CT chest", "Foot X-ray"


@pytest.mark.parametrize(
    ("pair", "reports"),
    [
        (("based-on.identifier", "A123"), [CHEST]),
        (("basedOn.identifier", "https://harbor.example.org/accession|B77"), [FOOT]),
        (("based-on:identifier", "B77"), [FOOT]),
        (("basedon:identifier", "A123"), []),
        (("based-on.status", "completed"), [CHEST]),
        (("imagingStudy.modality", "CR"), [FOOT]),
        (("study.started", "ge2026"), [CHEST]),
        (("code:text", "x-ray"), [FOOT]),
        (("conclusion:text", "fracture"), [FOOT]),
        (("conclusion", f"{SNOMED}|125605004"), [FOOT]),
        (("conclusion:not", f"{SNOMED}|125605004"), [CHEST]),
        (("category", "http://loinc.org|"), [CHEST, FOOT]),
        (("category", "|LP29684-5"), []),
        (("date", "2023-07"), [FOOT]),
        (("date", "2023-07-05"), []),
        (("date", "ap2023-07-05"), [FOOT]),
        (("date", "sa2023-07-04T00:00:00Z"), [CHEST, FOOT]),
        (("issued", "lt2024"), [FOOT]),
        (("results-interpreter.name", "weiss"), [CHEST]),
        (("resultsInterpreter.family:exact", "weiss"), []),
        (("performer:Organization.name:contains", "radio"), [CHEST]),
        (("result", "https://elsewhere.example.org/Observation/1"), [FOOT]),
        (("result:missing", "true"), [CHEST]),
        (("media:missing", "false"), []),
    ],
)
def test_reports_are_found_by_what_they_hold(app, pair, reports):
    assert sorted(titles(app.matches("DiagnosticReport", pair))) == sorted(reports)


def test_people_places_and_orders_are_found(app, pushed):
    assert len(app.matches("Patient", ("name", "ADA"), ("gender", "female"), ("birthdate", "1970"))) == 1
    assert app.matches("Patient", ("active", "true")) == []
    assert len(app.matches("Practitioner", ("family:exact", "Weiss"))) == 1
    assert len(app.matches("Organization", ("name", "harbor r"))) == 1
    assert len(app.matches("Endpoint", ("payload-type:text", "wado"), ("identifier:missing", "true"))) == 1
    assert len(app.matches("ServiceRequest", ("identifier", "A123"), ("requester.family", "weiss"))) == 1
    consents = [("consentor", pushed.id), ("period", "ge2026"), ("date", "ge2020"), ("action:missing", "true")]
    for pair in [*consents, ("source-reference:missing", "true"), ("organization:missing", "false")]:
        assert len(app.matches("Consent", pair)) == 1, pair
    assert app.matches("Consent", ("period", "eb2026")) == []


@pytest.mark.parametrize(
    "pair",
    [
        ("modality:in", "http://example.org/vs"), ("patient.identifier.system", "x"), ("patient:Group.name", "x"),
        ("_sort:asc", ""), ("_total", "some"), ("started:exact", "2024"), ("patient.birthdate", "soon"),
        ("name:exact:contains", "x"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_never_passed_over_silently(app, pair):
    strict = app.search("ImagingStudy", pair, Prefer="handling=strict")
    assert (strict.status_code, strict.json["resourceType"]) == (400, "OperationOutcome")


# --- what comes along ----------------------------------------------------------------------------------------------------


def test_what_a_report_refers_to_comes_along(app):
    asked = [("_include", f"DiagnosticReport:{one}") for one in ("subject", "imagingStudy", "results-interpreter")]
    bundle = app.searches("DiagnosticReport", ("status", "final"), *asked)
    assert sorted(brought(bundle)) == ["ImagingStudy", "Patient", "Practitioner"]
    assert bundle["total"] == 1
    everything = brought(app.searches("DiagnosticReport", ("status", "final"), ("_include", "DiagnosticReport:*")))
    assert sorted(everything) == ["ImagingStudy", "Organization", "Patient", "Practitioner", "ServiceRequest"]


def test_a_star_alone_is_every_reference(app):
    one, other = (app.searches("DiagnosticReport", ("_include", star)) for star in ("*", "DiagnosticReport:*"))
    assert brought(one) == brought(other)


def test_a_question_is_posted_as_a_form(app):
    for kind, status in (("application/json", 415), ("text/plain", 415), ("application/x-www-form-urlencoded", 200)):
        assert app.post("/fhir/Patient/_search", b"{}", kind).status_code == status


def test_what_comes_along_can_bring_more(app):
    asked = [("_include", "DiagnosticReport:study"), ("_include:iterate", "ImagingStudy:endpoint")]
    assert sorted(brought(app.searches("DiagnosticReport", *asked))) == ["Endpoint", "ImagingStudy", "ImagingStudy"]


def test_what_refers_to_a_study_comes_along(app):
    bundle = app.searches("ImagingStudy", ("modality", "CT"), ("_revinclude", "DiagnosticReport:study"))
    assert brought(bundle) == ["DiagnosticReport"]
    found = app.searches("Patient", ("_revinclude", "ImagingStudy:patient"), ("_revinclude", "Consent:patient"))
    assert sorted(brought(found)) == ["Consent", "ImagingStudy", "ImagingStudy"]


def test_only_the_named_target_comes_along(app):
    asked = ("_include", "DiagnosticReport:performer:Practitioner")
    assert brought(app.searches("DiagnosticReport", asked)) == []


def test_what_the_scope_does_not_cover_never_comes_along_and_is_never_told(pushed):
    narrow = pushed.lets_in(scopes="patient/DiagnosticReport.rs")
    asked = [("_include", "DiagnosticReport:*"), ("_revinclude", "ImagingStudy:patient")]
    assert brought(narrow.searches("DiagnosticReport", *asked)) == []
    assert narrow.matches("DiagnosticReport", ("subject.name", "Ada")) == []
    assert narrow.matches("DiagnosticReport", ("_has:Consent:data:status", "active")) == []


def test_nothing_of_anothers_comes_along(house, site, app):
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    for pair in [("_include", "Patient:link"), ("_revinclude", "ImagingStudy:patient")]:
        assert brought(other.searches("Patient", pair)) == []


# --- order, length, pages ------------------------------------------------------------------------------------------------


def test_several_keys_sort_one_after_the_other(app):
    newest = app.matches("DiagnosticReport", ("_sort", "-date,_id"))
    assert titles(newest) == [CHEST, FOOT]
    assert titles(app.matches("DiagnosticReport", ("_sort", "status,-issued"))) == [CHEST, FOOT]
    by_person = [("_sort", "subject,issued")]
    assert titles(app.matches("DiagnosticReport", *by_person)) == [FOOT, CHEST]
    nothing_first = app.matches("DiagnosticReport", ("_sort", "-conclusion"))
    assert titles(nothing_first) == [FOOT, CHEST]


def test_five_summaries(app):
    short = app.matches("DiagnosticReport", ("_summary", "true"), ("status", "final"))[0]
    assert {"status", "code", "subject", "issued", "performer"} <= short.keys()
    assert not {"conclusion", "presentedForm", "imagingStudy"} & short.keys()
    text = app.matches("DiagnosticReport", ("_summary", "text"))[0]
    assert set(text) == {"resourceType", "id", "meta", "status", "code"}
    data = app.matches("DiagnosticReport", ("_summary", "data"), ("status", "final"))[0]
    assert data["conclusion"] == "No acute finding."
    assert all(one["meta"]["tag"][0]["code"] == "SUBSETTED" for one in (short, text, data))
    (whole, _) = app.matches("DiagnosticReport", ("_summary", "false"))
    assert "tag" not in whole["meta"]
    assert app.searches("DiagnosticReport", ("_summary", "count"))["total"] == 2


def test_a_resource_has_one_version_however_much_of_it_is_told(app):
    for kind in ("ImagingStudy", "DiagnosticReport", "Patient"):
        whole = app.matches(kind)[0]
        ways = [("_summary", "true"), ("_elements", "status"), ("_revinclude", "Consent:data"), ("_count", "1")]
        ways += [("_include", "ImagingStudy:endpoint")] if kind == "ImagingStudy" else []
        for pair in ways:
            assert app.matches(kind, pair)[0]["meta"]["versionId"] == whole["meta"]["versionId"]
        assert app.reads(kind, whole["id"]).headers["ETag"] == f'W/"{whole["meta"]["versionId"]}"'


def test_the_total_is_told_unless_it_is_not_wanted(app):
    assert "total" not in app.searches("ImagingStudy", ("_total", "none"))
    assert app.searches("ImagingStudy", ("_total", "accurate"), ("_count", "1"))["total"] == 2


def links_of(bundle):
    return {one["relation"]: one["url"].removeprefix(ORIGIN) for one in bundle["link"]}


@pytest.fixture
def many(site, pushed):
    for number in range(5):
        site.stores(make.an_instance(study=f"more {number}", StudyDate=f"201{number}0101"))
    return pushed.lets_in(seconds=7200)


def test_pages_lead_in_every_direction(many):
    first = many.searches("ImagingStudy", ("_count", "3"), ("_sort", "started"))
    assert set(links_of(first)) == {"self", "first", "next", "last"}
    second = many.get(links_of(first)["next"]).json
    assert set(links_of(second)) == {"self", "first", "previous", "next", "last"}
    assert many.get(links_of(second)["self"]).json["entry"] == second["entry"]
    assert many.get(links_of(second)["previous"]).json["entry"] == first["entry"]
    assert many.get(links_of(second)["first"]).json["entry"] == first["entry"]
    last = many.get(links_of(second)["last"]).json
    assert len(last["entry"]) == 1
    assert last["entry"] == many.get(links_of(second)["next"]).json["entry"]
    assert set(links_of(last)) == {"self", "first", "previous", "last"}


def test_what_arrives_meanwhile_moves_no_page(site, many):
    first = many.searches("ImagingStudy", ("_count", "3"), ("_sort", "-started"))
    expected = many.get(links_of(first)["next"]).json["entry"]
    site.stores(make.an_instance(study="newest", StudyDate="20260301"))
    again = many.get(links_of(first)["next"])
    assert again.status_code == 200
    assert [one["fullUrl"] for one in again.json["entry"]] == [one["fullUrl"] for one in expected]


def test_a_page_link_holds_nothing_that_was_searched_for(many):
    bundle = many.http.post(
        "/fhir/ImagingStudy/_search",
        data={"patient.identifier": "MRN1", "_count": "1"},
        headers={"Authorization": f"Bearer {many.token}"},
    ).json
    assert "MRN1" not in links_of(bundle)["next"]
    assert many.get(links_of(bundle)["next"]).status_code == 200


def test_a_page_link_lasts_an_hour(many, services):
    following = links_of(many.searches("ImagingStudy", ("_count", "3")))["next"]
    services.clock.advance(minutes=61)
    assert many.get(following).status_code == 404
