"""WADO-RS: whole objects, metadata, frames, bulk data, rendered pictures (PS3.18 10.4)."""

import io
import json

import pytest
from PIL import Image
from sqlalchemy import event

from tests import factories as make
from tests.fhir_gateway.callers import AS_STORED, parts_of
from vault.audit import Did, events
from vault.keyring import KeyClass

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
ONE = make.a_uid("instance", "one", "first", 1)
INSTANCE = f"{STUDY}/series/{SERIES}/instances/{ONE}"
PLAIN = 'multipart/related; type="application/dicom"'


def did(patient):
    with patient.services.reading() as work:
        return [one.did for one in events(work, patient.keyring.owner)]


def test_a_study_comes_as_it_was_stored_with_its_exact_length(site, patient):
    files = make.a_ct_series(3)
    site.stores(*files)
    answer = patient.lets_in().whole(STUDY)
    assert answer.status_code == 200
    assert answer.content_length == len(answer.data)
    assert [octets for _, octets in parts_of(answer)] == files


def test_every_part_says_its_transfer_syntax_in_the_spelling_viewers_look_for(site, patient):
    site.stores(make.an_instance(syntax=make.JPEG_LS))
    answer = patient.lets_in().whole(STUDY)
    assert b"\r\nContent-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80\r\n" in answer.data


@pytest.mark.parametrize("syntax", [make.IMPLICIT, make.BIG_ENDIAN])
def test_implicit_and_big_endian_never_go_on_the_wire(site, patient, syntax):
    site.stores(make.an_instance(syntax=syntax))
    ((head, octets),) = parts_of(patient.lets_in().whole(STUDY))
    assert head["Content-Type"].endswith("transfer-syntax=1.2.840.10008.1.2.1")
    assert b"1.2.840.10008.1.2.1\0" in octets[:400]


def test_without_a_syntax_packed_pictures_are_unpacked(site, patient):
    site.stores(make.an_instance(syntax=make.JPEG_LS))
    ((head, octets),) = parts_of(patient.lets_in().whole(INSTANCE, PLAIN))
    assert head["Content-Type"].endswith("transfer-syntax=1.2.840.10008.1.2.1")
    pixels = make.some_pixels(rows=32, columns=40, seed=1)
    assert pixels.tobytes() in octets


def test_a_syntax_that_cannot_be_made_is_406(site, patient):
    site.stores(make.an_instance())
    wanted = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90'
    assert patient.lets_in().whole(STUDY, wanted).status_code == 406
    assert patient.lets_in().whole(STUDY, "application/xhtml").status_code == 406


def test_one_instance_may_come_bare(site, patient):
    file = make.an_instance()
    site.stores(file)
    app = patient.lets_in()
    answer = app.whole(INSTANCE, "application/dicom; transfer-syntax=*")
    assert answer.data == file
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert app.whole(STUDY, "application/dicom; transfer-syntax=*").status_code == 406


def test_view_only_shows_frames_and_gives_no_objects(site, patient):
    site.stores(make.an_instance())
    doctor = patient.lets_in(view_only=True)
    for path in (STUDY, f"{STUDY}/series/{SERIES}", INSTANCE):
        assert doctor.whole(path).status_code == 403
    for path in (f"{INSTANCE}/frames/1", f"{INSTANCE}/metadata", f"{INSTANCE}/rendered", f"{STUDY}/thumbnail"):
        assert doctor.get(f"/dicomweb/studies/{path}").status_code == 200


def test_a_study_with_a_report_is_refused_whole_to_whoever_was_given_pictures(site, patient):
    site.stores(make.an_instance(), make.a_text_report())
    doctor = patient.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert doctor.whole(STUDY).status_code == 403
    assert doctor.whole(f"{STUDY}/series/{SERIES}").status_code == 200
    report = make.a_uid("series", "one", "reports")
    assert doctor.whole(f"{STUDY}/series/{report}").status_code == 403
    rows = doctor.queries(f"studies/{STUDY}/series/{report}/metadata").text
    assert "lungs" not in rows


def test_the_words_of_a_report_are_in_its_metadata_for_whoever_was_given_reports(site, patient):
    site.stores(make.a_text_report("Nothing new."))
    rows = patient.lets_in().queries(f"studies/{STUDY}/metadata").text
    assert "Nothing new." in rows


def test_metadata_has_an_address_for_every_value_it_leaves_out(site, patient):
    site.stores(*make.a_ct_series(2))
    app = patient.lets_in()
    rows = app.queries(f"studies/{STUDY}/metadata").json
    assert len(rows) == 2
    for row in rows:
        assert list(row) == sorted(row)
        assert not any(tag.startswith("0002") for tag in row)
        address = row["7FE00010"]["BulkDataURI"].removeprefix("https://phr.example.org")
        assert len(app.get(address).data) == 32 * 40 * 2


