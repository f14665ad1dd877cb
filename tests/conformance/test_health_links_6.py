"""SMART Health Links: the cases, by their numbers, with a receiver that knows nothing of us."""

import json
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import requests

from tests.houses import IndoorHouse
from tests.journeys.conftest import indoors  # noqa: F401  a fixture
from tests.journeys.stories import Story, a_story, someone
from tests.papers import a_report
from tests.people import Guest, Software
from tests.perimeter.canaries import Canaries, Search
from tests.receivers import Receiver, octets_of

SUMMARY, TOKEN = "application/fhir+json", "application/smart-api-access"


@pytest.fixture
def told(indoors: IndoorHouse) -> Story:  # noqa: F811
    return a_story(indoors, person=someone("Quetzalpapalotl^Xochitl", "19471103"), report="Zygomatic quibble.")


def receiver(told: Story, **how) -> Receiver:
    shown = told.patient.gives_a_link(**how)
    made = Receiver(told.patient.house.session(), shown.link)
    made.shown = shown
    return made


def all_words(reports: list) -> str:
    forms = [one for report in reports for one in report["presentedForm"]]
    return json.dumps(reports) + "".join(b64decode(one["data"]).decode("latin-1") for one in forms)


@pytest.mark.case("6.1")
@pytest.mark.parametrize(
    ("how", "flag"),
    [
        ({"number": "no"}, None),
        ({"number": "yes"}, "P"),
        ({"number": "yes", "kept": ["yes"]}, "LP"),
        ({"number": "no", "opens": "reports", "kept": ["yes"]}, "LU"),
        ({"number": "yes", "opens": "reports"}, "P"),
    ],
)
def test_6_1_a_link_keeps_to_its_lengths_letters_and_order(told, how, flag):
    ana = told.patient
    link = receiver(told, label="For Dr. Lee", length="30d", **how)
    assert link.link.startswith("https://phr.example.org/link#shlink:/")
    said = link.payload
    assert said.keys() <= {"url", "key", "exp", "flag", "label"}
    assert said["url"].startswith("https://phr.example.org/shl/")
    assert len(said["url"]) <= 128
    assert len(octets_of(said["url"].rpartition("/")[2])) == 32
    assert (len(said["key"]), len(octets_of(said["key"]))) == (43, 32)
    assert said.get("flag") == flag
    assert said["label"] == "For Dr. Lee"
    assert isinstance(said["exp"], int)
    assert 29 < (said["exp"] - ana.house.now().timestamp()) / 86_400 < 31  # seconds, not milliseconds


@pytest.mark.case("6.1")
def test_6_1_a_name_that_is_too_long_and_a_question_without_answer_make_no_link(told):
    page = told.patient.answers_about_a_link(label="x" * 81)
    assert (page.status, page.path) == (422, "/share/link")
    assert page.says("Use 80 letters or fewer.")
    page = told.patient.answers_about_a_link(number=[], opens=[])
    assert page.says("Pick what the link opens.")
    assert page.says("Pick if a number is needed.")
    assert told.patient.shares() == []


@pytest.mark.case("6.2")
def test_6_2_a_manifest_needs_a_recipient(told):
    link = receiver(told, number="no")
    for body in ({"recipient": None}, {"recipient": ""}, {"recipient": "  "}, {"recipient": 7}):
        assert link.asks(**body).status_code == 400, body
    assert link.http.post(link.url, data=b"[1]").status_code == 400
    assert link.http.post(link.url, data=b"\xff{").status_code == 400
    assert link.asks(embeddedLengthMax="many").status_code == 400
    assert link.asks(recipient="\ud800").status_code == 400
    files = link.manifest()
    assert [one["contentType"] for one in files] == [SUMMARY, TOKEN]
    assert all(("location" in one) != ("embedded" in one) for one in files)
    assert all(datetime.fromisoformat(one["lastUpdated"]) for one in files)
    assert files[0]["fhirVersion"] == "4.0.1"


@pytest.mark.case("6.3")
def test_6_3_wrong_passcodes_count_down_and_then_the_link_is_dead(told):
    link = receiver(told, number="yes")
    right = link.shown.number
    wrong = "000000" if right != "000000" else "000001"
    missing = link.asks()
    assert (missing.status_code, missing.json()) == (401, {"remainingAttempts": 5})
    token = link.files(passcode=right)[TOKEN]["access_token"]
    told_back = [link.asks(passcode=wrong) for _ in range(5)]
    assert [one.status_code for one in told_back] == [401] * 5
    assert [one.json()["remainingAttempts"] for one in told_back] == [4, 3, 2, 1, 0]
    assert link.asks(passcode=right).status_code == 404
    assert Software(told.patient.house).get("/fhir/Patient", token=token).status_code == 401
    assert told.patient.open("/history").says("Someone typed a wrong number for Health link.")
    assert told.patient.shares() == []


