"""What a reader gets: what their keys open, as FHIR, and nothing that is another's."""

import json

import pytest

from tests import factories as make
from tests.fhir_gateway.house import ADA, BO, a_patient, nobody
from tests.fhir_gateway.papers import a_push
from vault.audit import Did, events
from vault.keyring import KeyClass

STUDY = make.a_uid("study", "one")


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    site.stores(*make.a_ct_series(2))
    site.stores(make.an_instance(study="knee", modality="MR", StudyDate="20240115", StudyTime="235959"))
    site.stores(make.an_instance(study="foot", modality="CR", StudyDate="20230704", TimezoneOffsetFromUTC=None))
    return patient


@pytest.fixture
def app(pushed):
    return pushed.lets_in()


def uids(resources):
    return [one["identifier"][0]["value"].removeprefix("urn:oid:") for one in resources]


def names(*studies):
    return [make.a_uid("study", one) for one in studies]


def issue(answer):
    return answer.json["issue"][0]["code"]


# --- reading -----------------------------------------------------------------------------------------------------------


def test_a_study_says_what_is_kept_of_it(app, pushed):
    (listed,) = app.matches("ImagingStudy", ("identifier", STUDY))
    answer = app.reads("ImagingStudy", listed["id"])
    study = answer.json
    assert answer.content_type == "application/fhir+json; charset=utf-8"
    assert study["status"] == "available"
    assert study["subject"] == {"reference": f"Patient/{pushed.id}"}
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 2)
    assert study["started"] == "2026-01-05T09:30:00+01:00"
    assert [one["number"] for one in study["series"][0]["instance"]] == [1, 2]
    assert study["contained"][0]["address"] == "https://phr.example.org/dicomweb"
    assert study["endpoint"] == [{"reference": "#e"}]


def test_a_study_without_a_zone_has_the_sites(app):
    (foot,) = app.matches("ImagingStudy", ("modality", "CR"))
    assert foot["started"] == "2023-07-04T09:30:00+02:00"


def test_etags_answer_304_until_something_changes(site, app):
    (listed,) = app.matches("ImagingStudy", ("identifier", STUDY))
    first = app.reads("ImagingStudy", listed["id"])
    again = app.reads("ImagingStudy", listed["id"], If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    site.stores(make.an_instance(number=9))
    assert app.reads("ImagingStudy", listed["id"], If_None_Match=first.headers["ETag"]).status_code == 200


def test_what_is_anothers_is_not_there_and_has_no_etag(house, site, app):
    (listed,) = app.matches("ImagingStudy", ("identifier", STUDY))
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    for kind in ("ImagingStudy", "DiagnosticReport", "Binary", "Practitioner", "Patient", "Consent"):
        for known in (listed["id"], "0" * 32, "x", ".", "..", "%2e%2e", "a" * 65):
            answer = other.reads(kind, known)
            assert answer.status_code == 404, (kind, known)
            assert "ETag" not in answer.headers
    assert (
        other.reads(
            "ImagingStudy", listed["id"], If_None_Match=app.reads("ImagingStudy", listed["id"]).headers["ETag"]
        ).status_code
        == 404
    )


def test_a_file_is_read_through_its_report_alone(app, pushed):
    (report,) = app.matches("DiagnosticReport")
    path = report["presentedForm"][0]["url"].removeprefix("https://phr.example.org")
    assert app.get(path).status_code == 200
    assert app.get(path, "image/png").status_code == 406
    assert pushed.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES})).get(path).status_code == 404
    assert pushed.lets_in(scopes="patient/DiagnosticReport.rs").get(path).status_code == 403


def test_a_part_of_a_file_is_read_by_its_range(app):
    (report,) = app.matches("DiagnosticReport")
    path = report["presentedForm"][0]["url"].removeprefix("https://phr.example.org")
    whole = app.get(path)
    part = app.get(path, Range="bytes=1-4")
    assert (part.status_code, part.data) == (206, whole.data[1:5])
    assert part.headers["Content-Range"] == f"bytes 1-4/{len(whole.data)}"
    beyond = app.get(path, Range=f"bytes={len(whole.data)}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole.data)}")
    assert beyond.json["resourceType"] == "OperationOutcome"


