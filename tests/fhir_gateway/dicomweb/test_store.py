"""STOW-RS: what a site is told of each instance, and what is kept (PS3.18 10.5)."""

import pytest

from tests import factories as make
from tests.fhir_gateway.house import ADA, BO, a_patient, a_site
from vault.catalogue import open_catalogue

DUPLICATE, MISMATCH, NOT_UNDERSTOOD, SYNTAX = 0x0111, 0xA900, 0xC000, 0xC122


def reasons(answer, sequence="00081198"):
    return [one["00081197"]["Value"][0] for one in answer.json.get(sequence, {}).get("Value", [])]


def stored(answer):
    return [one["00081155"]["Value"][0] for one in answer.json.get("00081199", {}).get("Value", [])]


def kept(patient):
    with patient.services.reading() as work:
        return {one.uid: one.instances for one in open_catalogue(work, patient.keyring).studies}


def test_everything_stored_is_200_with_every_instance_named(site, patient):
    answer = site.stores(*make.a_ct_series(2))
    assert answer.status_code == 200
    assert stored(answer) == [make.a_uid("instance", "one", "first", number) for number in (1, 2)]
    assert kept(patient) == {make.a_uid("study", "one"): 2}


def test_a_site_is_told_no_address_to_read_from(site, patient):
    answer = site.stores(make.an_instance())
    assert answer.json["00081190"] == {"vr": "UR"}
    assert answer.json["00081199"]["Value"][0]["00081190"] == {"vr": "UR"}


def test_one_good_and_one_text_file_is_202(site, patient):
    answer = site.stores(make.an_instance(), b"these are no pictures at all")
    assert answer.status_code == 202
    assert len(stored(answer)) == 1
    assert reasons(answer, "0008119A") == [NOT_UNDERSTOOD]


def test_nothing_but_a_text_file_is_409(site):
    answer = site.stores(b"these are no pictures at all")
    assert answer.status_code == 409
    assert reasons(answer, "0008119A") == [NOT_UNDERSTOOD]


def test_a_study_in_the_address_refuses_another(site, patient):
    answer = site.stores(make.an_instance(), study="1.2.3")
    assert (answer.status_code, reasons(answer)) == (409, [MISMATCH])
    assert kept(patient) == {}


def test_the_same_again_is_200_and_kept_once(site, patient):
    for _ in range(3):
        assert site.stores(make.an_instance()).status_code == 200
    assert site.with_next_token().stores(make.an_instance()).status_code == 200
    assert kept(patient) == {make.a_uid("study", "one"): 1}


def test_other_pixels_under_the_same_uid_are_refused_and_the_first_stay(site, patient):
    first = make.an_instance(seed=1)
    site.stores(first)
    answer = site.stores(make.an_instance(seed=2), make.an_instance(number=2))
    assert (answer.status_code, reasons(answer)) == (202, [DUPLICATE])
    again = patient.lets_in().whole(make.a_uid("study", "one"))
    assert first in again.data


def test_a_truncated_file_fails_alone_and_the_next_is_stored(site, patient):
    whole = make.an_instance(number=2)
    answer = site.stores(make.an_instance()[:-200], whole)
    assert answer.status_code == 202
    assert stored(answer) == [make.a_uid("instance", "one", "first", 2)]


def test_a_body_that_breaks_off_keeps_nothing(site, patient):
    body, kind = make.a_body(make.a_ct_series(3))
    answer = site.post("/dicomweb/studies", body[: len(body) - 300], kind)
    assert answer.status_code == 400
    assert kept(patient) == {}
    assert site.stores(*make.a_ct_series(3)).status_code == 200


def test_an_unknown_transfer_syntax_is_refused(site):
    odd = make.an_instance().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0", 1)
    answer = site.stores(odd)
    assert (answer.status_code, reasons(answer)) == (409, [SYNTAX])


def test_an_instance_without_a_patient_number_is_refused(site):
    answer = site.stores(make.an_instance(PatientID=None))
    assert (answer.status_code, reasons(answer)) == (409, [NOT_UNDERSTOOD])
    assert "names no patient" in answer.headers["Warning"]
    assert answer.json["00081198"]["Value"][0]["00000902"]["Value"] == [
        "The object names no patient: Patient ID (0010,0020) is empty."
    ]


def test_an_instance_without_a_series_is_refused_by_its_name(site):
    answer = site.stores(make.an_instance(), make.an_instance(number=2, SeriesInstanceUID=None))
    assert (answer.status_code, reasons(answer)) == (202, [NOT_UNDERSTOOD])
    (failed,) = answer.json["00081198"]["Value"]
    assert failed["00000902"]["Value"] == ["No valid UID in (0020,000E)"]
    assert failed["00081155"]["Value"] == [make.a_uid("instance", "one", "first", 2)]
    assert "0008119A" not in answer.json


def test_a_second_patient_in_one_study_is_refused(site, patient):
    other = make.an_instance(number=2, person=make.ANOTHER_PERSON)
    answer = site.stores(make.an_instance(), other)
    assert (answer.status_code, reasons(answer)) == (202, [MISMATCH])
    assert kept(patient) == {make.a_uid("study", "one"): 1}


