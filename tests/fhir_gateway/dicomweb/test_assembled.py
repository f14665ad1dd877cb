"""STOW-RS with metadata and bulk data apart, and of one bare instance (PS3.18 10.5.1)."""

import io
import json

import numpy as np
import pydicom
import pytest

from fhir_gateway.dicomweb import assembled
from fhir_gateway.dicomweb.multipart import Head
from fhir_gateway.errors import TooLarge
from tests import factories as make
from tests.fhir_gateway.callers import parts_of

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
AT = f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{make.a_uid('instance', 'one', 'first', 1)}"
KIND = 'multipart/related; type="application/dicom+json"; boundary=cut'
OCTETS = "application/octet-stream"


def described(file, uri="pixels"):
    """An instance's metadata as another archive would write it, its picture named by `uri`."""
    ds = pydicom.dcmread(io.BytesIO(file))
    return ds.to_json_dict(bulk_data_threshold=200, bulk_data_element_handler=lambda _: uri)


def body(metadata, *values, kind="application/dicom+json"):
    lead = [f"--cut\r\nContent-Type: {kind}\r\n\r\n".encode() + json.dumps(metadata).encode()]
    more = [f"--cut\r\nContent-Type: {media}\r\nContent-Location: {at}\r\n\r\n".encode() + octets
            for at, media, octets in values]  # fmt: skip
    return b"\r\n".join([*lead, *more, b"--cut--\r\n"])


def pushed(site, *arguments, **named):
    return site.post("/dicomweb/studies", body(*arguments, **named), KIND)


def reasons(answer):
    items = (answer.json.get("00081198") or answer.json["0008119A"])["Value"]
    return [(one["00081197"]["Value"][0], one["00000902"]["Value"][0]) for one in items]


def test_metadata_and_pictures_become_the_instance_they_describe(site, patient):
    person = make.A_PERSON.named("Żółć^Ewa=山田^太郎")
    file = make.an_instance(person=person, frames=2, PixelSpacing=[0.1, 1e-7])
    pixels = pydicom.dcmread(io.BytesIO(file)).PixelData
    assert pushed(site, [described(file)], ("pixels", OCTETS, pixels)).status_code == 200
    app = patient.lets_in()
    ((_, kept),) = parts_of(app.whole(STUDY))
    one, other = pydicom.dcmread(io.BytesIO(file)), pydicom.dcmread(io.BytesIO(kept))
    assert one == other
    assert str(other.PatientName) == person.name
    assert app.get(f"{AT}/rendered").status_code == 200


def test_packed_frames_come_one_part_each(site, patient):
    file = make.an_instance(syntax=make.JPEG_LS, frames=2)
    frames = list(pydicom.encaps.generate_frames(pydicom.dcmread(io.BytesIO(file)).PixelData, number_of_frames=2))
    media = f"image/jls; transfer-syntax={make.JPEG_LS}"
    answer = pushed(site, [described(file)], *(("pixels", media, frame) for frame in frames))
    assert answer.status_code == 200, answer.json
    app = patient.lets_in()
    kept = parts_of(app.get(f"{AT}/frames/1,2", 'multipart/related; type="image/jls"'))
    assert [octets.rstrip(b"\0") for _, octets in kept] == [frame.rstrip(b"\0") for frame in frames]
    plain = app.get(f"{AT}/frames/2", "application/octet-stream").data
    assert plain == make.some_pixels(rows=32, columns=40, frames=2, seed=1)[1].tobytes()


def test_several_instances_are_each_answered_for(site, patient):
    files = make.a_ct_series(3)
    metadata = [described(file, f"pixels/{number}") for number, file in enumerate(files)]
    values = [
        (f"pixels/{number}", OCTETS, pydicom.dcmread(io.BytesIO(file)).PixelData) for number, file in enumerate(files)
    ]
    answer = pushed(site, metadata, *values[:2])
    assert answer.status_code == 202
    assert len(answer.json["00081199"]["Value"]) == 2
    assert reasons(answer) == [(0xC000, "A value that the metadata names did not come as a part.")]
    assert pushed(site, metadata, *values).status_code == 200
    assert len(patient.lets_in().get(f"/dicomweb/studies/{STUDY}/metadata").json) == 3


def test_a_document_without_pictures_needs_metadata_alone(site, patient):
    assert pushed(site, described(make.a_text_report("Nothing new."))).status_code == 200
    assert "Nothing new." in patient.lets_in().get(f"/dicomweb/studies/{STUDY}/metadata").text


