"""SMART Imaging Access: the cases, by their numbers."""

import hashlib

import pytest

from tests import factories as make
from tests.fhir_gateway.callers import AS_STORED, parts_of
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.house import BO, a_patient, nobody
from vault.keyring import KeyClass

STUDY = make.a_uid("study", "one")
ORIGIN = "https://phr.example.org"
SPELLINGS = (
    "http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token",
    "http://fhir.org/argonaut/smart-imaging/StructureDefinition/requires-access-token",
)


@pytest.fixture
def files():
    return make.a_ct_series(2)


@pytest.fixture
def pushed(site, patient, files):  # noqa: F811
    site.stores(*files)
    return patient


@pytest.fixture
def other(house, site, pushed):  # noqa: F811
    stranger = a_patient(house).is_linked_to(site, BO)
    site.stores(make.an_instance(study="theirs", person=make.ANOTHER_PERSON))
    return stranger


@pytest.mark.case("2.1")
def test_2_1_discovery_names_imaging_access_and_app_launch(house):  # noqa: F811
    stated = nobody(house).get("/fhir/.well-known/smart-configuration").json
    assert "smart-imaging-access" in stated["capabilities"]
    assert "http://fhir.org/argonaut/smart-imaging/capabilities/app-launch" in stated["capabilities"]
    assert "http://fhir.org/argonaut/smart-imaging/capabilities/backend-services" not in stated["capabilities"]
    assert {"url": f"{ORIGIN}/dicomweb", "capabilities": ["smart-imaging-access"]} in stated["associated_endpoints"]


@pytest.mark.case("2.2")
def test_2_2_every_study_has_an_endpoint_that_wants_the_token(pushed):
    bundle = pushed.lets_in().searches("ImagingStudy", ("patient", pushed.id), ("_include", "ImagingStudy:endpoint"))
    matches = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "match"]
    assert (bundle["type"], bundle["total"], len(matches)) == ("searchset", 1, 1)
    for study in matches:
        inside = {f"#{one['id']}": one for one in study["contained"]}
        endpoint = inside[study["endpoint"][0]["reference"]]
        assert endpoint["connectionType"]["code"] == "dicom-wado-rs"
        assert [one["valueBoolean"] for one in endpoint["extension"]] == [True, True]
        assert len({one["url"] for one in endpoint["extension"]}) == 2


@pytest.mark.case("2.3")
def test_2_3_another_patient_is_403_and_no_bundle(pushed, other):
    answer = pushed.lets_in().search("ImagingStudy", ("patient", other.id), ("_include", "ImagingStudy:endpoint"))
    assert (answer.status_code, answer.json["resourceType"]) == (403, "OperationOutcome")


@pytest.mark.case("2.4")
def test_2_4_a_study_is_found_by_its_uid_without_a_system(pushed):
    app = pushed.lets_in()
    for value in (f"urn:oid:{STUDY}", f"urn:dicom:uid|urn:oid:{STUDY}", STUDY):
        assert app.searches("ImagingStudy", ("patient", pushed.id), ("identifier", value))["total"] == 1
    assert app.searches("ImagingStudy", ("patient", pushed.id), ("identifier", "urn:oid:1.2.3"))["total"] == 0


@pytest.mark.case("2.5")
def test_2_5_what_came_after_a_moment_is_found_by_it(site, pushed, clock):  # noqa: F811
    app = pushed.lets_in()
    now = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert app.searches("ImagingStudy", ("patient", pushed.id), ("_lastUpdated", f"gt{now}"))["total"] == 0
    clock.advance(seconds=30)
    site.with_next_token().stores(make.an_instance(number=7))
    assert app.searches("ImagingStudy", ("patient", pushed.id), ("_lastUpdated", f"gt{now}"))["total"] == 1


@pytest.mark.case("2.6")
def test_2_6_a_study_comes_byte_for_byte_from_its_address(pushed, files):
    app = pushed.lets_in()
    (study,) = app.matches("ImagingStudy")
    address = study["contained"][0]["address"].removeprefix(ORIGIN)
    answer = app.get(f"{address}/studies/{STUDY}", "multipart/related; type=application/dicom; transfer-syntax=*")
    assert answer.status_code == 200
    digests = [hashlib.sha256(octets).digest() for _, octets in parts_of(answer)]
    assert digests == [hashlib.sha256(file).digest() for file in files]


@pytest.mark.case("2.7")
def test_2_7_another_patients_token_gets_nothing(house, pushed, other):  # noqa: F811
    answer = other.lets_in().get(f"/dicomweb/studies/{STUDY}", AS_STORED)
    assert answer.status_code == 404
    assert b"DICM" not in answer.data
    assert nobody(house).get(f"/dicomweb/studies/{STUDY}", AS_STORED).status_code == 401


