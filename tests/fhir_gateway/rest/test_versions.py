"""Versions as they really are: what was read before is known again, what was replaced can still be read."""

import pytest

from tests import factories as make
from tests.fhir_gateway.house import BO, a_patient
from tests.fhir_gateway.papers import MRN_SYSTEM, a_bundle, a_patient_resource, a_push, a_report_resource, an_entry
from vault.audit import Actor, Did, events
from vault.custody import forget_study

ORIGIN = "https://phr.example.org"


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    site.stores(*make.a_ct_series(2))
    return patient


@pytest.fixture
def app(pushed):
    return pushed.lets_in()


def a_named_report(**more):
    named = [{"system": "https://harbor.example.org/report", "value": "R1"}]
    return a_report_resource("urn:uuid:p", identifier=named, presentedForm=None, **more)


def sends_a_report(site, **more):
    person = an_entry(a_patient_resource(), "p", f"identifier={MRN_SYSTEM}|MRN1")
    answer = site.sends(a_bundle(person, an_entry(a_named_report(**more), "r")))
    assert answer.status_code == 200, answer.text


def test_every_kind_has_its_present_version_in_its_history(app, pushed):
    for kind in (
        "Patient",
        "ImagingStudy",
        "DiagnosticReport",
        "ServiceRequest",
        "Organization",
        "Practitioner",
        "Consent",
    ):
        known = app.matches(kind)[0]["id"]
        read = app.reads(kind, known)
        version = read.headers["ETag"][3:-1]
        assert read.json["meta"]["versionId"] == version
        again = app.get(f"/fhir/{kind}/{known}/_history/{version}")
        assert (again.status_code, again.json, again.headers["ETag"]) == (200, read.json, read.headers["ETag"])
        told = app.get(f"/fhir/{kind}/{known}/_history")
        assert (told.json["type"], told.json["total"]) == ("history", 1)
        (entry,) = told.json["entry"]
        assert entry["resource"] == read.json
        assert entry["request"]["method"] in ("POST", "PUT")
        assert entry["response"]["etag"] == read.headers["ETag"]
        assert app.get(f"/fhir/{kind}/{known}/_history/0").status_code == 404
    assert app.get("/fhir/Endpoint/dicomweb/_history").json["total"] == 1


def test_a_corrected_report_is_a_new_version_and_the_first_can_still_be_read(site, app, pushed):
    sends_a_report(site, status="preliminary", conclusion="Something is broken.")
    sends_a_report(site, status="final", conclusion="Nothing is broken.")
    reader = pushed.lets_in()
    (report,) = reader.matches("DiagnosticReport", ("identifier", "R1"))
    assert (report["conclusion"], report["meta"]["versionId"]) == ("Nothing is broken.", "2")
    path = f"/fhir/DiagnosticReport/{report['id']}/_history"
    assert reader.get(f"{path}/1").json["conclusion"] == "Something is broken."
    assert reader.get(f"{path}/2").json == report
    told = reader.get(path).json
    assert [one["resource"]["meta"]["versionId"] for one in told["entry"]] == ["2", "1"]
    assert [one["request"]["method"] for one in told["entry"]] == ["PUT", "POST"]
    assert len(reader.get(f"{path}?_count=1").json["entry"]) == 1
    assert reader.get(f"{path}?_since=2030").json["total"] == 0
    assert reader.get(f"{path}?_since=yesterday").status_code == 400


def test_what_is_known_already_is_not_sent_again(app, pushed):
    for kind in ("ImagingStudy", "DiagnosticReport"):
        known = app.matches(kind)[0]["id"]
        first = app.reads(kind, known)
        for headers in (
            {"If_None_Match": first.headers["ETag"]},
            {"If_None_Match": f'"other", {first.headers["ETag"]}'},
            {"If_None_Match": "*"},
            {"If_Modified_Since": first.headers["Last-Modified"]},
        ):
            answer = app.reads(kind, known, **headers)
            assert (answer.status_code, answer.data) == (304, b""), headers
        older = "Mon, 05 Jan 2015 10:00:00 GMT"
        assert app.reads(kind, known, If_Modified_Since=older).status_code == 200
        both = {"If_None_Match": 'W/"other"', "If_Modified_Since": first.headers["Last-Modified"]}
        assert app.reads(kind, known, **both).status_code == 200
        assert app.reads(kind, known, If_Modified_Since="whenever").status_code == 200


@pytest.mark.case("3.3")
def test_a_version_that_is_no_longer_the_newest_is_412(site, app, pushed):
    known = app.matches("ImagingStudy")[0]["id"]
    first = app.reads("ImagingStudy", known).headers["ETag"]
    assert app.reads("ImagingStudy", known, If_Match=first).status_code == 200
    site.stores(make.an_instance(number=9))
    stale = app.reads("ImagingStudy", known, If_Match=first)
    assert (stale.status_code, stale.json["issue"][0]["code"]) == (412, "conflict")
    assert (
        app.reads(
            "ImagingStudy", known, If_Match=f'{first}, W/"{app.reads("ImagingStudy", known).json["meta"]["versionId"]}"'
        ).status_code
        == 200
    )