def test_every_reference_that_is_served_can_be_followed(app):
    for kind in ("ImagingStudy", "DiagnosticReport", "ServiceRequest"):
        for resource in app.matches(kind):
            for word in json.dumps(resource).split('"'):
                if word.startswith(("Patient/", "Practitioner/", "Organization/", "ImagingStudy/", "ServiceRequest/")):
                    assert app.get(f"/fhir/{word}").status_code == 200, word


def test_the_patients_own_words_come_first(app, pushed):
    (person,) = app.matches("Patient")
    assert person["id"] == pushed.id
    assert person["name"] == [{"family": "Example", "given": ["Ada"]}]
    assert person["birthDate"] == "1970-01-01"
    assert person["identifier"][0]["value"] == ADA.mrn


def test_a_consent_names_what_was_given_and_ends_with_it(app, pushed):
    (consent,) = app.matches("Consent")
    assert consent["status"] == "active"
    assert len(consent["provision"]["data"]) == 3
    pushed.stops()
    assert app.search("Consent").status_code == 401


# --- searching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "studies"),
    [
        ([], ["one", "knee", "foot"]),
        ([("identifier", f"urn:oid:{STUDY}")], ["one"]),
        ([("identifier", f"urn:dicom:uid|urn:oid:{STUDY}")], ["one"]),
        ([("identifier", STUDY)], ["one"]),
        ([("identifier", "A123")], ["one", "knee", "foot"]),
        ([("identifier", "urn:oid:9.9")], []),
        ([("modality", "CT")], ["one"]),
        ([("modality", "http://dicom.nema.org/resources/ontology/DCM|MR")], ["knee"]),
        ([("modality", "CT,CR")], ["one", "foot"]),
        ([("modality:not", "CT")], ["knee", "foot"]),
        ([("started", "2024")], ["knee"]),
        ([("started", "ge2024-01-01"), ("started", "lt2025-01-01")], ["knee"]),
        ([("started", "2024-01-15")], ["knee"]),
        ([("started", "gt2025-12-31")], ["one"]),
        ([("started", "le2023-07-04")], ["foot"]),
        ([("started", "2026-01-05T09:30:00+01:00")], ["one"]),
        ([("started", "2026-01-05T08:30:00Z")], ["one"]),
        ([("status", "available")], ["one", "knee", "foot"]),
        ([("status", "cancelled")], []),
        ([("_lastUpdated", "gt2030-01-01T00:00:00Z")], []),
        ([("_lastUpdated", "ge2026-03-02")], ["one", "knee", "foot"]),
        ([("started:missing", "true")], []),
        ([("interpreter:missing", "true"), ("encounter:missing", "true")], ["one", "knee", "foot"]),
        ([("reason", "http://snomed.info/sct|363679005")], []),
        ([("_sort", "started")], ["foot", "knee", "one"]),
        ([("_sort", "-started")], ["one", "knee", "foot"]),
    ],
)
def test_studies_are_found(app, pushed, pairs, studies):
    assert uids(app.matches("ImagingStudy", ("patient", pushed.id), *pairs)) == names(*studies)


def test_a_patient_may_be_named_in_three_ways(app, pushed):
    for name in (pushed.id, f"Patient/{pushed.id}", f"https://phr.example.org/fhir/Patient/{pushed.id}"):
        assert len(app.matches("ImagingStudy", ("patient", name))) == 3
    assert len(app.matches("ImagingStudy", ("subject:Patient", pushed.id))) == 3


def test_naming_another_patient_is_403_and_no_bundle(app, pushed):
    for kind in ("ImagingStudy", "DiagnosticReport", "Consent", "ServiceRequest"):
        for name in ("0" * 32, f"Patient/{'0' * 32}", f"{pushed.id},{'0' * 32}"):
            answer = app.search(kind, ("patient", name))
            assert (answer.status_code, answer.json["resourceType"]) == (403, "OperationOutcome")


