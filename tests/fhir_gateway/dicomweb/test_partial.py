"""Ranges, what is known already, packed descriptions, and the forms in which octets are given (PS3.18 8.7, RFC 9110)."""

import gzip
import json

import pytest

from tests import factories as make
from tests.fhir_gateway.callers import parts_of
from tests.fhir_gateway.house import ADA, a_site

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
AT = f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{make.a_uid('instance', 'one', 'first', 1)}"
BARE = "application/dicom; transfer-syntax=*"
JPEG_LS_FRAMES = 'multipart/related; type="image/jls"'


@pytest.fixture
def app(site, patient):
    site.stores(make.an_instance(frames=2))
    return patient.lets_in()


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("", BARE),
        ("/bulkdata/7FE00010", "application/octet-stream"),
        ("/pixeldata", "application/octet-stream"),
        ("/frames/2", "application/octet-stream"),
        ("/rendered", "image/png"),
    ],
)
def test_what_is_one_thing_comes_by_range_and_is_known_again(app, path, accept):
    whole = app.get(AT + path, accept)
    tag = whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert app.get(AT + path, accept, Range="bytes=10-19").data == whole.data[10:20]
    assert app.get(AT + path, accept, Range="bytes=10-19", If_Range=tag).status_code == 206
    assert app.get(AT + path, accept, Range="bytes=10-19", If_Range='"other"').status_code == 200
    assert app.get(AT + path, accept, Range=f"bytes={len(whole.data)}-").status_code == 416
    again = app.get(AT + path, accept, If_None_Match=tag)
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert app.get(AT + path, accept, If_None_Match='"other"').status_code == 200


def test_other_octets_have_another_tag(site, app):
    site.stores(make.an_instance(number=2))
    other = AT.replace(make.a_uid("instance", "one", "first", 1), make.a_uid("instance", "one", "first", 2))
    places = (AT, other, f"{AT}/frames/1", f"{AT}/frames/2", f"{AT}/bulkdata/7FE00010", f"{AT}/rendered?quality=5")
    tags = [app.get(one, BARE if one in (AT, other) else "*/*;q=0.1, application/octet-stream, image/jpeg").headers.get("ETag")
            for one in places]  # fmt: skip
    assert None not in tags
    assert len(set(tags)) == len(tags)


def test_a_range_of_many_parts_is_all_of_them(app):
    answer = app.get(AT, 'multipart/related; type="application/dicom"; transfer-syntax=*', Range="bytes=0-9")
    assert answer.status_code == 200
    assert len(parts_of(answer)) == 1


def test_bulk_data_comes_in_parts_to_whoever_only_takes_parts(app):
    ((head, octets),) = parts_of(
        app.get(f"{AT}/bulkdata/7FE00010", 'multipart/related; type="application/octet-stream"')
    )
    assert head["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert octets == app.get(f"{AT}/bulkdata/7FE00010").data
    assert app.get(f"{AT}/bulkdata/7FE00010", "image/jpeg").status_code == 406


def test_packed_pixel_data_is_its_frames(site, patient):
    site.stores(make.an_instance(syntax=make.JPEG_LS, frames=2))
    parts = parts_of(patient.lets_in().get(f"{AT}/pixeldata", JPEG_LS_FRAMES))
    assert [head["Content-Type"] for head, _ in parts] == ["image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"] * 2
    assert all(octets.startswith(b"\xff\xd8") for _, octets in parts)


def test_an_object_without_pictures_has_no_pixel_data(site, patient):
    site.stores(make.a_text_report())
    series = make.a_uid("series", "one", "reports")
    path = (
        f"/dicomweb/studies/{STUDY}/series/{series}/instances/{make.a_uid('instance', 'one', 'reports', 1)}/pixeldata"
    )
    assert patient.lets_in().get(path).status_code == 406


@pytest.mark.parametrize("place", [f"/studies/{STUDY}/metadata", f"/studies/{STUDY}/series/{SERIES}/metadata"])
def test_descriptions_are_packed_for_whoever_takes_them_so(site, app, place):
    site.stores(make.an_instance(number=2, series="second"))
    plain = app.get(f"/dicomweb{place}")
    packed = app.get(f"/dicomweb{place}", Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data)
    assert json.loads(gzip.decompress(packed.data)) == plain.json
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in app.get(f"/dicomweb{place}", Accept_Encoding="gzip;q=0").headers


def test_descriptions_are_known_again(app):
    for path in (f"/dicomweb/studies/{STUDY}/series/{SERIES}/metadata", f"{AT}/metadata"):
        tag = app.get(path).headers["ETag"]
        assert app.get(path, If_None_Match=tag).status_code == 304


def test_the_accepted_type_may_stand_in_the_query(app):
    assert app.get(f"{AT}/rendered?accept=image/png", "text/plain").content_type == "image/png"
    assert app.get(f"{AT}/metadata?accept=application/dicom+json", "text/plain").status_code == 200
    assert app.get(f"{AT}/metadata?accept=text/html").status_code == 406


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ('text/html, multipart/related; type="application/dicom"; q=0.5; transfer-syntax=*', "multipart"),
        ("multipart/related; type=application/dicom; transfer-syntax=*", "multipart"),
        ("multipart/related; type=application/*; transfer-syntax=*", "multipart"),
        ('multipart/related; type="*/*"', "multipart"),
        ("multipart/*", "multipart"),
        ("*/*", "multipart"),
        ("application/dicom; transfer-syntax=*, multipart/related; type=application/dicom; q=0.1", "application/dicom"),
        ("application/dicom;q=0.1, multipart/related; type=application/dicom", "multipart"),
    ],
)
def test_what_is_accepted_is_read_as_it_is_written(app, accept, kind):
    answer = app.get(AT, accept)
    assert (answer.status_code, answer.content_type.startswith(kind)) == (200, True)


def test_a_video_is_given_as_it_is_and_never_unpacked(site, patient):
    video = make.a_packed_object("1.2.840.10008.1.2.4.100", [b"\0\0\1\xb3 a stream"], NumberOfFrames=25)
    assert site.stores(video).status_code == 200
    app = patient.lets_in()
    assert app.get(AT, BARE).data == video
    assert app.get(AT, "application/dicom").status_code == 406
    assert app.whole(STUDY, 'multipart/related; type="application/dicom"').status_code == 406


def test_a_study_that_two_sites_pushed_is_given_once(house, site, patient):
    hill = a_site(house, "Hill Scan Center")
    patient.is_linked_to(hill, ADA)
    site.stores(*make.a_ct_series(2))
    hill.stores(*make.a_ct_series(3))
    app = patient.lets_in()
    assert len(parts_of(app.whole(STUDY))) == 3
    assert len(app.get(f"/dicomweb/studies/{STUDY}/metadata").json) == 3