@pytest.mark.case("6.3")
def test_6_3_ten_guesses_at_once_stop_at_five(told):
    link = receiver(told, number="yes")
    wrong = "000000" if link.shown.number != "000000" else "000001"
    others = [Receiver(told.patient.house.session(), link.link) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda one: one.asks(passcode=wrong), others))
    refused = [one.json()["remainingAttempts"] for one in answers if one.status_code == 401]
    assert len(set(refused)) == len(refused) <= 5
    assert {one.status_code for one in answers} <= {401, 404}
    assert link.asks(passcode=link.shown.number).status_code == 404


@pytest.mark.case("6.4")
def test_6_4_a_files_address_works_once_and_for_an_hour(told, indoors):  # noqa: F811
    link = receiver(told, number="no")
    files = link.manifest(embeddedLengthMax=1)
    assert all("embedded" not in one for one in files)
    for one in files:
        assert link.fetches(one)
        assert link.http.get(one["location"]).status_code == 404
    late = link.manifest()[0]
    indoors.clock.advance(hours=1, seconds=1)
    assert link.http.get(late["location"]).status_code == 404
    assert link.http.get(f"{link.url.rpartition('/')[0]}/files/{'A' * 43}").status_code == 404


@pytest.mark.case("6.4")
def test_6_4_what_is_embedded_is_never_longer_than_was_asked(told):
    link = receiver(told, number="no")
    embedded = link.manifest(embeddedLengthMax=1_000_000)
    assert all("embedded" in one for one in embedded)
    longest = max(len(one["embedded"]) for one in embedded)
    mixed = link.manifest(embeddedLengthMax=longest - 1)
    assert sorted("embedded" in one for one in mixed) == [False, True]
    assert all(len(one.get("embedded", "")) < longest for one in mixed)


@pytest.mark.case("6.5")
def test_6_5_files_open_with_the_links_key_and_never_repeat_a_nonce(told):
    link = receiver(told, number="no")
    nonces, texts = set(), set()
    for one in (*link.manifest(), *link.manifest(), *link.manifest(embeddedLengthMax=1_000_000)):
        compact = link.fetches(one)
        _, nothing, nonce, text, _ = compact.split(".")
        assert nothing == ""
        assert len(octets_of(nonce)) == 12
        assert link.opens(compact, one["contentType"])
        nonces.add(nonce)
        texts.add(text)
    assert len(nonces) == len(texts) == 6


@pytest.mark.case("6.5")
def test_6_5_the_files_hold_what_was_chosen_and_nothing_else(told):
    hidden, _ = told.another_scan(StudyDescription="MR of the knee", BodyPartExamined="KNEE")
    link = receiver(told, number="no", scans=(told.id,))
    files = link.files()
    bundle = files[SUMMARY]
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    (patient,) = link.of(bundle, "Patient")
    assert patient["name"][0]["family"] == "Quetzalpapalotl"
    (study,) = link.of(bundle, "ImagingStudy")
    assert study["identifier"][0]["value"] == f"urn:oid:{told.scan.uid}"
    assert study["contained"][0]["address"] == "https://phr.example.org/dicomweb"
    (report,) = link.of(bundle, "DiagnosticReport")
    assert "Zygomatic quibble." in all_words([report])
    assert all("url" not in one and one["data"] for one in report["presentedForm"])
    assert all(one["fullUrl"].endswith(one["resource"]["id"]) for one in bundle["entry"])
    access = files[TOKEN]
    assert access["aud"] == "https://phr.example.org/fhir"
    assert (access["token_type"], access["patient"]) == ("Bearer", patient["id"])
    assert access["query"][0] == f"ImagingStudy?patient={patient['id']}&_include=ImagingStudy:endpoint"
    app = Software(told.patient.house, access["access_token"])
    found = app.reads(access["query"][0])
    assert [one["resource"]["id"] for one in found["entry"] if one["search"]["mode"] == "match"] == [study["id"]]
    assert app.get(f"{told.scan.address()}/metadata").status_code == 200
    assert app.get(f"{hidden.address()}/metadata").status_code == 404
    assert app.get(told.scan.address(1), "application/dicom").status_code == 403  # looking, not saving