def test_reports_are_found(app, pushed):
    study = app.matches("ImagingStudy", ("identifier", STUDY))[0]["id"]
    for pair in [
        ("category", "http://loinc.org|LP29684-5"),
        ("category", "LP29684-5"),
        ("code", "18748-4"),
        ("date", "2026-01-05"),
        ("date", "ge2026"),
        ("status", "final"),
        ("imagingStudy", f"ImagingStudy/{study}"),
        ("study", study),
        ("issued", "2026-01-05"),
    ]:
        assert len(app.matches("DiagnosticReport", ("patient", pushed.id), pair)) == 1, pair
    for pair in [("category", "LP29708-2"), ("date", "lt2026"), ("imagingStudy", "0" * 32), ("status", "preliminary")]:
        assert app.matches("DiagnosticReport", pair) == [], pair


def test_unknown_parameters_are_passed_over_and_left_out(app, pushed):
    bundle = app.searches("ImagingStudy", ("patient", pushed.id), ("nonsense", "1"), ("patient.nonsense", "x"))
    assert bundle["total"] == 3
    assert bundle["link"][0]["url"] == f"https://phr.example.org/fhir/ImagingStudy?patient={pushed.id}"
    strict = app.search("ImagingStudy", ("nonsense", "1"), Prefer="handling=strict")
    assert (strict.status_code, issue(strict)) == (400, "not-supported")


