"""The signed list of a study: what it promises is what WADO sends, and nobody learns more from it than from a copy."""

import hashlib
import json
from base64 import urlsafe_b64decode

import pytest

from consent.attesting import read_attested
from consent.errors import NotAttested
from fhir_gateway.dicom.syntaxes import EXPLICIT_BIG, IMPLICIT_LITTLE
from fhir_gateway.dicomweb.manifest import KIND
from tests import factories as make
from tests.fhir_gateway.callers import parts_of
from tests.fhir_gateway.house import BO, a_patient, nobody
from vault.keyring import KeyClass

STUDY = make.a_uid("study", "one")
MANIFEST = f"/dicomweb/studies/{STUDY}/manifest"


def keys_of(house):
    return nobody(house).get("/dicomweb/manifest-keys").json


def manifest(house, app, path=MANIFEST):
    answer = app.get(path)
    assert (answer.status_code, answer.content_type) == (200, "application/jose"), answer.text
    return read_attested(answer.text, keys_of(house), kind=KIND)


def test_the_list_says_what_a_copy_consists_of(house, site, patient):
    files = make.a_ct_series(3)
    site.stores(*files)
    app = patient.lets_in()
    said = manifest(house, app)
    assert (said["iss"], said["study"], said["count"]) == ("https://phr.example.org", STUDY, 3)
    assert said["octets"] == sum(map(len, files))
    sent = [octets for _, octets in parts_of(app.whole(STUDY))]
    assert [one["sha256"] for one in said["instances"]] == [hashlib.sha256(octets).hexdigest() for octets in sent]
    assert [one["length"] for one in said["instances"]] == [len(octets) for octets in sent]
    assert {one["instance"] for one in said["instances"]} == {
        make.a_uid("instance", "one", "first", n) for n in (1, 2, 3)
    }


@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE, EXPLICIT_BIG])
def test_what_is_written_anew_on_its_way_is_marked_so(house, site, patient, syntax):
    file = make.an_instance(syntax=syntax)
    site.stores(file)
    app = patient.lets_in()
    (entry,) = manifest(house, app)["instances"]
    assert entry["reencoded"] is True
    assert entry["sha256"] == hashlib.sha256(file).hexdigest()
    ((_, sent),) = parts_of(app.whole(STUDY))
    assert hashlib.sha256(sent).hexdigest() != entry["sha256"]


def test_digests_are_noted_when_octets_come_and_no_octets_are_read_again(house, site, patient, monkeypatch):
    site.stores(*make.a_ct_series(2))
    app = patient.lets_in()

    def reads(*_):
        raise AssertionError("a picture was opened")

    monkeypatch.setattr("vault.sealing.stream.SealedObject.iter", reads)
    assert manifest(house, app)["count"] == 2


def test_of_what_came_before_digests_were_noted_one_is_taken_now(house, site, patient, monkeypatch):
    file = make.an_instance()
    with monkeypatch.context() as patch:
        as_before = {"sha256": None}
        real = json.dumps

        def dumps(value, *args, **more):
            if isinstance(value, dict) and "frames" in value and "uids" in value:
                value = {key: kept for key, kept in value.items() if key not in as_before}
            return real(value, *args, **more)

        patch.setattr("vault.objects.json.dumps", dumps)
        site.stores(file)
    app = patient.lets_in()
    assert manifest(house, app)["instances"][0]["sha256"] == hashlib.sha256(file).hexdigest()


def test_who_may_not_copy_gets_no_list(house, site, patient):
    site.stores(*make.a_ct_series(2), make.a_text_report())
    looker = patient.lets_in(view_only=True)
    assert looker.get(MANIFEST).status_code == 403
    assert "not saving a copy" in looker.get(MANIFEST).text
    assert patient.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES})).get(MANIFEST).status_code == 403
    other = a_patient(house).is_linked_to(site, BO)
    site.with_next_token().stores(make.an_instance(study="theirs", person=make.ANOTHER_PERSON))
    assert other.lets_in().get(MANIFEST).status_code == 404
    assert nobody(house).get(MANIFEST).status_code == 401
    assert site.get(MANIFEST).status_code == 403
    assert patient.lets_in().get("/dicomweb/studies/1.2.three/manifest").status_code == 400
    assert patient.lets_in().get(MANIFEST, "application/json").status_code == 406


def another_first(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def test_a_changed_list_and_a_list_of_another_server_prove_nothing(house, site, patient):
    site.stores(make.an_instance())
    text = patient.lets_in().get(MANIFEST).text
    head, body, signature = text.split(".")
    keys = keys_of(house)
    assert "d" not in keys["keys"][0]
    said = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert said == read_attested(text, keys, kind=KIND)
    for changed in (
        f"{head}.{another_first(body)}.{signature}",
        f"{head}.{body}.{another_first(signature)}",
        f"{head}.{body}.",
        "",
        "a.b",
    ):
        with pytest.raises(NotAttested):
            read_attested(changed, keys, kind=KIND)
    with pytest.raises(NotAttested):
        read_attested(text, keys, kind="another+json")
    for others in ({"keys": []}, {}, {"keys": [{**keys["keys"][0], "x": "A" * 43}]}, {"keys": keys["keys"] * 2}):
        with pytest.raises(NotAttested):
            read_attested(text, others, kind=KIND)