@pytest.mark.parametrize(
    "metadata",
    [
        {"00080018": {"vr": "UI", "Value": ["1.2"]}, "x": 1},
        {"00080018": {"vr": "UI", "Value": ["1.2"]}, "00280010": {"vr": "US", "Value": ["many"]}},
        {"00080018": {"vr": "UI", "Value": [{"a": 1}]}},
        {"00080018": {"Value": ["1.2"]}},
        {"00400275": {"vr": "SQ", "Value": ["no item"]}},
        {"00280010": {"vr": "US", "Value": [70000]}},
        {"7FE00010": {"vr": "OW", "InlineBinary": "***"}},
    ],
)
def test_metadata_that_is_none_is_refused_in_words(site, metadata):
    answer = pushed(site, [metadata])
    assert answer.status_code == 409
    assert reasons(answer)[0][1].startswith("The metadata is not DICOM JSON")


@pytest.mark.parametrize("octets", [b"{", b"1", b"[1]", b"[]", b""])
def test_a_body_without_metadata_is_400(site, octets):
    lead = b"--cut\r\nContent-Type: application/dicom+json\r\n\r\n" + octets + b"\r\n--cut--\r\n"
    assert site.post("/dicomweb/studies", lead, KIND).status_code == 400


def test_bulk_data_before_its_metadata_is_400(site):
    first = b"--cut\r\nContent-Type: application/octet-stream\r\nContent-Location: a\r\n\r\nabc\r\n--cut--\r\n"
    assert site.post("/dicomweb/studies", first, KIND).status_code == 400


def test_nests_are_followed_so_far_and_no_further(site):
    nest = {"00080018": {"vr": "UI", "Value": ["1.2"]}}
    for _ in range(100):
        nest = {"00081140": {"vr": "SQ", "Value": [nest]}}
    answer = pushed(site, [nest])
    assert (answer.status_code, "nested deeper" in reasons(answer)[0][1]) == (409, True)


def test_no_more_is_held_than_is_said(site, monkeypatch):
    monkeypatch.setattr(assembled, "HELD_MOST", 1000)
    file = make.an_instance()
    answer = pushed(site, [described(file)], ("pixels", OCTETS, bytes(2560)))
    assert reasons(answer) == [(0xC000, assembled.TOO_MUCH)]
    assert len(assembled.TOO_MUCH) <= 64


def test_one_bare_instance_is_stored(site, patient):
    file = make.an_instance()
    assert site.post("/dicomweb/studies", file, "application/dicom").status_code == 200
    assert site.post(f"/dicomweb/studies/{STUDY}", file, "application/dicom").status_code == 200
    assert site.post("/dicomweb/studies/1.2.3", file, "application/dicom").status_code == 409
    assert site.post("/dicomweb/studies", b"", "application/dicom").status_code == 400
    assert parts_of(patient.lets_in().whole(STUDY))[0][1] == file


def test_the_answer_is_json_and_nothing_else(site):
    file = make.an_instance()
    for accept, status in (("application/dicom+xml", 406), ("application/json", 200), ("*/*", 200)):
        assert site.post("/dicomweb/studies", file, "application/dicom", accept).status_code == status


def test_numbers_keep_their_worth(site, patient):
    said = described(make.an_instance(SliceThickness="2.5", WindowCenter=40))
    said["00189306"] = {"vr": "FD", "Value": [0.1]}
    said["00181149"] = {"vr": "IS", "Value": [1, None, 3]}
    pixels = np.zeros(1280, "<u2").tobytes()
    assert pushed(site, [said], ("pixels", OCTETS, pixels)).status_code == 200
    (row,) = patient.lets_in().get(f"{AT}/metadata").json
    assert row["00189306"]["Value"] == [0.1]
    assert row["00181149"]["Value"] == [1, None, 3]
    assert row["00180050"]["Value"] == [2.5]


@pytest.mark.parametrize("count", ["²", "9" * 5000, "-1", "", "0"])
def test_a_number_of_frames_that_is_none_means_one(site, count):
    said = described(make.an_instance(syntax=make.JPEG_LS)) | {"00280008": {"vr": "IS", "Value": [count]}}
    assert pushed(site, [said], ("pixels", "image/jls", b"frame")).status_code in (200, 409)


def test_metadata_that_waits_is_bounded_in_all_its_parts(monkeypatch):
    monkeypatch.setattr(assembled, "METADATA_MOST", 1000)

    def one(number):
        said = {"00081080": {"vr": "LO", "Value": ["x" * 300]}, "7FE00010": {"vr": "OB", "BulkDataURI": f"at{number}"}}
        return Head("application/dicom+json", ""), iter((memoryview(json.dumps(said).encode()),))

    def value(number):
        return Head(OCTETS, f"at{number}"), iter((memoryview(b"octets"),))

    in_turn = [part for number in range(5) for part in (one(number), value(number))]
    assert len(list(assembled.Assembling().files(iter(in_turn)))) == 5
    with pytest.raises(TooLarge):
        list(assembled.Assembling().files(iter([one(number) for number in range(5)])))
