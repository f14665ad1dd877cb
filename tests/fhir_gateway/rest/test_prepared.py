"""A study that was drawn once is handed out as it was drawn: to whoever it was drawn for, and while it is still so."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa

from fhir_gateway.resources import imaging_study
from fhir_gateway.rest import prepared
from fhir_gateway.rest.answers import version_of, versioned
from tests import factories as make
from tests.fhir_gateway.house import ORIGIN, a_site
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    a_bundle,
    a_document_resource,
    a_patient_resource,
    a_push,
    a_report_resource,
    an_entry,
)
from vault.audit import Actor, Did, events
from vault.custody import forget_study
from vault.deck import What
from vault.facts import SeriesFacts, StudyFacts
from vault.ids import Id
from vault.sites import change_details
from vault.studies import Listed, Series, Study
from vault.tables import BlobRow, CardRow, StudyRow

TWO = {"StudyDate": "20240102", "StudyTime": "101112", "AccessionNumber": "B7", "TimezoneOffsetFromUTC": ""}
NUMBER = {
    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
    "value": "B7",
}


@pytest.fixture
def app(site, patient):
    site.sends(a_push())
    site.stores(*make.a_ct_series(3), *make.a_ct_series(2, study="two", **TWO))
    return patient.lets_in()


def all_of(app, patient, **more):
    answer = app.search("ImagingStudy", ("patient", patient.id), *more.items())
    assert answer.status_code == 200, answer.text
    return answer.json


def resources(bundle):
    return {one["resource"]["id"]: one["resource"] for one in bundle.get("entry") or []}


def drawn(patient, **which):
    with patient.services.reading() as work:
        found = sa.select(sa.func.count()).select_from(CardRow).where(CardRow.what == What.DRAWN)
        return work.session.scalar(found.where(*(getattr(CardRow, name) == value for name, value in which.items())))


def forget_drawings(patient):
    with patient.services.work() as work:
        work.session.execute(sa.delete(CardRow).where(CardRow.what == What.DRAWN))


def lose_all_blobs(patient):
    with patient.services.reading() as work:
        for blob in work.session.scalars(sa.select(BlobRow.id)):
            patient.services.blobs.delete(blob)


def is_told_as_it_is(app, patient):
    """What is told now, by searches and reads, is what would be drawn from nothing."""
    told = all_of(app, patient)
    again = all_of(app, patient)
    assert resources(again) == resources(told)
    by_itself = {one: app.reads("ImagingStudy", one) for one in resources(told)}
    forget_drawings(patient)
    anew = app.searches("ImagingStudy", ("patient", patient.id), ("_sort", "_id"))  # which is always drawn anew
    assert resources(told) == resources(anew)
    for one, resource in resources(anew).items():
        assert by_itself[one].json == resource
        read_anew = app.reads("ImagingStudy", one)
        assert (by_itself[one].data, by_itself[one].headers["ETag"]) == (read_anew.data, read_anew.headers["ETag"])
        forget_drawings(patient)
    return resources(told)


def test_what_was_read_once_is_read_again_without_its_objects(app, patient):
    first = [app.reads("ImagingStudy", one) for one in resources(all_of(app, patient))]
    assert drawn(patient) == 2
    lose_all_blobs(patient)
    again = [app.reads("ImagingStudy", one.json["id"]) for one in first]
    assert [(one.data, dict(one.headers)) for one in again] == [(one.data, dict(one.headers)) for one in first]
    assert resources(all_of(app, patient)) == {one.json["id"]: one.json for one in first}


def test_a_search_tells_the_same_from_what_was_drawn(app, patient):
    first = all_of(app, patient)
    second = all_of(app, patient)
    assert second == first | {"link": second["link"]}
    assert [one["resource"]["started"][:10] for one in second["entry"]] == ["2026-01-05", "2024-01-02"]
    assert second["total"] == 2
    assert len(is_told_as_it_is(app, patient)) == 2


def test_each_page_of_what_was_drawn_is_the_page_it_would_be(site, patient):
    for number in range(7):
        site.stores(*make.a_ct_series(1, study=f"study {number}", StudyDate=f"2024010{number // 2 + 1}"))
    app = patient.lets_in()
    anew = [one["resource"]["id"] for one in all_of(app, patient)["entry"]]
    for _ in range(2):
        told, bundle = [], all_of(app, patient, _count="3")
        while True:
            told += list(resources(bundle))
            (following,) = [one["url"] for one in bundle["link"] if one["relation"] == "next"] or [None]
            if following is None:
                break
            bundle = app.get(following.removeprefix(ORIGIN)).json
        assert told == anew
    assert "total" not in all_of(app, patient, _total="none")
    assert all_of(app, patient, _count="0") | {"link": []} == {
        "resourceType": "Bundle", "type": "searchset", "total": 7, "link": []
    }  # fmt: skip


@pytest.fixture
def asked(patient):
    """Every statement SQLite is given, whoever gives it."""
    statements: list[str] = []
    engine = patient.services.database.engine
    sa.event.listen(engine, "connect", lambda connection, _record: connection.set_trace_callback(statements.append))
    engine.dispose()
    return statements


def test_a_search_asks_as_much_of_many_studies_as_of_few(site, patient, asked):
    counts = []
    for number in range(3):
        site.stores(*[one for at in range(4) for one in make.a_ct_series(1, study=f"study {number} {at}")])
        app = patient.lets_in()
        all_of(app, patient)
        asked.clear()
        assert len(resources(all_of(app, patient))) == 4 * (number + 1)
        counts.append(len([one for one in asked if one.startswith("SELECT")]))
    assert counts == [4, 4, 4]  # who asks, the drawings, what is theirs, and where the chain of events ends


def test_a_read_asks_four_questions_and_writes_one_event(app, patient, asked):
    (one, *_) = resources(all_of(app, patient))
    app.reads("ImagingStudy", one)
    asked.clear()
    assert app.reads("ImagingStudy", one).status_code == 200
    assert len([told for told in asked if told.startswith("SELECT")]) == 4
    written = [told.split()[:3] for told in asked if told.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert written == [["INSERT", "INTO", "audit"], ["UPDATE", "audit_head", "SET"]]
    assert asked.count("COMMIT") == 1


def test_every_read_and_search_of_what_was_drawn_is_an_event(app, patient):
    (one, *_) = resources(all_of(app, patient))
    for _ in range(3):
        app.reads("ImagingStudy", one)
        all_of(app, patient)
    with patient.services.reading() as work:
        did = [event.did for event in events(work, patient.keyring.owner)]
    assert (did.count(Did.READ), did.count(Did.SEARCHED)) == (3, 4)


def sends_papers(site, *resources):
    person = an_entry(a_patient_resource(), "p", f"identifier={MRN_SYSTEM}|MRN1")
    site.services.clock.advance(minutes=1)
    answer = site.sends(a_bundle(person, *(an_entry(one, f"r{at}") for at, one in enumerate(resources))))
    assert answer.status_code == 200, answer.text


def test_what_comes_later_is_shown(app, patient, site):
    is_told_as_it_is(app, patient)
    site.stores(*make.a_ct_series(1, series="second"))
    told = is_told_as_it_is(app, patient)
    assert sorted(one["numberOfInstances"] for one in told.values()) == [2, 4]
    site.sends(a_push("two"))
    is_told_as_it_is(app, patient)


def test_papers_that_come_by_themselves_change_the_study_they_are_about(app, patient, site):
    before = is_told_as_it_is(app, patient)
    sends_papers(site, a_report_resource("urn:uuid:p", presentedForm=None, basedOn=[{"identifier": NUMBER}]))
    mine = [study for study in patient.studies() if study.folders != (study.id,)]
    assert [study.facts.accession for study in mine] == ["B7"]
    whole = patient.lets_in()
    after = is_told_as_it_is(whole, patient)
    assert [one for one in after if after[one]["meta"] != before[one]["meta"]] == [mine[0].id.hex()]
    assert is_told_as_it_is(app, patient) == before  # which was not given what came later
    sends_papers(
        site, a_report_resource("urn:uuid:p", presentedForm=None, basedOn=[{"identifier": NUMBER}], status="amended")
    )
    assert is_told_as_it_is(whole, patient) == after
    is_told_as_it_is(patient.lets_in(), patient)


def test_papers_that_are_about_no_study_are_no_study(patient, site):
    sends_papers(site, a_document_resource("urn:uuid:p"))
    site.stores(*make.a_ct_series(1))
    app = patient.lets_in()
    for _ in range(3):
        assert all_of(app, patient)["total"] == 1
    assert drawn(patient) == 2  # one of them says that there is none
    (paper,) = [study.id.hex() for study in patient.studies() if not study.uid]
    assert app.reads("ImagingStudy", paper).status_code == 404


def test_where_the_site_moves_its_clock_the_study_moves_with_it(app, patient, site):
    assert [one["resource"]["started"] for one in all_of(app, patient)["entry"]][1] == "2024-01-02T10:11:12+01:00"
    with patient.services.work() as work:
        change_details(work, site.site.id, replace(site.site.details, zone="America/Lima"))
    assert [one["resource"]["started"] for one in all_of(app, patient)["entry"]][1] == "2024-01-02T10:11:12-05:00"
    is_told_as_it_is(app, patient)


def test_each_reader_has_their_own_and_it_goes_with_what_they_were_given(app, patient):
    all_of(app, patient)
    first = drawn(patient)
    second = patient.lets_in([patient.studies()[0].id])
    assert len(resources(all_of(second, patient))) == 1
    assert drawn(patient) == first + 1
    (mine,) = resources(all_of(second, patient))
    other = next(one for one in resources(all_of(app, patient)) if one != mine)
    assert second.reads("ImagingStudy", other).status_code == 404
    patient.stops()
    assert drawn(patient) == first
    assert second.reads("ImagingStudy", mine).status_code == 401


def test_a_study_that_the_patient_deleted_is_gone(app, patient):
    (one, *_) = resources(all_of(app, patient))
    with patient.services.work() as work:
        forget_study(work, [bytes.fromhex(one)], owner=patient.keyring, by=Actor("patient", patient.keyring.vault_id))
    assert drawn(patient, study=bytes.fromhex(one)) == 0
    assert app.reads("ImagingStudy", one).status_code == 410
    assert one not in resources(all_of(app, patient))


@pytest.mark.parametrize("column", ["ct", "owner", "study", "changed", "octets"])
def test_what_was_changed_or_moved_is_not_believed_but_drawn_again(app, patient, column):
    told = is_told_as_it_is(app, patient)
    all_of(app, patient)
    with patient.services.work() as work:
        rows = sa.select(CardRow).where(CardRow.what == What.DRAWN)
        one, two = work.session.scalars(rows).all()
        match column:
            case "ct":
                one.ct, two.ct = two.ct, one.ct
            case "octets":
                one.ct = one.ct[:-1] + bytes([one.ct[-1] ^ 1])
            case "owner":
                one.owner = bytes(16)
            case "study":
                forged = CardRow(owner=two.owner, study=two.study, what=int(What.DRAWN), changed=two.changed, ct=one.ct)
                work.session.delete(two)
                work.session.flush()
                work.session.add(forged)
            case _:
                one.changed = two.changed = 7
                work.session.execute(sa.update(StudyRow).values(changed=7))
    assert resources(all_of(app, patient)) == told
    for known, resource in told.items():
        assert app.reads("ImagingStudy", known).json == resource


def test_what_could_not_be_opened_whole_is_not_kept(app, patient):
    lose_all_blobs(patient)
    all_of(app, patient)
    assert drawn(patient) == 0


def test_another_way_of_drawing_draws_everything_anew(app, patient, monkeypatch):
    told = is_told_as_it_is(app, patient)
    all_of(app, patient)
    lose_all_blobs(patient)
    with patient.services.work() as work:
        work.session.execute(sa.delete(CardRow).where(CardRow.what != What.DRAWN))
    assert resources(all_of(app, patient)) == told
    monkeypatch.setattr(prepared, "DRAWN_AS", "another way")
    assert resources(all_of(app, patient)) != told


def test_whose_scopes_let_only_some_through_are_shown_no_more_by_what_was_drawn(app, patient):
    (one, *_) = resources(all_of(app, patient))
    assert app.reads("ImagingStudy", one).status_code == 200
    nobody = patient.lets_in(scopes="patient/DiagnosticReport.rs")
    assert nobody.reads("ImagingStudy", one).status_code == 403
    assert nobody.search("ImagingStudy", ("patient", patient.id)).status_code == 403


def test_what_was_drawn_is_known_again_and_shown_to_people(app, patient):
    (one, *_) = resources(all_of(app, patient))
    read = app.reads("ImagingStudy", one)
    assert app.reads("ImagingStudy", one, If_None_Match=read.headers["ETag"]).status_code == 304
    assert app.reads("ImagingStudy", one, If_Modified_Since=read.headers["Last-Modified"]).status_code == 304
    assert app.reads("ImagingStudy", one, If_Match='W/"other"').status_code == 412
    pretty = app.get(f"/fhir/ImagingStudy/{one}?_pretty=true")
    assert pretty.data == json.dumps(read.json, indent=2, ensure_ascii=False).encode()
    assert b"\n" in app.get(f"/fhir/ImagingStudy?patient={patient.id}&_pretty=true").data


def test_another_patient_is_refused_and_a_study_of_nobody_is_not_there(app, patient, house):
    other = a_site(house, "Other")
    assert other.site.id
    assert app.search("ImagingStudy", ("patient", "0" * 32)).status_code == 403
    assert app.reads("ImagingStudy", "0" * 32).status_code == 404
    assert app.reads("ImagingStudy", "x").status_code == 404


def test_two_questions_for_whose_they_are_must_both_fit(app, patient):
    both = [("patient", patient.id), ("subject", f"Patient/{patient.id}")]
    assert app.searches("ImagingStudy", *both)["total"] == 2
    assert app.searches("ImagingStudy", ("patient:missing", "false"))["total"] == 2
    assert app.searches("ImagingStudy", ("patient:missing", "true")) | {"link": []} == {
        "resourceType": "Bundle", "type": "searchset", "total": 0, "link": []
    }  # fmt: skip


# --- how it is drawn -------------------------------------------------------------------------------------------------

DIGESTS = {"1": "ca1ac5b0f949d5e5"}


def test_whoever_draws_a_study_otherwise_says_so():
    """What was drawn before would be handed out still: raise `DRAWN_AS`, and note the digest of what is drawn now."""
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    series = [
        Series(Id(bytes([number]) * 16), SeriesFacts(f"1.2.{number}", number, "CT", "Chest", "CHEST", "L", day, "101112"), 1, False, 1)
        for number, day in ((1, "20230705"), (2, ""))
    ]  # fmt: skip
    facts = StudyFacts("1.2", "20230705", "101112", "", "Chest", "A1", "urn:issuer", referrer="Weiss^Rae")
    study = Study(Id(bytes(16)), (Id(bytes(16)),), Id(bytes(16)), facts, None, moment, moment, tuple(series), (), ())
    said = {"note": [{"text": "n"}], "series": [{"uid": "1.2.1", "specimen": [{"display": "s"}]}]}
    telling = imaging_study.Telling("a patient", "https://here/dicomweb", "Europe/Berlin", said)
    made = imaging_study.to_fhir(study, telling)
    version = version_of(made, moment)
    imaging_study.add_instances(made, {one.facts.uid: [Listed("1.2.3", "1.2.840.1", 1)] for one in series})
    octets = orjson.dumps(versioned(made, moment, version))
    assert hashlib.sha256(octets).hexdigest()[:16] == DIGESTS[prepared.DRAWN_AS]
