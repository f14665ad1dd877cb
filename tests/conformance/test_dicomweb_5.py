"""DICOMweb, PS3.18: the cases, by their numbers."""

import hashlib
import io

import pytest
from PIL import Image

from tests import factories as make
from tests.fhir_gateway.callers import AS_STORED, parts_of
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.house import BO, a_patient, a_site, nobody
from vault.audit import Actor
from vault.custody import forget_study

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
ONE = f"{STUDY}/series/{SERIES}/instances/{make.a_uid('instance', 'one', 'first', 1)}"
ORIGIN = "https://phr.example.org"
ALWAYS = set(
    "00080020 00080030 00080050 00080061 00080090 00081190 00100010 00100020 00100030 00100040 0020000D 00200010 "  # noqa: SIM905
    "00201206 00201208".split()
)


@pytest.fixture
def app(site, patient):  # noqa: F811
    site.stores(*make.a_ct_series(3, StudyDate="20240110"))
    site.stores(make.an_instance(study="two", modality="MR", StudyDate="20240301"))
    site.stores(make.an_instance(study="three", modality="CR", StudyDate="20230301"))
    return patient.lets_in()


def studies(answer):
    assert answer.status_code == 200
    return [row["0020000D"]["Value"][0] for row in answer.json]


@pytest.mark.case("5.1")
def test_5_1_only_ones_own_studies_with_all_that_is_required(house, site, app):  # noqa: F811
    a_patient(house).is_linked_to(site, BO)
    site.stores(make.an_instance(study="theirs", person=make.ANOTHER_PERSON))
    answer = app.queries("studies")
    assert set(studies(answer)) == {make.a_uid("study", one) for one in ("one", "two", "three")}
    assert all(set(row) >= ALWAYS for row in answer.json)
    assert studies(app.queries("studies", ("ModalitiesInStudy", "CT"))) == [STUDY]
    assert studies(app.queries("studies", ("StudyDate", "20240101-20240131"))) == [STUDY]
    assert len(studies(app.queries("studies", ("PatientName", "exa*")))) == 3


@pytest.mark.case("5.2")
def test_5_2_nothing_found_is_an_empty_list(app):
    assert studies(app.queries("studies", ("StudyInstanceUID", "9.9"))) == []


@pytest.mark.case("5.3")
def test_5_3_fuzzy_matching_is_declined(app):
    answer = app.queries("studies", ("fuzzymatching", "true"))
    assert answer.status_code == 200
    assert answer.headers["Warning"].startswith("299 ")


@pytest.mark.case("5.4")
def test_5_4_pages(app):
    first, again = (studies(app.queries("studies", ("limit", "1"), ("offset", "1"))) for _ in range(2))
    assert first == again == [STUDY]
    assert app.queries("studies", ("limit", "-1")).status_code == 400


@pytest.mark.case("5.5")
def test_5_5_every_part_is_the_file_that_was_stored(app):
    files = make.a_ct_series(3, StudyDate="20240110")
    got = [hashlib.sha256(octets).digest() for _, octets in parts_of(app.whole(STUDY))]
    assert got == [hashlib.sha256(file).digest() for file in files]


@pytest.mark.case("5.6")
def test_5_6_without_a_syntax_no_packed_picture(site, patient):  # noqa: F811
    site.stores(make.an_instance(syntax=make.JPEG_LS))
    answer = patient.lets_in().whole(STUDY, 'multipart/related; type="application/dicom"')
    ((head, octets),) = parts_of(answer)
    assert head["Content-Type"].endswith("=1.2.840.10008.1.2.1")
    assert make.some_pixels(rows=32, columns=40, seed=1).tobytes() in octets


@pytest.mark.case("5.7")
def test_5_7_implicit_is_served_explicit(site, patient):  # noqa: F811
    site.stores(make.an_instance(syntax=make.IMPLICIT))
    ((_, octets),) = parts_of(patient.lets_in().whole(STUDY, AS_STORED))
    assert b"1.2.840.10008.1.2.1\0" in octets[132:400]


@pytest.mark.case("5.8")
def test_5_8_frames_have_the_length_of_their_pixels(site, patient):  # noqa: F811
    site.stores(make.an_instance(frames=3))
    app = patient.lets_in()
    ((_, frame),) = parts_of(
        app.get(f"/dicomweb/studies/{ONE}/frames/1", AS_STORED.replace("application/dicom", "application/octet-stream"))
    )
    assert len(frame) == 32 * 40 * 2
    assert len(parts_of(app.get(f"/dicomweb/studies/{ONE}/frames/1,3"))) == 2
    assert app.get(f"/dicomweb/studies/{ONE}/frames/0").status_code == 400
    assert app.get(f"/dicomweb/studies/{ONE}/frames/999").status_code == 404


@pytest.mark.case("5.9")
def test_5_9_part_headers_are_spelled_as_viewers_read_them(app):
    body = app.get(f"/dicomweb/studies/{ONE}/frames/1").data
    assert b"Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n" in body


