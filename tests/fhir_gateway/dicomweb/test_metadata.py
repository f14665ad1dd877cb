"""Metadata is handed out as it was sealed, and it says the same as when everything is written anew."""

import gzip
import json
import re

import pytest

from fhir_gateway.dicomweb import answers, metadata
from fhir_gateway.dicomweb.metadata import Described
from tests import factories as make
from tests.fhir_gateway.house import ORIGIN, a_site
from vault.keyring import KeyClass

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
JSON = "application/dicom+json"
AT = f"/dicomweb/studies/{STUDY}/metadata"
AT_SERIES = f"/dicomweb/studies/{STUDY}/series/{SERIES}/metadata"


def asked(app, path=AT):
    """The rows of the answer by UID, which is the same plain and packed."""
    plain, packed = app.get(path, JSON), app.get(path, JSON, Accept_Encoding="gzip")
    assert (plain.status_code, packed.status_code) == (200, 200), plain.text
    assert "Content-Encoding" not in plain.headers
    octets = gzip.decompress(packed.data) if packed.headers.get("Content-Encoding") == "gzip" else packed.data
    assert octets == plain.data
    for answer in (plain, packed):
        assert answer.headers["Content-Type"] == JSON
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.content_length in (None, len(answer.data))
    rows = json.loads(plain.data)
    by_uid = {row["00080018"]["Value"][0]: row for row in rows}
    assert len(by_uid) == len(rows)
    return by_uid


def anew(app, monkeypatch, path=AT):
    """The same, of which nothing is taken as it lies."""
    with monkeypatch.context() as patched:
        patched.setattr(Described, "_is_ready", lambda *_: False)
        return asked(app, path)


def lying(monkeypatch):
    """Nothing is written anew from now on."""

    def refused(*_):
        raise AssertionError("written anew")

    monkeypatch.setattr(Described, "rows", refused)


def test_strips_of_many_requests_say_what_is_said_anew(site, patient, monkeypatch):
    series = make.a_ct_series(7)
    site.stores(*series[4:])
    site.stores(series[0], series[3])
    site.with_next_token().stores(*series[1:3])
    app = patient.lets_in()
    for path in (AT, AT_SERIES):
        expected = anew(app, monkeypatch, path)
        assert len(expected) == 7
        with monkeypatch.context() as patched:
            lying(patched)
            assert asked(app, path) == expected


def test_a_study_of_several_series_comes_whole_and_by_series(site, patient, monkeypatch):
    site.stores(*make.a_ct_series(3), *make.a_ct_series(2, series="second"), make.an_instance(series="third"))
    app = patient.lets_in()
    expected = anew(app, monkeypatch)
    assert len(expected) == 6
    lying(monkeypatch)
    assert asked(app) == expected
    monkeypatch.setattr(metadata, "HELD_MOST", 0)  # a study too large to be held
    assert asked(app) == expected
    assert len(asked(app, AT_SERIES)) == 3


def test_a_large_answer_is_sent_piece_by_piece_and_has_its_length(site, patient, monkeypatch):
    for file in make.a_ct_series(3):
        site.stores(file)
    monkeypatch.setattr(answers, "JOINED_MOST", 10)
    app = patient.lets_in()
    answer = app.get(AT_SERIES, JSON)
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert len(asked(app)) == 3


def test_one_instance_is_cut_out_of_its_strip(site, patient, monkeypatch):
    site.stores(*make.a_ct_series(3))
    app = patient.lets_in()
    whole = asked(app, AT_SERIES)
    lying(monkeypatch)
    for uid, row in whole.items():
        assert asked(app, AT_SERIES.replace("/metadata", f"/instances/{uid}/metadata")) == {uid: row}
    assert app.get(AT_SERIES.replace("/metadata", "/instances/2.25.1/metadata"), JSON).status_code == 404


def test_an_instance_that_came_twice_and_one_that_was_refused_are_told_as_they_are_kept(site, patient, monkeypatch):
    series = make.a_ct_series(3)
    site.stores(series[0], series[0], b"no DICOM", series[1])
    site.stores(series[1], make.an_instance(number=1, seed=9), series[2])
    app = patient.lets_in()
    lying(monkeypatch)
    assert len(asked(app)) == 3