def test_frames_come_in_the_order_asked_for(site, patient):
    site.stores(make.an_instance(frames=4))
    app = patient.lets_in()
    whole = make.some_pixels(rows=32, columns=40, frames=4, seed=1)
    three, one = parts_of(app.get(f"/dicomweb/studies/{INSTANCE}/frames/3,1"))
    assert (three[1], one[1]) == (whole[2].tobytes(), whole[0].tobytes())


@pytest.mark.parametrize(
    ("numbers", "status"), [("0", 400), ("a", 400), ("1,", 400), ("-1", 400), ("999", 404), ("1,9", 404)]
)
def test_frames_that_are_none(site, patient, numbers, status):
    site.stores(make.an_instance())
    assert patient.lets_in().get(f"/dicomweb/studies/{INSTANCE}/frames/{numbers}").status_code == status


def test_a_packed_frame_comes_packed_to_whoever_takes_it_as_it_is(site, patient):
    site.stores(make.an_instance(syntax=make.JPEG_LS, frames=2))
    app = patient.lets_in()
    star = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    ((head, octets),) = parts_of(app.get(f"/dicomweb/studies/{INSTANCE}/frames/2", star))
    assert "1.2.840.10008.1.2.4.80" in head["Content-Type"]
    assert octets.startswith(b"\xff\xd8")
    plain = 'multipart/related; type="application/octet-stream"'
    ((_, pixels),) = parts_of(app.get(f"/dicomweb/studies/{INSTANCE}/frames/2", plain))
    assert pixels == make.some_pixels(rows=32, columns=40, frames=2, seed=1)[1].tobytes()


def test_a_range_of_bulk_data(site, patient):
    site.stores(make.an_instance())
    app, address = patient.lets_in(), f"/dicomweb/studies/{INSTANCE}/bulkdata/7FE00010"
    answer = app.get(address, Range="bytes=0-99")
    assert (answer.status_code, len(answer.data)) == (206, 100)
    assert answer.headers["Content-Range"] == "bytes 0-99/2560"
    assert app.get(address, Range="bytes=2560-").status_code == 416
    assert len(app.get(address, Range="bytes=-10").data) == 10
    assert app.get(address, Range="bytes=0-1,5-6").status_code == 200
    assert app.get(f"/dicomweb/studies/{INSTANCE}/bulkdata/00100010").status_code == 404


@pytest.mark.parametrize(("frames", "middle"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_a_series_is_seen_by_the_middle_one_of_its_frames(site, patient, frames, middle):
    site.stores(make.an_instance(frames=frames))
    app = patient.lets_in()
    at = f"/dicomweb/studies/{INSTANCE}"
    series = app.get(f"/dicomweb/studies/{STUDY}/series/{SERIES}/rendered", "image/jpeg")
    assert series.data == app.get(f"{at}/frames/{middle}/rendered", "image/jpeg").data
    small = app.get(f"{at}/thumbnail", "image/jpeg")
    assert small.data == app.get(f"{at}/frames/{middle}/thumbnail", "image/jpeg").data


def test_a_rendered_picture_is_as_large_as_asked(site, patient):
    site.stores(make.an_instance(rows=300, columns=400))
    answer = patient.lets_in().get(f"/dicomweb/studies/{INSTANCE}/rendered?window=1040,700,linear&viewport=256,256")
    assert answer.content_type == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.data)).size) == 256
    png = patient.lets_in().get(f"/dicomweb/studies/{INSTANCE}/frames/1/rendered", "image/png")
    assert Image.open(io.BytesIO(png.data)).size == (400, 300)


@pytest.mark.parametrize(
    "query",
    ["viewport=a", "viewport=0,5", "viewport=1,2,3", "window=1", "window=1,-2", "window=nan,1", "quality=0", "zoom=2"],
)
def test_a_rendered_picture_with_odd_wishes_is_400(site, patient, query):
    site.stores(make.an_instance())
    assert patient.lets_in().get(f"/dicomweb/studies/{INSTANCE}/rendered?{query}").status_code == 400


def test_a_pdf_inside_dicom_is_handed_out_as_pdf(site, patient):
    site.stores(make.a_pdf_document(b"%PDF-1.4 words\n%%EOF\n"))
    series = make.a_uid("series", "one", "documents")
    path = (
        f"/dicomweb/studies/{STUDY}/series/{series}/instances/{make.a_uid('instance', 'one', 'documents', 1)}/rendered"
    )
    app = patient.lets_in()
    assert app.get(path, "application/pdf").data.startswith(b"%PDF-1.4 words")
    assert app.get(path, "image/jpeg").status_code == 406
    assert patient.lets_in(view_only=True).get(path, "application/pdf").status_code == 403