@pytest.mark.case("5.10")
def test_5_10_metadata_leads_to_its_bulk_data(house, app):  # noqa: F811
    rows = app.queries(f"studies/{STUDY}/metadata").json
    assert len(rows) == 3
    for row in rows:
        assert list(row) == sorted(row)
        assert not [tag for tag in row if tag.startswith("0002")]
    address = rows[0]["7FE00010"]["BulkDataURI"].removeprefix(ORIGIN)
    assert app.get(address).status_code == 200
    assert nobody(house).get(address).status_code == 401


@pytest.mark.case("5.11")
def test_5_11_a_pdf_in_dicom_is_served_as_pdf(site, patient):  # noqa: F811
    site.stores(make.a_pdf_document())
    uids = make.a_uid("series", "one", "documents"), make.a_uid("instance", "one", "documents", 1)
    path = f"/dicomweb/studies/{STUDY}/series/{uids[0]}/instances/{uids[1]}/rendered"
    app = patient.lets_in()
    assert app.get(path, "application/pdf").data.startswith(b"%PDF")
    assert app.get(path, "image/jpeg").status_code == 406


@pytest.mark.case("5.12")
def test_5_12_a_rendered_picture_fits_its_viewport(app):
    answer = app.get(f"/dicomweb/studies/{ONE}/rendered?window=40,400,linear&viewport=16,16")
    assert max(Image.open(io.BytesIO(answer.data)).size) <= 16
    assert app.get(f"/dicomweb/studies/{ONE}/rendered?viewport=a").status_code == 400


@pytest.mark.case("5.13")
def test_5_13_a_range_of_bulk_data(app):
    address = f"/dicomweb/studies/{ONE}/bulkdata/7FE00010"
    answer = app.get(address, Range="bytes=0-99")
    assert (answer.status_code, len(answer.data)) == (206, 100)
    assert answer.headers["Content-Range"] == "bytes 0-99/2560"
    assert app.get(address, Range="bytes=2560-").status_code == 416


@pytest.mark.case("5.14")
def test_5_14_odd_wishes_and_unknown_studies(app):
    assert app.whole(STUDY, "application/xhtml").status_code == 406
    assert app.whole("9.9").status_code == 404


@pytest.mark.case("5.14")
def test_5_14_a_deleted_study_is_as_unknown_as_one_that_never_was(app, patient):  # noqa: F811
    (study,) = [one for one in app.matches("ImagingStudy") if one["identifier"][0]["value"].endswith(STUDY)]
    with patient.services.work() as work:
        by = Actor("patient", patient.keyring.vault_id)
        forget_study(work, [bytes.fromhex(study["id"])], owner=patient.keyring, by=by)
    gone, never = app.whole(STUDY), app.whole("9.9")
    assert (gone.status_code, gone.data) == (never.status_code, never.data)
    assert studies(app.get(f"/dicomweb/studies?StudyInstanceUID={STUDY}")) == []


@pytest.mark.case("5.15")
def test_5_15_a_push_is_answered_for_each_instance(site):  # noqa: F811
    good = make.a_ct_series(2)
    both = site.stores(*good)
    assert (both.status_code, len(both.json["00081199"]["Value"])) == (200, 2)
    mixed = site.stores(make.an_instance(number=3), b"a text file")
    assert mixed.status_code == 202
    assert "0008119A" in mixed.json
    assert site.stores(b"a text file").status_code == 409
    assert site.post("/dicomweb/studies", b"x", 'multipart/related; type="text/plain"; boundary=x').status_code == 415
    assert (
        site.post("/dicomweb/studies", b"", 'multipart/related; type="application/dicom"; boundary=x').status_code
        == 400
    )


@pytest.mark.case("5.16")
def test_5_16_other_studies_repeats_and_other_pixels(site, patient):  # noqa: F811
    def reason(answer):
        return answer.json["00081198"]["Value"][0]["00081197"]["Value"]

    astray = site.stores(make.an_instance(), study="1.2.3")
    assert (astray.status_code, reason(astray)) == (409, [43264])
    assert [site.stores(make.an_instance()).status_code for _ in range(2)] == [200, 200]
    other = site.stores(make.an_instance(seed=5))
    assert (other.status_code, reason(other)) == (409, [273])


@pytest.mark.case("5.17")
def test_5_17_a_uid_of_another_sites_patient_is_each_ones_own(house, site, patient):  # noqa: F811
    hill = a_site(house, "Hill Scan Center")
    stranger = a_patient(house).is_linked_to(hill, BO)
    mine, theirs = make.an_instance(), make.an_instance(seed=9, person=make.ANOTHER_PERSON)
    first, second = site.stores(mine), hill.stores(theirs)
    assert first.json == second.json
    assert parts_of(patient.lets_in().whole(STUDY))[0][1] == mine
    assert parts_of(stranger.lets_in().whole(STUDY))[0][1] == theirs