def test_documents_among_pictures_are_told_in_full_to_whoever_was_given_reports(site, patient, monkeypatch):
    beside = make.a_text_report("Nothing more.", series="first", number=9)
    site.stores(*make.a_ct_series(2), beside, make.a_text_report("Nothing new."), make.a_pdf_document())
    everything = patient.lets_in()
    pictures = patient.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert "Nothing new." in everything.get(AT, JSON).text
    assert "Nothing new." not in pictures.get(AT, JSON).text
    assert "Nothing more." in everything.get(AT_SERIES, JSON).text
    assert "Nothing more." not in pictures.get(AT_SERIES, JSON).text
    assert len(asked(everything)) == len(asked(pictures)) == 5
    assert asked(everything) == anew(everything, monkeypatch)
    tags = {app.get(AT, JSON).headers["ETag"] for app in (everything, pictures)}
    assert len(tags) == 2


def test_a_study_that_two_sites_pushed_is_told_once(house, site, patient, monkeypatch):
    other = a_site(house, "Valley Imaging")
    patient.is_linked_to(other)
    site.stores(*make.a_ct_series(2))
    other.stores(*make.a_ct_series(3))
    app = patient.lets_in()
    assert len(asked(app)) == len(asked(app, AT_SERIES)) == 3
    for uid in asked(app):
        assert len(asked(app, AT_SERIES.replace("/metadata", f"/instances/{uid}/metadata"))) == 1


def test_addresses_follow_the_origin_when_it_moves(house, site, patient, monkeypatch):
    site.stores(*make.a_ct_series(2))
    app = patient.lets_in()
    before = app.get(AT, JSON)
    monkeypatch.setattr(house.extensions["settings"], "base_url", "https://scans.example.net")
    after = app.get(AT, JSON, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert json.loads(after.text) == json.loads(before.text.replace(ORIGIN, "https://scans.example.net"))
    site.stores(*make.a_ct_series(3)[2:])
    found = re.findall(r'"BulkDataURI":"([^"]*)/dicomweb', app.get(AT, JSON).text)
    assert found == ["https://scans.example.net"] * 3


def test_a_row_names_an_address_in_every_sequence(site, patient, monkeypatch):
    inner = make.a_dataset()
    inner.add_new(0x7FE00010, "OW", bytes(4000))
    site.stores(make.an_instance(IconImageSequence=[inner]))
    (row,) = asked(patient.lets_in()).values()
    address = row["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"]
    assert address.startswith(f"{ORIGIN}/dicomweb/studies/{STUDY}/")
    assert patient.lets_in().get(address.removeprefix(ORIGIN)).data == bytes(4000)


def test_who_has_it_already_is_told_so_until_something_new_comes(site, patient):
    series = make.a_ct_series(3)
    site.stores(*series[:2])
    app = patient.lets_in()
    plain, packed = (app.get(AT, JSON, Accept_Encoding=form).headers["ETag"] for form in ("identity", "gzip"))
    assert plain != packed
    assert app.get(AT, JSON, If_None_Match=plain).status_code == 304
    assert app.get(AT, JSON, Accept_Encoding="gzip", If_None_Match=packed).status_code == 304
    assert app.get(AT, JSON, If_None_Match=packed).status_code == 200
    site.stores(series[2])
    assert app.get(AT, JSON, If_None_Match=plain).status_code == 200
    patient.stops()
    assert app.get(AT, JSON, If_None_Match=plain).status_code == 401


def test_the_head_of_an_answer_tells_its_length(site, patient):
    site.stores(*make.a_ct_series(4))
    app = patient.lets_in()
    for form in ("identity", "gzip"):
        whole, head = (app.asks(method, AT_SERIES, Accept=JSON, Accept_Encoding=form) for method in ("GET", "HEAD"))
        assert head.status_code == 200
        assert head.data == b""
        for name in ("Content-Length", "Content-Encoding", "ETag", "Content-Type"):
            assert head.headers.get(name) == whole.headers.get(name)
        assert whole.headers["Content-Length"] == str(len(whole.data))


@pytest.mark.parametrize("uid", ["2.25.404", make.a_uid("series", "one", "other")])
def test_what_is_not_there_is_not_described(site, patient, uid):
    site.stores(make.an_instance())
    app = patient.lets_in()
    assert app.get(f"/dicomweb/studies/{uid}/metadata", JSON).status_code == 404
    assert app.get(f"/dicomweb/studies/{STUDY}/series/{uid}/metadata", JSON).status_code == 404
