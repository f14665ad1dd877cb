"""An app asks, the patient picks, and what is not granted is not there (SMART App Launch 2.2; experience S11)."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.journeys.stories import a_story
from tests.people import FHIR, App, Guest

FRAMES = "application/octet-stream; transfer-syntax=*"


@pytest.mark.parametrize("secret", [False, True], ids=["public", "confidential"])
def test_an_app_reads_the_one_scan_that_the_patient_picked(keepray, secret):
    told = a_story(keepray, report="The word is: petrichor.")
    hidden, hidden_id = told.another_scan(StudyDescription="MR of the knee")
    app = App(keepray, secret=secret)
    smart = app.get("/fhir/.well-known/smart-configuration", token="").json()
    request = app.request()
    assert request.startswith(smart["authorization_endpoint"] + "?")
    came_back = told.patient.decides(request, scans="pick", study=[told.id])
    answer = app.exchanges(app.code_in(came_back))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    patient = app.said["patient"]

    assert app.reads(f"Patient/{patient}")["birthDate"] == "1958-03-27"
    found = app.reads(f"ImagingStudy?patient={patient}&_include=ImagingStudy:endpoint")
    studies = [one["resource"] for one in found["entry"] if one["resource"]["resourceType"] == "ImagingStudy"]
    assert [one["identifier"][0]["value"] for one in studies] == [f"urn:oid:{told.scan.uid}"]
    endpoint = next(one["resource"] for one in found["entry"] if one["resource"]["resourceType"] == "Endpoint")
    assert endpoint["address"] == f"{keepray.base_url}/dicomweb"
    report = app.reads("DiagnosticReport")["entry"][0]["resource"]
    assert report["conclusion"] == "The word is: petrichor."
    document = report["presentedForm"][0]["url"]
    assert "petrichor" in app.get(document if document.startswith("http") else f"/fhir/{document}", "text/plain").text

    rows = app.get("/dicomweb/studies", "application/dicom+json").json()
    assert [row["0020000D"]["Value"] for row in rows] == [[told.scan.uid]]
    assert app.get(told.scan.address(2), "application/dicom").content == told.scan.files[1]
    assert app.get(f"{told.scan.address(1)}/frames/1", FRAMES).status_code == 200
    for path in (f"{hidden.address()}/metadata", f"/fhir/ImagingStudy/{hidden_id}"):
        assert app.get(path).status_code == 404
    assert told.patient.open("/shares").says("Heart Tracker")
    assert told.patient.open("/history").says("Heart Tracker")


def test_a_patient_sees_what_an_app_may_read_and_stops_it(keepray):
    told = a_story(keepray, report="The word is: petrichor.")
    scope = "patient/ImagingStudy.rs patient/DiagnosticReport.rs?category=http://loinc.org|LP29684-5 offline_access"
    app = App(keepray).is_let_in_by(told.patient, scope)
    (share,) = told.patient.shares()
    page = told.patient.open(f"/shares/{share}")
    assert page.says("Heart Tracker (app)")
    assert page.says("See some of your reports, and no others: radiology (scans)"), page
    assert page.says("See your pictures")
    assert page.says("Not opened yet.")
    assert app.reads("DiagnosticReport")["total"] == 1
    assert told.patient.open("/shares").says("Opened 1 time, last today")
    told.patient.stops(share)
    assert app.get("/fhir/ImagingStudy", FHIR).status_code == 401
    assert told.patient.open("/account/apps").says("No app can see your scans.")


def test_an_app_learns_who_signed_in_and_believes_it_by_published_keys(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient, "openid fhirUser launch/patient patient/*.rs")
    provider = app.get("/.well-known/openid-configuration", token="").json()
    smart = app.get("/fhir/.well-known/smart-configuration", token="").json()
    assert smart["issuer"] == provider["issuer"] == keepray.base_url
    assert "sso-openid-connect" in smart["capabilities"]
    keys = app.get(provider["jwks_uri"].removeprefix(keepray.base_url), token="").json()
    claims = jwt.decode(app.said["id_token"], KeySet.import_key_set(keys), algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == (keepray.base_url, app.client_id)
    assert app.reads(claims["fhirUser"].removeprefix(f"{keepray.base_url}/fhir/"))["id"] == app.said["patient"]
    userinfo = app.get(provider["userinfo_endpoint"].removeprefix(keepray.base_url)).json()
    assert userinfo == {"sub": claims["sub"], "fhirUser": claims["fhirUser"]}


def test_a_patient_may_say_no(keepray):
    told = a_story(keepray)
    app = App(keepray)
    came_back = told.patient.decides(app.request(), decision="Do not allow")
    assert "error=access_denied" in came_back
    assert f"state={app.state}" in came_back
    assert told.patient.shares() == []


def test_somebody_who_is_not_signed_in_signs_in_and_is_asked_then(keepray):
    told = a_story(keepray)
    app = App(keepray)
    browser = told.patient.another_browser()
    page = browser.open(app.request())
    assert page.heading == "Sign in"
    page = page.send("Sign in", login=browser.login, password=browser.password)
    assert page.says("Heart Tracker wants to see your scans"), page
    location = page.send("Allow").answer.headers["Location"]
    assert app.exchanges(app.code_in(location)).status_code == 200


def test_refresh_tokens_are_good_once_and_a_second_use_ends_them_all(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient)
    first_access, first_refresh = app.token, app.refresh_token
    assert app.refreshes().status_code == 200
    assert app.refresh_token != first_refresh
    assert app.get("/fhir/Patient", FHIR).status_code == 200
    second_refresh = app.refresh_token
    assert app.refreshes().status_code == 200
    # The very first one, two turns old: somebody has a copy.
    stolen = app.asks_for_tokens(grant_type="refresh_token", refresh_token=first_refresh)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert app.get("/fhir/Patient", FHIR).status_code == 401
    for token in (app.refresh_token, second_refresh):
        assert app.asks_for_tokens(grant_type="refresh_token", refresh_token=token).status_code == 400
    assert app.get("/fhir/Patient", FHIR, token=first_access).status_code == 401


def test_a_code_used_twice_takes_back_what_it_gave(keepray):
    told = a_story(keepray)
    app = App(keepray)
    code = app.code_in(told.patient.decides(app.request()))
    assert app.exchanges(code).status_code == 200
    assert app.get("/fhir/Patient", FHIR).status_code == 200
    assert app.exchanges(code).status_code == 400
    assert app.get("/fhir/Patient", FHIR).status_code == 401


def test_a_code_is_worth_nothing_without_its_verifier(keepray):
    told = a_story(keepray)
    for changed in (
        {"code_verifier": "x" * 43},
        {"redirect_uri": "https://evil.example.org/back"},
        {"client_id": "other"},
    ):
        app = App(keepray)
        code = app.code_in(told.patient.decides(app.request()))
        assert app.exchanges(code, **changed).status_code in {400, 401}, changed


def test_an_app_gives_its_access_back(keepray):
    told = a_story(keepray)
    app = App(keepray, secret=True).is_let_in_by(told.patient)
    said = app.at("introspect", token=app.token).json()
    assert said["active"] is True
    assert said["patient"] == app.said["patient"]
    assert app.at("revoke", token=app.refresh_token).status_code == 200
    assert app.at("introspect", token=app.token).json() == {"active": False}
    assert app.get("/fhir/Patient", FHIR).status_code == 401
    assert told.patient.shares() == []


def test_another_client_learns_nothing_of_a_token(keepray):
    told = a_story(keepray)
    app, other = App(keepray).is_let_in_by(told.patient), App(keepray, "Nosy", secret=True)
    assert other.at("introspect", token=app.token).json() == {"active": False}
    other.at("revoke", token=app.token)
    assert app.get("/fhir/Patient", FHIR).status_code == 200
    assert other.asks_for_tokens(grant_type="refresh_token", refresh_token=app.refresh_token).status_code == 400


def test_when_the_patient_stops_it_the_next_request_opens_nothing(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient)
    (share,) = told.patient.shares()
    told.patient.stops(share)
    for path in ("/fhir/Patient", f"{told.scan.address(1)}/frames/1"):
        answer = app.get(path)
        assert answer.status_code == 401, path
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert app.refreshes(app.refresh_token).status_code == 400


def test_narrow_scopes_open_what_they_name_and_no_more(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient, "launch/patient patient/ImagingStudy.rs")
    assert app.refresh_token == ""
    assert app.get("/fhir/ImagingStudy", FHIR).status_code == 200
    assert app.get(f"{told.scan.address(1)}/frames/1", FRAMES).status_code == 200
    for path in ("DiagnosticReport", "Patient", "Binary/" + "0" * 32):
        assert app.get(f"/fhir/{path}", FHIR).status_code == 403, path


def test_software_redeems_a_share_code_once(keepray):
    told = a_story(keepray)
    app, other = App(keepray, "PACS"), App(keepray, "Another PACS", secret=True)
    share = told.patient.gives_a_code()
    answer = app.redeems(share.code)
    assert answer.status_code == 200, answer.text
    assert app.get(f"{told.scan.address(1)}/frames/1", FRAMES).status_code == 200
    assert app.get(told.scan.address(1)).status_code == 403  # looking, not saving
    assert app.reads("ImagingStudy")["total"] == 1
    assert other.redeems(share.code).json()["error"] == "invalid_grant"
    assert Guest(keepray).opens(share.code).says("This code does not work.")
    told.patient.stops(share.id)
    assert app.get("/fhir/ImagingStudy", FHIR).status_code == 401


def test_new_scans_come_to_an_app_that_was_given_all(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient)
    scan, _ = told.another_scan()
    assert app.get(f"{scan.address()}/metadata").status_code == 200
    assert app.reads("ImagingStudy")["total"] == 2


def test_access_runs_out_by_the_clock(indoors):
    told = a_story(indoors)
    app = App(indoors).is_let_in_by(told.patient, duration="4h")
    indoors.clock.advance(minutes=16)
    assert app.get("/fhir/Patient", FHIR).status_code == 401
    assert app.refreshes().status_code == 200
    assert app.get("/fhir/Patient", FHIR).status_code == 200
    indoors.clock.advance(hours=4)
    assert app.refreshes().status_code == 400


def test_everything_the_server_says_it_can_do_it_can(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient)
    said = app.get("/fhir/metadata", token="").json()
    for resource in said["rest"][0]["resource"]:
        does = {one["code"] for one in resource["interaction"]}
        if "search-type" in does:
            assert app.get(f"/fhir/{resource['type']}", FHIR).status_code == 200, resource["type"]
        if "read" in does:
            assert app.get(f"/fhir/{resource['type']}/{'0' * 32}", FHIR).status_code == 404, resource["type"]
        if not does & {"update", "delete", "patch"}:
            for method in ("PUT", "DELETE", "PATCH"):
                assert app.ask(method, f"/fhir/{resource['type']}/{'0' * 32}").status_code in {403, 404, 405}