def test_what_is_not_yours_is_not_there(house, site, patient):
    from tests.fhir_gateway.house import BO, a_patient, nobody

    site.stores(make.an_instance())
    stranger = a_patient(house).is_linked_to(site, BO)
    site.stores(make.an_instance(study="two", person=make.ANOTHER_PERSON))
    other = stranger.lets_in()
    for path in (
        STUDY,
        INSTANCE,
        f"{STUDY}/metadata",
        f"{INSTANCE}/frames/1",
        f"{INSTANCE}/rendered",
        f"{STUDY}/thumbnail",
    ):
        answer = other.whole(path, "*/*")
        unknown = other.whole(path.replace(STUDY, "1.2.3"), "*/*")
        assert (answer.status_code, answer.data) == (404, unknown.data)
        assert nobody(house).whole(path).status_code == 401
        assert site.whole(path).status_code == 403 if hasattr(site, "whole") else True
        assert site.get(f"/dicomweb/studies/{path}").status_code == 403


def test_an_ended_sharing_opens_nothing(site, patient):
    site.stores(make.an_instance())
    app = patient.lets_in()
    assert app.whole(STUDY).status_code == 200
    patient.stops()
    answer = app.whole(STUDY)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_long_answer_stops_when_the_sharing_does(site, patient, monkeypatch):
    from fhir_gateway import looking
    from fhir_gateway.dicomweb import multipart
    from vault.errors import Expired

    site.stores(*make.a_ct_series(5))
    app = patient.lets_in()
    monkeypatch.setattr(looking, "RECHECK_OCTETS", 1)
    monkeypatch.setattr(multipart, "GATHERED", 1)
    answer = app.http.get(
        f"/dicomweb/studies/{STUDY}",
        headers={"Authorization": f"Bearer {app.token}", "Accept": AS_STORED},
        buffered=False,
    )
    pieces = answer.iter_encoded()
    next(pieces)
    patient.stops()
    with pytest.raises(Expired):
        list(pieces)


def test_looking_is_told_once_an_hour_and_saving_is_told(site, patient, clock):
    site.stores(make.an_instance())
    app = patient.lets_in(seconds=10_000)
    for _ in range(3):
        app.get(f"/dicomweb/studies/{INSTANCE}/frames/1")
    assert did(patient).count(Did.VIEWED) == 1
    clock.advance(hours=2)
    app.get(f"/dicomweb/studies/{INSTANCE}/frames/1")
    assert did(patient).count(Did.VIEWED) == 2
    assert did(patient).count(Did.SAVED_COPY) == 0
    app.whole(STUDY)
    assert did(patient).count(Did.SAVED_COPY) == 1


def test_nothing_waits_for_a_grant_once_it_holds_the_history(site, patient):
    """Who stops a grant takes them in the other order, and would wait for one that does."""
    site.stores(make.an_instance())
    doctor = patient.lets_in()
    engine, told, holds_history = patient.services.database.engine, [], False

    @event.listens_for(engine, "commit")
    def ended(_connection):
        nonlocal holds_history
        holds_history = False

    @event.listens_for(engine, "before_cursor_execute")
    def asked(_connection, _cursor, statement, *_):
        nonlocal holds_history
        holds_history = holds_history or "audit_head" in statement
        if statement.startswith("UPDATE") and "saved_at" in statement:
            told.append(holds_history)

    doctor.whole(STUDY)
    assert told
    assert not any(told)


def test_what_could_not_be_written_down_hands_out_nothing_and_is_written_at_the_next_look(site, patient):
    site.stores(make.an_instance())
    doctor = patient.lets_in()
    engine = patient.services.database.engine
    with engine.begin() as database:
        database.exec_driver_sql("ALTER TABLE audit RENAME TO away")
    assert doctor.whole(STUDY).status_code == 503
    with engine.begin() as database:
        database.exec_driver_sql("ALTER TABLE away RENAME TO audit")
    assert doctor.whole(STUDY).status_code == 200
    told = did(patient)
    assert [told.count(one) for one in (Did.VIEWED, Did.OPENED, Did.SAVED_COPY)] == [1, 1, 1]
    assert did(patient).count(Did.OPENED) == 1


def test_errors_are_short_and_hold_nothing_of_the_question(patient):
    answer = patient.lets_in(studies=()).get("/dicomweb/studies/1.2.SECRET")
    assert answer.status_code == 400
    assert json.loads(answer.data).keys() == {"status", "title"}
    assert "SECRET" not in answer.text


def test_what_is_not_offered_is_said_in_the_form_of_all_errors(patient):
    app = patient.lets_in(studies=())
    for method, path, status in (
        ("GET", "workitems", 404),
        ("DELETE", "studies/1.2.3", 405),
        ("PUT", "studies", 405),
        ("POST", "studies/1.2.3/series", 405),
    ):
        answer = app.asks(method, f"/dicomweb/{path}")
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), path
        assert ("Allow" in answer.headers) == (status == 405)


def test_nothing_may_stay_in_a_cache(site, patient):
    site.stores(make.an_instance())
    answer = patient.lets_in().get(f"/dicomweb/studies/{INSTANCE}/frames/1")
    assert answer.headers["Cache-Control"] == "private, no-store"