@pytest.mark.parametrize(
    "pair",
    [
        ("started", "yesterday"), ("started", "2024-13-01"), ("_count", "-1"), ("_count", "x"), ("_summary", "bogus"),
        ("patient", "a/b/c"), ("patient:Observation", "1"), ("modality:in", "CT"), ("identifier", ""),
        ("identifier", ",".join("a" * 300)), ("started:missing", "maybe"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_400(app, pair):
    answer = app.search("ImagingStudy", pair)
    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"


def test_the_same_by_form(app, pushed):
    by_form = app.http.post(
        "/fhir/ImagingStudy/_search", data={"patient": pushed.id}, headers={"Authorization": f"Bearer {app.token}"}
    )
    assert by_form.json["entry"] == app.searches("ImagingStudy", ("patient", pushed.id))["entry"]


def test_pages_follow_each_other_and_are_nobody_elses(house, site, app, pushed):
    seen, bundle = [], app.searches("ImagingStudy", ("patient", pushed.id), ("_count", "1"))
    while True:
        seen += uids([one["resource"] for one in bundle["entry"]])
        following = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
        assert bundle["total"] == 3
        if following is None:
            break
        bundle = app.get(following.removeprefix("https://phr.example.org")).json
        last = following
    assert seen == names("one", "knee", "foot")
    path = last.removeprefix("https://phr.example.org")
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    assert other.get(path).status_code == 404
    assert app.get(f"{path}&_count=2").status_code == 400
    assert app.get(path[:-22] + "A" * 22).status_code == 404
    assert app.get(path.replace("ImagingStudy", "DiagnosticReport")).status_code == 404


def test_a_summary_counts_and_a_list_is_light(app):
    counted = app.searches("ImagingStudy", ("_summary", "count"))
    assert (counted["total"], "entry" in counted) == (3, False)
    assert "entry" not in app.searches("ImagingStudy", ("_count", "0"))
    light = app.matches("ImagingStudy", ("_summary", "true"))[0]
    assert "instance" not in light["series"][0]
    assert light["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_elements_leave_only_what_no_resource_can_lack(app):
    study = app.matches("ImagingStudy", ("_elements", "status"))[0]
    assert set(study) == {"resourceType", "id", "meta", "status", "subject"}
    assert study["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_an_endpoint_comes_along_when_it_is_asked_for(app):
    bundle = app.searches("ImagingStudy", ("_include", "ImagingStudy:endpoint"))
    included = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "include"]
    assert [one["resourceType"] for one in included] == ["Endpoint"]
    assert bundle["total"] == 3
    assert all(one["valueBoolean"] for one in included[0]["extension"])
    assert app.get(f"/fhir/Endpoint/{included[0]['id']}").status_code == 200


def test_a_grant_of_one_study_shows_one(pushed):
    (knee,) = [one for one in pushed.studies() if one.uid == make.a_uid("study", "knee")]
    app = pushed.lets_in(knee.folders)
    assert uids(app.matches("ImagingStudy")) == names("knee")
    assert app.matches("DiagnosticReport") == []
    assert app.searches("ImagingStudy", ("_summary", "count"))["total"] == 1


# --- scopes, errors, history ---------------------------------------------------------------------------------------------


def test_each_interaction_needs_its_letter(pushed):
    (study, *_) = pushed.lets_in().matches("ImagingStudy")
    reader = pushed.lets_in(scopes="patient/ImagingStudy.r")
    assert reader.reads("ImagingStudy", study["id"]).status_code == 200
    refused = reader.search("ImagingStudy")
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="patient/ImagingStudy.s"'
    assert pushed.lets_in(scopes="patient/ImagingStudy.s").reads("ImagingStudy", study["id"]).status_code == 403


def test_nobody_gets_a_bearer_challenge(house):
    answer = nobody(house).get("/fhir/ImagingStudy")
    assert (answer.status_code, answer.headers["WWW-Authenticate"], issue(answer)) == (401, "Bearer", "login")


def test_an_ended_sharing_is_an_invalid_token(app, pushed):
    pushed.stops()
    answer = app.get("/fhir/ImagingStudy")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json["resourceType"] == "OperationOutcome"


def test_what_is_not_offered_says_so(app):
    assert app.get("/fhir/Procedure").status_code == 404
    assert app.get("/fhir/Patient/x/$everything").status_code == 404
    assert app.asks("PUT", "/fhir/Patient/x").status_code == 405
    assert app.asks("DELETE", "/fhir/ImagingStudy/x").status_code == 405
    assert issue(app.get("/fhir/Subscription")) == "not-supported"
    assert app.search("ImagingStudy", Accept="application/fhir+xml").status_code == 406


def test_every_read_and_search_is_an_event_without_words(app, pushed):
    app.search("ImagingStudy", ("identifier", "urn:oid:9.9.SECRET"))
    (study, *_) = app.matches("ImagingStudy")
    app.reads("ImagingStudy", study["id"])
    with pushed.services.reading() as work:
        found = events(work, pushed.keyring.owner)
    assert next(one.did for one in found if one.did is not Did.OPENED) is Did.READ
    assert [one.did for one in found].count(Did.SEARCHED) == 2
    assert found[0].to.hex() == study["id"]
    assert "SECRET" not in str(found)
    assert all(one.by.kind == "app" and one.by.via for one in found if one.did in (Did.READ, Did.SEARCHED))


def test_a_chain_writes_no_words_into_the_events_either(app, pushed):
    named = ("subject", "patient:Patient.name", "subject:Patient.identifier", "patient.name")
    for name in named:
        app.search("ImagingStudy", (name, "SECRET"))
    app.search("ImagingStudy", ("subject:Patient", f"Patient/{pushed.id}"))
    with pushed.services.reading() as work:
        told = [one.detail["asked"] for one in events(work, pushed.keyring.owner) if one.did is Did.SEARCHED]
    assert "SECRET" not in str(told)
    assert f"ImagingStudy?subject:Patient=Patient/{pushed.id}" in told
    assert {"ImagingStudy?patient:Patient.name=*", "ImagingStudy?patient.name=*"} <= set(told)


def test_what_is_declared_is_what_works(app):
    stated = app.get("/fhir/metadata").json
    assert stated["fhirVersion"] == "4.0.1"
    for resource in stated["rest"][0]["resource"]:
        offered = {one["code"] for one in resource["interaction"]}
        search = app.search(resource["type"])
        assert (search.status_code == 200) == ("search-type" in offered), resource["type"]
        for param in resource.get("searchParam", ()):
            value = {"date": "2024", "reference": "x", "token": "x", "string": "x", "uri": "urn:x"}[param["type"]]
            status = app.search(resource["type"], (param["name"], value), Prefer="handling=strict").status_code
            assert status == (403 if param["name"] in ("patient", "subject") else 200), param
        created = app.post(f"/fhir/{resource['type']}", b"{}", "application/fhir+json").status_code
        assert (created == 403) == ("create" in offered), resource["type"]