def test_a_second_patient_in_one_study_is_refused_in_a_later_request_too(site, patient):
    site.stores(make.an_instance())
    answer = site.stores(make.an_instance(number=2, person=make.ANOTHER_PERSON))
    assert (answer.status_code, reasons(answer)) == (409, [MISMATCH])


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ('multipart/related; type="application/json"; boundary=b', 415),
        ('multipart/related; type="application/dicom+json"; boundary=b', 400),
        ('multipart/related; type="application/dicom+xml"; boundary=b', 415),
        ("application/dicom", 409),
        ('multipart/form-data; boundary="b"', 415),
        ('multipart/related; type="application/dicom"', 400),
    ],
)
def test_another_kind_of_body_is_refused(site, kind, status):
    assert site.post("/dicomweb/studies", b"--b--\r\n", kind).status_code == status


@pytest.mark.parametrize("body", [b"", b"--b--\r\n", b"no boundary anywhere"])
def test_a_body_without_instances_is_400(site, body):
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    assert site.post("/dicomweb/studies", body, kind).status_code == 400


def test_an_encoded_body_is_not_unpacked(site):
    body, kind = make.a_body([make.an_instance()])
    assert site.post("/dicomweb/studies", body, kind, Content_Encoding="gzip").status_code == 415


def test_the_preamble_is_blanked_and_its_sender_told(site, patient):
    pushed = site.stores(make.an_instance(preamble=b"MZ this is a program"))
    assert pushed.status_code == 202
    (kept,) = pushed.json["00081199"]["Value"]
    assert kept["00081196"]["Value"] == [0xB000]
    assert kept["04000561"]["Value"][0]["04000565"]["Value"] == ["COERCE"]
    assert list(kept) == sorted(kept)
    answer = patient.lets_in().whole(make.a_uid("study", "one"))
    assert b"MZ this" not in answer.data
    assert bytes(128) + b"DICM" in answer.data


def test_a_series_has_its_previews_when_it_has_been_stored(site, patient):
    site.stores(*make.a_ct_series(3))
    with patient.services.reading() as work:
        (study,) = open_catalogue(work, patient.keyring).studies
    assert [one.has_preview for one in study.series] == [True]


def test_nobody_waits_for_the_small_pictures(site, patient):
    def has_preview():
        with patient.services.reading() as work:
            return open_catalogue(work, patient.keyring).studies[0].series[0].has_preview

    body, kind = make.a_body(make.a_ct_series(3))
    named = {"Authorization": f"Bearer {site.token}"}
    answer = site.http.post("/dicomweb/studies", data=body, content_type=kind, headers=named)
    assert (answer.status_code, len(stored(answer))) == (200, 3)
    assert not has_preview()
    answer.close()  # which the server does once it has sent it
    assert has_preview()


def test_a_series_that_came_in_several_requests_is_seen_by_the_middle_of_all(site, patient):
    files = make.a_ct_series(8)
    for one in (files[:1], files[4:7], files[1:4], files[7:]):
        assert site.stores(*one).status_code == 200
    app = patient.lets_in()
    at = f"/dicomweb/studies/{make.a_uid('study', 'one')}/series/{make.a_uid('series', 'one', 'first')}"
    kept = app.get(f"{at}/thumbnail", "image/jpeg").data
    # The last request brought one picture alone, and the series to twice what it was.
    assert kept == app.get(f"{at}/instances/{make.a_uid('instance', 'one', 'first', 5)}/thumbnail", "image/jpeg").data


def test_pictures_of_another_token_are_no_obstacle_to_a_preview(site, patient):
    files = make.a_ct_series(4)
    site.stores(*files[:1])
    assert site.with_next_token().stores(*files[1:]).status_code == 200
    app = patient.lets_in()
    at = f"/dicomweb/studies/{make.a_uid('study', 'one')}/series/{make.a_uid('series', 'one', 'first')}"
    kept = app.get(f"{at}/thumbnail", "image/jpeg").data
    assert kept == app.get(f"{at}/instances/{make.a_uid('instance', 'one', 'first', 3)}/thumbnail", "image/jpeg").data


def test_pictures_that_cannot_be_shown_are_stored_all_the_same(site, patient):
    answer = site.stores(make.an_instance(rows=0, columns=0, pixels=make.some_pixels(rows=2, columns=2)))
    assert answer.status_code == 200


def test_without_a_darkroom_instances_are_stored_without_previews(house, site, patient):
    del house.extensions["renderer"]
    assert site.stores(make.an_instance()).status_code == 200


def test_two_sites_with_one_uid_learn_nothing_of_each_other(house, site, patient):
    other = a_site(house, "Hill Scan Center")
    stranger = a_patient(house).is_linked_to(other, BO)
    mine = make.an_instance(seed=1)
    theirs = make.an_instance(seed=2, person=make.ANOTHER_PERSON)
    assert site.stores(mine).status_code == 200
    answer = other.stores(theirs)
    assert (answer.status_code, len(stored(answer))) == (200, 1)
    study = make.a_uid("study", "one")
    assert mine in patient.lets_in().whole(study).data
    assert theirs in stranger.lets_in().whole(study).data


def test_whoever_may_not_create_stores_nothing(site, patient):
    narrow = site.with_next_token("system/Patient.c")
    assert narrow.stores(make.an_instance()).status_code == 403
    app = patient.lets_in(studies=())
    body, kind = make.a_body([make.an_instance()])
    assert app.post("/dicomweb/studies", body, kind).status_code == 403
    assert ADA.mrn not in app.post("/dicomweb/studies", body, kind).text
    assert kept(patient) == {}