@pytest.mark.case("6.6")
@pytest.mark.parametrize("end", ["stopped", "expired", "account erased"])
def test_6_6_a_dead_link_its_files_and_its_token_are_dead_at_the_next_request(told, indoors, end):  # noqa: F811
    link = receiver(told, number="no", length="4h")
    files = link.manifest()
    token = link.opens(link.fetches(files[1]), TOKEN)["access_token"]
    app, left = Software(indoors, token), link.manifest()[0]["location"]
    assert app.get("/fhir/Patient").status_code == 200
    if end == "stopped":
        told.patient.stops(link.shown.id)
    elif end == "expired":
        indoors.clock.advance(hours=4, seconds=1)
    else:
        from vault import custody
        from vault.audit import SYSTEM_ACTOR

        with indoors.services.work() as work:
            custody.erase_vault(work, bytes.fromhex(app_patient(app)), SYSTEM_ACTOR)
    assert link.asks().status_code == 404
    assert link.http.get(left).status_code == 404
    assert app.get("/fhir/Patient").status_code == 401
    assert app.get(f"{told.scan.address()}/metadata").status_code == 401
    assert app.ask("POST", "/shl/visit").status_code == 401


def app_patient(app: Software) -> str:
    return app.reads("Patient")["entry"][0]["resource"]["id"]


@pytest.mark.case("6.7")
def test_6_7_database_objects_and_settings_open_no_file_of_the_link(told, indoors):  # noqa: F811
    link = receiver(told, number="yes", label="Wisteria")
    compact = [link.fetches(one) for one in link.manifest(passcode=link.shown.number)]
    left = link.manifest(passcode=link.shown.number)[0]["location"]  # outstanding while the thief is there
    token = link.opens(compact[1], TOKEN)["access_token"]
    canaries = Canaries()
    address = link.url.rpartition("/")[2]
    canaries.add("link's key", octets_of(link.payload["key"]), link.payload["key"])
    canaries.add("address", octets_of(address), address)
    canaries.add("file's address", octets_of(left.rpartition("/")[2]), left.rpartition("/")[2])
    canaries.add("token", octets_of(token.partition("_")[2]), token.partition("_")[2])
    canaries.add("words", "Quetzalpapalotl", "Zygomatic", "Wisteria", "Riverbend Emergency")
    assert Search(canaries.spellings()).in_folder(indoors.folder) == {}
    stolen = b"".join(one.read_bytes() for one in sorted(indoors.folder.rglob("*")) if one.is_file())
    for text in compact:
        assert text.split(".")[3].encode() not in stolen  # not even encrypted: files are made when they are asked for
    assert_nothing_stolen_is_a_key(indoors, stolen, compact)


def assert_nothing_stolen_is_a_key(house: IndoorHouse, stolen: bytes, compact: list[str]) -> None:
    """Every 32 octets that stand in a row of the link, and every configured key, tried as what it is not."""
    import sqlalchemy as sa
    from joserfc import jwe
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    from vault.tables import Row

    guesses = [bytes.fromhex(key) if len(key) == 64 else octets_of(key) for key in house.secrets.values()]
    with house.services.reading() as work:
        for name in ("healthlink", "healthfile", "tokenholder", "holder", "grantowner"):
            for row in work.session.execute(sa.select(Row.metadata.tables[name])):
                for value in row:
                    if isinstance(value, bytes):
                        guesses += [value[at : at + 32] for at in range(max(1, len(value) - 31))]
    tried = 0
    for guess in {one for one in guesses if len(one) == 32}:
        with pytest.raises((JoseError, ValueError)):
            jwe.decrypt_compact(compact[0], OctKey.import_key(guess), algorithms=["dir", "A256GCM"])
        tried += 1
    assert tried > 200


