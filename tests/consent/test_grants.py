"""What a patient gives, who gets it, what they learn of it, and how it ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from consent import grants, sessions
from consent.access import Access
from consent.errors import CopyNotAllowed, NotYours
from consent.grants import Redeemer
from consent.shared import Stage, history_of, inbox, live_for, names_for
from tests.consent.small_app import a_person, cookie_text
from tests.vault.owners import a_document, a_picture, a_site, link, push
from vault import audit, record
from vault.errors import CodeSpent, Expired, NotThere, Wait, WrongSecret
from vault.keyring import SYSTEM, KeyClass
from vault.sealing.codes import ShareCode
from vault.sharing import Standing

LEE = Redeemer("Dr. J. Lee", "Hill Clinic")


def a_guest(app, services, code, redeemer=LEE):
    redeemed = grants.redeem(services, code, redeemer, source="192.0.2.7")
    browser = app.test_client()
    browser.set_cookie("phr-guest", cookie_text(redeemed.cookie), domain="localhost")
    return browser


def live(services, ana):
    with services.reading() as w:
        return live_for(w, ana.access())


def doing(services, ana):
    with services.reading() as w:
        return [event.did.value for event in audit.events(w, ana.keyring.owner)]


# --- giving ----------------------------------------------------------------------------------------------------------


def test_a_guest_sees_what_was_given_and_nothing_else(app, services, ana, knee, head):
    _, code = ana.gives_code(knee)
    guest = a_guest(app, services, code)
    assert guest.get("/see/view").json == {"via": "guest"}
    assert guest.get("/dicomweb/studies").json == ["1.2.3"]
    assert guest.get("/fhir/Patient/x").json["patient"] == ana.keyring.vault_id.hex()
    assert guest.get("/home").status_code == 302
    assert guest.get("/fhir/AuditEvent/x").status_code == 403


def test_only_the_patient_gives(app, services, ana, ben, doctor, tracker, knee):
    _, code = ana.gives_code(knee)
    guest = a_guest(app, services, code)
    assert guest.post("/home").status_code == 302
    with services.work() as w:
        session_owner = doctor.access()
        offer = grants.Offer((knee,), None)
        with pytest.raises(NotYours):
            grants.give(w, session_owner, offer)
        with pytest.raises(NotThere):
            grants.give(w, ben.access_in(w), offer)


def test_looking_is_not_saving(app, services, ana, knee):
    _, code = ana.gives_code(knee)
    guest = a_guest(app, services, code)
    assert guest.get(f"/dicomweb/studies/{knee.hex()}/whole").status_code == 403
    _, code = ana.gives_code(knee, view_only=False)
    assert a_guest(app, services, code).get(f"/dicomweb/studies/{knee.hex()}/whole").status_code == 200
    assert ana.web.get(f"/dicomweb/studies/{knee.hex()}/whole").status_code == 200


def test_pictures_alone_give_no_reports(app, services, ana, harbor):
    study = push(services, harbor, a_picture("1.1", b"x"), a_document("1.9", b"torn")).study_id
    _, code = ana.gives_code(study, classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    guest = a_guest(app, services, code)
    assert guest.get("/fhir/ImagingStudy/x").status_code == 200
    assert guest.get("/fhir/DiagnosticReport/x").status_code == 403
    assert guest.get("/fhir/Binary/x").status_code == 403


def test_the_record_of_the_vault_knows_the_grant(services, ana, knee):
    ana.gives(knee)
    with services.work() as w:
        record.check_record(w, ana.keyring)


# --- redeeming -------------------------------------------------------------------------------------------------------


def test_a_code_opens_once(app, services, ana, knee):
    _, code = ana.gives_code(knee)
    a_guest(app, services, code)
    with pytest.raises(CodeSpent):
        grants.redeem(services, code, LEE, source="192.0.2.7")


def test_a_process_that_dies_before_the_doctor_has_a_way_in_spends_no_code(app, services, ana, knee, monkeypatch):
    _, code = ana.gives_code(knee)

    def dies(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("consent.guests.begin_guest", dies)
        with pytest.raises(SystemExit):
            grants.redeem(services, code, LEE, source="192.0.2.7")
    a_guest(app, services, code)


def test_two_at_once_cannot_both_have_it(services, ana, knee):
    _, code = ana.gives_code(knee)

    def redeem(_):
        try:
            return grants.redeem(services, code, LEE, source="192.0.2.7").grant_id
        except CodeSpent:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert sum(found is not None for found in pool.map(redeem, range(4))) == 1


def test_a_code_for_a_stopped_sharing_opens_nothing(services, ana, knee):
    grant_id, code = ana.gives_code(knee)
    ana.ends(grant_id)
    with pytest.raises(WrongSecret):
        grants.redeem(services, code, LEE, source="192.0.2.7")


def test_a_code_past_its_time_opens_nothing(services, ana, knee, clock):
    _, code = ana.gives_code(knee, hours=4)
    clock.advance(hours=4)
    with pytest.raises(Expired):
        grants.redeem(services, code, LEE, source="192.0.2.7")


def test_guessing_is_slow(services):
    for _ in range(10):
        with pytest.raises(WrongSecret):
            grants.redeem(services, ShareCode.new(), LEE, source="192.0.2.7")
    with pytest.raises(Wait):
        grants.redeem(services, ShareCode.new(), LEE, source="192.0.2.200")
    with services.reading() as w:
        assert [event.did.value for event in audit.events(w, SYSTEM)] == ["redeem-failed"] * 10


def test_a_visit_lasts_four_hours_and_never_longer_than_the_sharing(app, services, ana, knee, clock):
    for hours, lasts in ((24, 4), (1, 1)):
        _, code = ana.gives_code(knee, hours=hours)
        guest = a_guest(app, services, code)
        for _ in range(lasts * 6 - 1):
            clock.advance(minutes=10)
            assert guest.get("/see/view").status_code == 200
        clock.advance(minutes=10)
        assert guest.get("/see/view").status_code == 410
        assert guest.get("/dicomweb/studies").status_code == 401


def test_a_guest_who_is_away_is_gone(app, services, ana, knee, clock):
    _, code = ana.gives_code(knee)
    guest = a_guest(app, services, code)
    clock.advance(minutes=15)
    assert guest.get("/see/view").status_code == 302


def test_a_guest_can_end_the_visit(app, services, ana, knee):
    _, code = ana.gives_code(knee)
    redeemed = grants.redeem(services, code, LEE, source="192.0.2.7")
    from consent import guests

    with services.work() as w:
        _, access = guests.open_guest(w, redeemed.cookie.octets())
        guests.end_guest(w, access)
    browser = app.test_client()
    browser.set_cookie("phr-guest", cookie_text(redeemed.cookie), domain="localhost")
    assert browser.get("/see/view").status_code == 302


def test_a_doctor_with_an_account_keeps_what_they_redeemed(services, ana, ben, doctor, knee, head):
    _, code = ana.gives_code(knee, hours=24 * 30)
    grants.redeem(services, code, Redeemer("Dr. J. Lee", "Hill Clinic", doctor.access()), source="192.0.2.7")
    assert doctor.web.get("/dicomweb/studies").json == ["1.2.3"]
    assert doctor.web.get("/see/view").json == {"via": "provider"}
    with services.work() as w:
        grants.mark_opened(w, doctor.access().for_study(w, knee))
    assert live(services, ana)[0].stage is Stage.OPENED
    with services.reading() as w:
        rows = inbox(w, doctor.access())
        assert [row.limits.vault_id for row in rows] == [ana.keyring.vault_id]
        assert doctor.access().for_study(w, knee).vault_id == ana.keyring.vault_id
        with pytest.raises(NotThere):
            doctor.access().for_study(w, head)
    with pytest.raises(NotYours):
        grants.redeem(services, ShareCode.new(), Redeemer("Ben", provider=ben.access()), source="192.0.2.7")


def test_a_doctor_sees_each_study_under_the_sharing_it_came_with(app, services, ana, doctor, knee, head):
    sam = a_person(app, services, "sam").signs_in()
    town = a_site(services, "Town Scans")
    link(services, town.site, sam.keyring)
    ankle = push(services, town, a_picture("3.1", b"ankle", study_uid="3.3", series_uid="3.3.1")).study_id
    for code in (ana.gives_code(knee)[1], ana.gives_code(head, view_only=False)[1], sam.gives_code(ankle)[1]):
        grants.redeem(services, code, Redeemer("Dr. J. Lee", provider=doctor.access()), source="192.0.2.7")
    assert sorted(doctor.web.get("/dicomweb/studies").json) == ["1.2.3", "2.2", "3.3"]
    with services.reading() as w:
        access = doctor.access()
        assert access.for_study(w, ankle).patient == sam.keyring.vault_id.hex()
        assert access.for_study(w, knee).actor.via != access.for_study(w, head).actor.via
        assert not access.can_copy(w, knee)
        assert access.can_copy(w, head)
        with pytest.raises(CopyNotAllowed):
            access.check_can_copy(w, knee)


def test_a_doctor_with_no_sharing_sees_an_empty_list(doctor):
    assert doctor.web.get("/dicomweb/studies").json == []
    assert doctor.web.get("/pro").status_code == 200


def test_a_doctor_is_told_when_sharing_stops(services, ana, doctor, knee):
    grant_id, code = ana.gives_code(knee)
    grants.redeem(services, code, Redeemer("Dr. J. Lee", provider=doctor.access()), source="192.0.2.7")
    ana.ends(grant_id)
    assert doctor.web.get(f"/dicomweb/studies/{knee.hex()}/whole").status_code == 404
    assert doctor.web.get("/dicomweb/studies").json == []
    with services.reading() as w:
        assert inbox(w, doctor.access()) == []


def test_software_redeems_a_code(app, services, ana, knee, tracker):
    _, code = ana.gives_code(knee)
    grant_type = "urn:keepray:oauth:grant-type:share-code"
    typed = code.reveal().lower().replace("-", " ")
    wrong = tracker.posts(grant_type=grant_type, code=typed, scope="nonsense", **tracker.credentials)
    assert wrong.json["error"] == "invalid_scope"
    answer = tracker.posts(grant_type=grant_type, code=typed, scope="patient/*.rs", **tracker.credentials)
    assert answer.status_code == 200, answer.text
    token = answer.json
    assert token["patient"] == ana.keyring.vault_id.hex()
    assert "patient/ImagingStudy.rs" in token["scope"]
    assert tracker.reads(token["access_token"]).json["seen"] == ["1.2.3"]
    again = tracker.posts(grant_type=grant_type, code=typed, **tracker.credentials)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    for mistyped in ("", "1234", code.reveal()[:-1]):
        assert (
            tracker.posts(grant_type=grant_type, code=mistyped, **tracker.credentials).json["error"] == "invalid_grant"
        )
    nobody = tracker.posts(grant_type=grant_type, code=typed)
    assert nobody.status_code == 401
    assert [one.who for one in live(services, ana)] == ["Heart Tracker"]


def test_software_that_asks_to_come_back_can(app, services, ana, knee, tracker, clock):
    _, code = ana.gives_code(knee, hours=24)
    scope = "patient/*.rs offline_access"
    grant_type = "urn:keepray:oauth:grant-type:share-code"
    token = tracker.posts(grant_type=grant_type, code=code.reveal(), scope=scope, **tracker.credentials).json
    clock.advance(hours=1)
    assert tracker.reads(token["access_token"]).status_code == 401
    assert tracker.refreshes(token["refresh_token"]).status_code == 200
    clock.advance(hours=23)
    assert tracker.refreshes(token["refresh_token"]).status_code == 400


# --- what the patient is told ----------------------------------------------------------------------------------------


def test_the_patient_sees_who_looks_and_when(app, services, ana, knee, clock):
    grant_id, code = ana.gives_code(knee, label="My knee doctor")
    waiting = live(services, ana)[0]
    assert (waiting.stage, waiting.waits, waiting.who, waiting.opens) == (Stage.SENT, True, "My knee doctor", 0)
    guest = a_guest(app, services, code)
    assert live(services, ana)[0].stage is Stage.SENT
    guest.get("/see/view")
    clock.advance(minutes=5)
    guest.get("/see/view")
    seen = live(services, ana)[0]
    assert (seen.who, seen.clinic, seen.stage, seen.opens) == ("Dr. J. Lee", "Hill Clinic", Stage.OPENED, 1)
    assert seen.last_opened == clock.now()
    for _ in range(2):
        clock.advance(minutes=10)
        guest.get("/fhir/Patient/x")
    guest.get("/see/view")
    assert live(services, ana)[0].opens == 2
    assert doing(services, ana)[:3] == ["opened", "redeemed", "gave"]
    with services.reading() as w:
        assert names_for(w, ana.access()) == {bytes(grant_id): "Dr. J. Lee"}


def test_the_patient_sees_that_a_copy_was_saved(services, ana, knee):
    _, code = ana.gives_code(knee, view_only=False)
    redeemed = grants.redeem(services, code, LEE, source="192.0.2.7")
    from consent import guests

    with services.work() as w:
        _, access = guests.open_guest(w, redeemed.cookie.octets())
        grants.mark_saved(w, access, knee, "zip")
        grants.mark_saved(w, access, knee, "zip")
    assert live(services, ana)[0].stage is Stage.SAVED
    assert doing(services, ana).count("saved-copy") == 1


def test_names_of_doctors_lie_sealed(services, ana, knee, tmp_path):
    _, code = ana.gives_code(knee, label="My knee doctor")
    grants.redeem(services, code, LEE, source="192.0.2.7")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("keepray.db*"))
    for words in (b"Dr. J. Lee", b"Hill Clinic", b"knee doctor", code.reveal().encode()):
        assert words not in kept


# --- ending ----------------------------------------------------------------------------------------------------------


def test_what_is_stopped_is_over_at_the_next_request(app, services, ana, knee):
    grant_id, code = ana.gives_code(knee)
    guest = a_guest(app, services, code)
    assert guest.get("/see/view").status_code == 200
    ana.ends(grant_id)
    assert guest.get("/see/view").status_code == 410
    refused = guest.get("/dicomweb/studies")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert live(services, ana) == []
    with services.reading() as w:
        ended = history_of(w, ana.access())
    assert [(one.who, one.ended_by, one.stage) for one in ended] == [("Dr. J. Lee", "patient", Stage.ENDED)]
    assert doing(services, ana)[0] == "ended-grant"


def test_stopping_all_stops_all(services, ana, tracker, knee, head):
    ana.gives_code(knee)
    token = tracker.gets_tokens(ana)
    with services.work() as w:
        assert grants.end_all(w, ana.access_in(w)) == 2
        assert grants.end_all(w, ana.access_in(w)) == 0
    assert live(services, ana) == []
    assert tracker.reads(token["access_token"]).status_code == 401
    with services.work() as w:
        record.check_record(w, ana.keyring)


def test_nobody_stops_anothers_sharing(services, ana, ben, knee):
    grant_id = ana.gives(knee).grant_id
    with services.work() as w, pytest.raises(NotThere):
        grants.end(w, ben.access_in(w), grant_id)


def test_time_ends_a_sharing_too(services, ana, knee, clock):
    ana.gives_code(knee, hours=1)
    clock.advance(hours=1)
    for _ in range(2):
        assert live(services, ana) == []
        with services.reading() as w:
            ended = history_of(w, ana.access())
        assert [(one.ended_by, one.ended_at) for one in ended] == [("time", ended[0].until)]
        clock.advance(hours=1)
        with services.work() as w:
            grants.end_run_out(w)
    with services.work() as w:
        assert grants.end_run_out(w) == 0
        record.check_record(w, ana.keyring)
        audit.verify_chain(w, ana.keyring.owner)
    assert doing(services, ana)[0] == "ended-grant"


def test_an_app_that_did_not_ask_to_come_back_is_not_listed_for_months(services, ana, tracker, knee, clock):
    tracker.gets_tokens(ana, "patient/*.rs")
    assert len(live(services, ana)) == 1
    clock.advance(minutes=17)
    assert live(services, ana) == []


def test_a_sharing_of_nothing_ends(services, ana, knee):
    from vault.tables import StudyRow

    ana.gives(knee)
    ana.gives(standing=Standing())
    with services.work() as w:
        assert grants.end_empty(w, ana.access_in(w)) == 0
        w.session.delete(w.session.get_one(StudyRow, knee))
        w.session.flush()
        assert grants.end_empty(w, ana.access_in(w)) == 1
    assert [one.limits.standing for one in live(services, ana)] == [Standing()]


def test_a_watch_over_a_long_answer_sees_the_end(app, services, ana, knee, clock):
    grant_id, code = ana.gives_code(knee)
    redeemed = grants.redeem(services, code, LEE, source="192.0.2.7")
    from consent import guests
    from consent.watch import Watch

    with services.reading() as w:
        _, access = guests.open_guest(w, redeemed.cookie.octets())
    watch = Watch(services, access)
    watch.look()
    ana.ends(grant_id)
    watch.look()  # asked again after five seconds, not before
    clock.advance(seconds=5)
    with pytest.raises(Expired):
        watch.look()


def test_a_watch_sees_a_sign_out(services, ana, clock):
    from consent.watch import Watch

    access = ana.access()
    watch = Watch(services, access)
    with services.work() as w:
        sessions.sign_out(w, access)
    clock.advance(seconds=5)
    with pytest.raises(Expired):
        watch.look()


def test_new_scans_reach_whoever_was_given_what_comes(app, services, ana, harbor, knee):
    _, code = ana.gives_code(knee, standing=Standing())
    guest = a_guest(app, services, code)
    push(services, harbor.next_token(services), a_picture("9.1", b"new", study_uid="9.9", series_uid="9.9.1"))
    assert sorted(guest.get("/dicomweb/studies").json) == ["1.2.3", "9.9"]


def test_one_browser_with_two_roles_sees_both(app, services, ana, ben, knee, harbor):
    town = a_site(services, "Town")
    link(services, town.site, ben.keyring)
    push(services, town, a_picture("5.1", b"own", study_uid="5.5", series_uid="5.5.1"))
    _, code = ana.gives_code(knee)
    redeemed = grants.redeem(services, code, LEE, source="192.0.2.7")
    ben.web.set_cookie("phr-guest", cookie_text(redeemed.cookie), domain="localhost")
    assert sorted(ben.web.get("/dicomweb/studies").json) == ["1.2.3", "5.5"]
    assert ben.web.get("/home").json["actor"] == "patient"


def test_an_access_prints_no_key(ana):
    access = ana.access()
    assert isinstance(access, Access)
    assert "VaultKeyring(…)" in repr(access)


def test_what_was_stopped_stays_stopped_in_a_restored_backup(services, ana, knee, tmp_path):
    from dataclasses import replace

    from vault.journal import RevocationJournal

    grant_id = ana.gives(knee).grant_id
    journal = RevocationJournal(tmp_path / "journal.log")
    with replace(services, journal=journal).work() as w:
        grants.end(w, ana.access_in(w), grant_id)
    assert [(entry.what.value, entry.ids) for entry in journal.entries()] == [("grant", (grant_id,))]