def test_a_head_has_the_headers_and_no_body(app, pushed):
    known = app.matches("ImagingStudy")[0]["id"]
    whole, head = app.reads("ImagingStudy", known), app.asks("HEAD", f"/fhir/ImagingStudy/{known}")
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.headers[name] == whole.headers[name]
    assert app.asks("HEAD", "/fhir/ImagingStudy/" + "0" * 32).status_code == 404


def test_a_history_is_anothers_to_nobody(house, site, app, pushed):
    known = app.matches("DiagnosticReport")[0]["id"]
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    for path in ("/_history", "/_history/1"):
        assert other.get(f"/fhir/DiagnosticReport/{known}{path}").status_code == 404
        assert site.get(f"/fhir/DiagnosticReport/{known}{path}").status_code == 403
    only_search = pushed.lets_in(scopes="patient/DiagnosticReport.s")
    assert only_search.get(f"/fhir/DiagnosticReport/{known}/_history/1").status_code == 403


def test_reading_an_old_version_is_an_event(app, pushed):
    known = app.matches("DiagnosticReport")[0]["id"]
    app.get(f"/fhir/DiagnosticReport/{known}/_history/1")
    with pushed.services.reading() as work:
        newest = events(work, pushed.keyring.owner, most=1)[0]
    assert (newest.did, newest.to.hex()) == (Did.READ, known)


@pytest.mark.case("3.15")
def test_a_study_that_was_deleted_is_gone_for_its_owner_and_unknown_to_strangers(house, site, app, pushed):
    (study,) = app.matches("ImagingStudy")
    with pushed.services.work() as work:
        forget_study(
            work,
            [bytes.fromhex(study["id"])],
            owner=pushed.keyring,
            by=Actor("patient", pushed.keyring.vault_id),
        )
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    for path in ("", "/_history", f"/_history/{study['meta']['versionId']}"):
        answer = app.get(f"/fhir/ImagingStudy/{study['id']}{path}")
        assert (answer.status_code, answer.json["issue"][0]["code"]) == (410, "deleted")
        assert other.get(f"/fhir/ImagingStudy/{study['id']}{path}").status_code == 404
    assert app.reads("ImagingStudy", "0" * 32).status_code == 404
    assert app.matches("ImagingStudy") == []
    assert app.reads("DiagnosticReport", study["id"]).status_code == 404


# --- formats -------------------------------------------------------------------------------------------------------------


@pytest.mark.case("3.14")
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json;fhirVersion=4.0.1", 200),
        ('application/fhir+json; fhirVersion="4.0"', 200),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/fhir+json; fhirversion=3.0", 406),
        ("application/fhir+json; fhirVersion=5.0, application/fhir+json; fhirVersion=4.0;q=0.5", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("application/fhir+xml", 406),
        ("text/html", 406),
        ("application/fhir+json;q=0", 406),
    ],
)
def test_json_of_r4_is_spoken(app, accept, status):
    assert app.get("/fhir/Patient", accept).status_code == status


@pytest.mark.case("3.14")
@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("json", 200), ("application/json", 200), ("application/fhir+json", 200), ("application/fhir%2Bjson", 200),
        ("application/fhir%2Bjson%3B%20fhirVersion%3D4.0", 200), ("json%3BfhirVersion%3D5.0", 406),
        ("xml", 406), ("text/html", 406), ("", 406),
    ],
)  # fmt: skip
def test_a_format_in_the_address_counts_before_the_header(app, wanted, status):
    assert app.get(f"/fhir/Patient?_format={wanted}", "application/fhir+xml").status_code == status


def test_people_may_ask_for_lines(app):
    assert b"\n" in app.get("/fhir/Patient?_pretty=true").data
    assert b"\n" not in app.get("/fhir/Patient").data


# --- what a create answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preference", "answered"), [("", None), ("return=minimal", None), ("return=representation", "Patient"), ("return=OperationOutcome", "OperationOutcome")]
)  # fmt: skip
def test_a_create_answers_as_much_as_is_wanted(site, preference, answered):
    made = site.creates(a_patient_resource(), Prefer=preference)
    assert (made.status_code, made.headers["ETag"]) == (201, 'W/"1"')
    if answered is None:
        assert made.data == b""
        return
    assert made.json["resourceType"] == answered
    if answered == "Patient":
        assert made.headers["Location"].endswith(f"/Patient/{made.json['id']}")
        assert made.json["meta"]["versionId"] == "1"
        assert made.json["identifier"] == a_patient_resource()["identifier"]


def test_what_was_there_before_is_not_shown_again(site):
    condition = f"identifier={MRN_SYSTEM}|MRN1"
    site.creates(a_patient_resource(), If_None_Exist=condition)
    again = site.creates(a_patient_resource(), If_None_Exist=condition, Prefer="return=representation")
    assert (again.status_code, again.data) == (200, b"")