@pytest.mark.case("6.8")
def test_6_8_a_manifest_is_not_fetched_by_get(told):
    link = receiver(told, number="no")
    answer = link.http.get(link.url, params={"recipient": "Riverbend"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    unknown = f"{link.url.rpartition('/')[0]}/{'A' * 43}"
    assert link.http.get(unknown).status_code == link.http.post(unknown, json={"recipient": "x"}).status_code == 404


@pytest.mark.case("6.8", "6.5")
def test_6_8_a_single_file_is_fetched_by_get_and_by_nothing_else(told):
    link = receiver(told, number="no", opens="reports")
    assert link.http.get(link.url).status_code == 400  # it wants to know who reads, too
    posted = link.asks()
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET")
    twice = [link.http.get(link.url, params={"recipient": "Riverbend"}) for _ in range(2)]
    assert [one.headers["Content-Type"] for one in twice] == ["application/jose"] * 2
    assert twice[0].text.split(".")[2] != twice[1].text.split(".")[2]
    bundle = link.opens(twice[0].text, SUMMARY)
    assert {one["resource"]["resourceType"] for one in bundle["entry"]} == {"Patient", "DiagnosticReport"}


def test_reports_alone_with_a_number_have_a_manifest_without_a_token(told):
    link = receiver(told, number="yes", opens="reports")
    files = link.files(passcode=link.shown.number)
    assert list(files) == [SUMMARY]
    assert {one["resource"]["resourceType"] for one in files[SUMMARY]["entry"]} == {"Patient", "DiagnosticReport"}


# --- beyond the numbered cases ---------------------------------------------------------------------------------------


def test_whoever_asks_too_often_is_told_when_to_come_back(told):
    link = receiver(told, number="no")
    answers = [link.asks() for _ in range(61)]
    assert answers[59].status_code == 200
    assert answers[60].status_code == 429
    assert int(answers[60].headers["Retry-After"]) > 0


def test_a_link_that_changes_says_so_and_shows_what_came_later(told):
    link = receiver(told, number="no", kept=["yes"])
    first = link.asks()
    assert first.headers["Retry-After"] == "3600"
    assert {one["status"] for one in first.json()["files"]} == {"can-change"}
    told.site.takes_a_token()
    told.site.reports(
        told.scan.person, told.scan.name, a_report("Wisteria.", text="IMPRESSION: Wisteria.", number="RPT-2")
    )
    reports = link.of(link.files()[SUMMARY], "DiagnosticReport")
    assert "Wisteria" in all_words(reports)


def test_another_origins_viewer_may_read_all_of_it(told):
    link = receiver(told, number="no")
    link.http.headers["Origin"] = "https://viewer.example.net"
    preflight = link.http.options(
        link.url, headers={"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    )
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    answer = link.asks()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    files = answer.json()["files"]
    fetched = link.http.get(files[1]["location"])
    assert fetched.headers["Access-Control-Allow-Origin"] == "*"
    token = link.opens(fetched.text, TOKEN)["access_token"]
    base = told.patient.house.base_url
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    for path in ("/fhir/Patient", f"{told.scan.address()}/metadata"):
        assert link.http.options(base + path, headers=asked).headers["Access-Control-Allow-Origin"] == "*"
        read = link.http.get(base + path, headers={"Authorization": f"Bearer {token}"})
        assert (read.status_code, read.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert "Access-Control-Allow-Credentials" not in read.headers
        assert "Access-Control-Allow-Origin" not in link.http.get(base + path).headers
    told.patient.stops(link.shown.id)
    dead = link.http.get(f"{base}/fhir/Patient", headers={"Authorization": f"Bearer {token}"})
    assert (dead.status_code, dead.headers["Access-Control-Allow-Origin"]) == (401, "*")


def test_the_links_token_goes_on_to_our_own_pages(told):
    link = receiver(told, number="no")
    token = link.files()[TOKEN]["access_token"]
    doctor = Guest(told.patient.house)
    answer = doctor.ask("POST", "/shl/visit", Authorization=f"Bearer {token}")
    assert answer.json() == {"address": "/see/scans"}
    page = doctor.open("/see/scans")
    assert page.says("QUETZALPAPALOTL, Xochitl")
    told.patient.stops(link.shown.id)
    assert doctor.open("/see/scans").status == 410


def test_no_other_token_begins_a_visit(told, indoors):  # noqa: F811
    from tests.people import App

    app = App(indoors).is_let_in_by(told.patient, "launch/patient patient/Patient.rs")
    assert app.ask("POST", "/shl/visit").status_code == 403
    doctor = Guest(indoors)
    doctor.opens(told.patient.gives_a_code().code)
    assert doctor.ask("POST", "/shl/visit").status_code in {400, 403}
    assert requests.utils.dict_from_cookiejar(app.http.cookies) == {}


def test_the_patient_sees_who_opened_it_and_shows_it_again(told):
    link = receiver(told, number="yes", label="For the clinic")
    ana = told.patient
    assert ana.open("/shares").says("Link: For the clinic")
    assert ana.open("/shares").says("Not opened yet.")
    link.manifest(passcode=link.shown.number)
    Receiver(ana.house.session(), link.link, "Dr. B. Other").manifest(passcode=link.shown.number)
    page = ana.open(f"/shares/{link.shown.id}")
    assert page.says("Riverbend Emergency (Link: For the clinic) opened what you shared.")
    assert page.says("Dr. B. Other (Link: For the clinic) opened what you shared.")
    assert ana.open("/history").says("Riverbend Emergency")
    again = ana.reads_a_link(page.follow("Show the link"))
    assert (again.link, again.number) == (link.link, link.shown.number)
    ana.stops(link.shown.id)
    assert ana.open(f"/shares/{link.shown.id}/link").status == 404
    assert ana.open("/shares").says("Ended")
    assert ana.open("/history").says("Riverbend Emergency")  # still told who it was


def test_a_restored_backup_without_openers_makes_the_same_token_again(told, indoors):  # noqa: F811
    import sqlalchemy as sa

    from vault.tables_sharing import TokenHolderRow

    link = receiver(told, number="no")
    token = link.files()[TOKEN]["access_token"]
    with indoors.services.work() as work:
        work.session.execute(sa.delete(TokenHolderRow))
    app = Software(indoors, token)
    assert app.get("/fhir/Patient").status_code == 401
    assert link.files()[TOKEN]["access_token"] == token
    assert app.get("/fhir/Patient").status_code == 200


def test_no_secret_of_a_link_counts_as_another(told):
    link = receiver(told, number="no")
    token = link.files()[TOKEN]["access_token"]
    app, bare = Software(told.patient.house), token.partition("_")[2]
    key, address = link.payload["key"], link.url.rpartition("/")[2]
    for pretended in (f"phat_{bare}", f"phrt_{bare}", f"phlt_{key}", f"phlt_{address}", f"phat_{key}", bare, key):
        assert app.get("/fhir/Patient", token=pretended).status_code == 401, pretended[:5]
    files = f"{link.url.rpartition('/')[0]}/files"
    for pretended in (address, bare, key):
        assert link.http.get(f"{files}/{pretended}").status_code == 404
    assert link.http.post(f"{link.url}A", json={"recipient": "x"}).status_code == 404
    assert app.get("/fhir/Patient", token=token).status_code == 200


def test_a_removed_scan_is_in_no_link_any_more(told):
    _, other = told.another_scan(StudyDescription="MR of the knee", BodyPartExamined="KNEE")
    both, one = receiver(told, number="no", scans=(told.id, other)), receiver(told, number="no", scans=(told.id,))
    token = both.files()[TOKEN]["access_token"]
    page = told.patient.open(f"/scans/{told.id}/remove").send("Remove this scan")
    assert page.path == "/home", page
    (left,) = both.of(both.files()[SUMMARY], "ImagingStudy")
    assert left["description"] == "MR of the knee"
    app = Software(told.patient.house, token)
    assert app.get(f"{told.scan.address()}/metadata").status_code == 404
    assert one.asks().status_code == 404  # nothing was left in it


def test_a_hundred_names_are_told_and_more_are_counted(told, monkeypatch):
    from consent import health_links

    monkeypatch.setattr(health_links, "MOST_READERS", 2)
    link = receiver(told, number="no")
    for name in ("First Clinic", "Second Clinic", "Third Clinic", "First  Clinic"):
        assert link.asks(recipient=name).status_code == 200
    page = told.patient.open(f"/shares/{link.shown.id}")
    assert page.says("First Clinic (Health link) opened what you shared.")
    assert page.says("Second Clinic (Health link)")
    assert not page.says("Third Clinic")
    assert page.says("Health link opened what you shared.")


def test_a_link_that_is_open_when_its_sharing_runs_out_gives_nothing_more(told, indoors):  # noqa: F811
    link = receiver(told, number="no", length="4h")
    left = link.manifest()[0]["location"]
    indoors.clock.advance(hours=4)
    assert link.http.get(left).status_code == 404
    told.patient.signs_in()
    assert told.patient.open("/shares").says("Ended")


def test_a_report_whose_file_is_at_the_sites_own_server_is_in_the_link_all_the_same(told):
    away = {"contentType": "application/pdf", "url": "https://harbor.example.org/fhir/Binary/123"}
    told.site.takes_a_token()
    report = a_report("A second look.", number="RPT-2") | {"presentedForm": [away]}
    told.site.reports(told.scan.person, told.scan.name, report)
    link = receiver(told, number="no")
    reports = link.of(link.files()[SUMMARY], "DiagnosticReport")
    assert [away] in [one["presentedForm"] for one in reports]
    assert len(reports) == 2