@pytest.mark.case("2.8")
def test_2_8_pictures_without_reports_refuse_the_whole_study(site, pushed):  # noqa: F811
    site.stores(make.a_text_report())
    app = pushed.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert app.get(f"/dicomweb/studies/{STUDY}", AS_STORED).status_code == 403
    series = make.a_uid("series", "one", "first")
    assert app.get(f"/dicomweb/studies/{STUDY}/series/{series}", AS_STORED).status_code == 200


@pytest.mark.case("2.9")
def test_2_9_a_sites_token_reads_nothing_not_even_its_own(site, pushed):  # noqa: F811
    for path in (
        f"/fhir/ImagingStudy?patient={pushed.id}",
        "/fhir/ImagingStudy/" + "0" * 32,
        "/dicomweb/studies",
        f"/dicomweb/studies/{STUDY}",
        f"/dicomweb/studies/{STUDY}/metadata",
    ):
        assert site.get(path).status_code == 403


@pytest.mark.case("2.12")
def test_2_12_without_include_every_endpoint_is_at_hand(pushed):
    (study,) = pushed.lets_in().matches("ImagingStudy")
    inside = {f"#{one['id']}" for one in study["contained"]}
    assert {one["reference"] for one in study["endpoint"]} <= inside


@pytest.mark.case("2.2", "2.12")
def test_2_2_each_endpoint_can_be_asked_for_by_itself(pushed):
    app = pushed.lets_in()
    bundle = app.searches("ImagingStudy", ("patient", f"Patient/{pushed.id}"), ("_include", "ImagingStudy:endpoint"))
    included = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "include"]
    assert included, "an endpoint that was asked for is not there"
    for endpoint in included:
        alone = app.reads("Endpoint", endpoint["id"]).json
        assert (alone["address"], alone["status"]) == (f"{ORIGIN}/dicomweb", "active")
        assert {one["url"]: one["valueBoolean"] for one in alone["extension"]} == dict.fromkeys(SPELLINGS, True)


@pytest.mark.case("2.6")
def test_2_6_an_older_app_asks_with_quotes_and_by_series(pushed, files):
    app = pushed.lets_in()
    for place in (STUDY, f"{STUDY}/series/{make.a_uid('series', 'one', 'first')}"):
        assert [octets for _, octets in parts_of(app.whole(place))] == files


@pytest.mark.case("2.7")
def test_2_7_once_the_patient_stops_the_token_gets_nothing_of_either(pushed):
    app = pushed.lets_in()
    pushed.stops()
    for answer in (app.search("ImagingStudy", ("patient", pushed.id)), app.whole(STUDY)):
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert b"DICM" not in answer.data


@pytest.mark.case("2.8")
def test_2_8_a_study_that_was_not_shared_is_left_out_and_so_is_its_endpoint(site, pushed):  # noqa: F811
    first = pushed.studies()[0]
    site.with_next_token().stores(make.an_instance(study="another"))
    app = pushed.lets_in(list(first.folders))
    bundle = app.searches("ImagingStudy", ("patient", pushed.id), ("_include", "ImagingStudy:endpoint"))
    found = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "match"]
    assert (bundle["total"], len(found)) == (1, 1)
    assert found[0]["identifier"][0]["value"] == f"urn:oid:{STUDY}"
    assert app.whole(make.a_uid("study", "another")).status_code == 404


@pytest.mark.case("2.10")
def test_2_10_a_store_that_is_away_is_waited_for(site, pushed, files, tmp_path):  # noqa: F811
    app = pushed.lets_in()
    series = make.a_uid("series", "one", "first")
    picture = f"{STUDY}/series/{series}/instances/{make.a_uid('instance', 'one', 'first', 1)}"
    (tmp_path / "objects").rename(tmp_path / "unmounted")
    slow = [
        app.whole(STUDY),
        app.get(f"/dicomweb/studies/{STUDY}/series/{series}/metadata"),
        app.get(f"/dicomweb/studies/{picture}/frames/1"),
        app.search("ImagingStudy", ("patient", pushed.id)),
    ]
    later = site.with_next_token().stores(make.an_instance(number=9))
    (tmp_path / "unmounted").rename(tmp_path / "objects")
    assert (later.status_code, later.headers["Retry-After"]) == (503, "30"), "a site tries again, too"
    for answer in slow:
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert b"DICM" not in answer.data
    assert slow[-1].json["issue"][0]["code"] == "transient"
    assert [octets for _, octets in parts_of(app.whole(STUDY))] == files
    assert app.searches("ImagingStudy", ("patient", pushed.id))["total"] == 1
