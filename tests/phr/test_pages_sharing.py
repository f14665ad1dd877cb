"""A code for a doctor: given, used once, seen by the patient, stopped."""

import re

import pytest
import sqlalchemy as sa

from tests.factories import an_instance
from tests.phr.conftest import ANA
from tests.phr.test_printing import text_of
from vault.sealing.codes import ShareCode


def test_sharing_asks_one_question_to_a_page_and_shows_the_code_once(ana_with_a_scan):
    ana = ana_with_a_scan
    here = ana.scan()
    assert "checked" in ana.get(f"/share/scans?scan={here.rpartition('/')[2]}").text
    code = ana.shares()
    assert len(code) == 20
    ShareCode.parse(code)
    page = ana.get("/share/code").text
    assert "No camera? Ask them to open <strong>localhost/see</strong> and type:" in page
    assert "The code opens once. It opens 1 scan until today, 13:00." in page
    ana.post("/share/done", page="/share/code")
    assert "We do not keep codes" in ana.get("/share/code").text
    assert code not in ana.get("/shares").text


def test_from_a_scan_one_answer_leads_to_the_last_page(ana_with_a_scan):
    ana = ana_with_a_scan
    scan = ana.scan().rpartition("/")[2]
    assert f'href="/share/how?scan={scan}"' in ana.get(ana.scan()).text
    assert "MRI of the right knee, 3 March 2026" in ana.get(f"/share/how?scan={scan}").text
    page = ana.post("/share/how", page=f"/share/how?scan={scan}", how="code", scan=scan).text
    assert ana.path == "/share/check"
    for words in ("1 scan", "Show a code", "4 hours", "See"):
        assert words in page


def test_what_was_answered_about_other_scans_is_not_meant_for_this_one(ana_with_a_scan, scan_center):
    ana = ana_with_a_scan
    scan_center.pushes_a_knee(study="older")
    ana.get("/home")
    one, other = list(dict.fromkeys(re.findall(r"/scans/([0-9a-f]{32})", ana.get("/home").text)))[:2]
    ana.post("/share/how", how="slip", scan=one)
    ana.post("/share/may", may=["see", "save"])
    assert "See, Save a copy" in ana.post("/share/how", how="slip", scan=one).text
    assert "Save a copy" not in ana.post("/share/how", how="slip", scan=other).text


def test_a_scan_that_is_not_theirs_is_not_shared(ana_with_a_scan):
    page = ana_with_a_scan.post("/share/how", how="code", scan="0" * 32)
    assert ana_with_a_scan.path == "/share/scans"
    assert page.status_code == 200


def test_no_scan_ticked_is_named(ana_with_a_scan):
    answer = ana_with_a_scan.post("/share/scans")
    assert answer.status_code == 422
    assert "Tick at least one scan." in answer.text


def test_answers_are_kept_while_going_back_and_forth(ana_with_a_scan):
    ana = ana_with_a_scan
    ana.post("/share/scans", all="yes")
    ana.post("/share/how", how="slip")
    assert 'value="30d" checked' in ana.get("/share/time").text
    ana.post("/share/time", length="1y")
    ana.post("/share/may", may=["see", "save"])
    page = ana.get("/share/check").text
    for words in ("1 scan", "Print a code", "1 year", "See, Save a copy", "MRI of the right knee"):
        assert words in page
    assert 'value="1y" checked' in ana.get("/share/time").text


def test_pressing_twice_shares_once(ana_with_a_scan):
    ana = ana_with_a_scan
    ana.shares()
    ana.post("/share/check", page="/account")
    assert ana.path == "/share/code"
    assert ana.get("/shares").text.count("kr-share__head") == 1


def test_sharing_asks_again_who_one_is_after_five_minutes(ana_with_a_scan, clock):
    ana = ana_with_a_scan
    ana.post("/share/scans", all="yes")
    clock.advance(minutes=6)
    ana.post("/share/how", how="code")
    assert ana.path == "/check"


def test_only_who_shows_a_code_is_told_that_none_is_made_without_a_line(ana_with_a_scan):
    ana = ana_with_a_scan
    ana.post("/share/scans", all="yes")
    ana.post("/share/how", how="code")
    assert "We cannot make a code now. Use a printed share slip" in ana.get("/share/check").text
    ana.post("/share/how", how="slip")
    assert "We cannot make a code now." not in ana.get("/share/check").text


def test_the_share_slip_has_the_code_on_paper(ana_with_a_scan):
    ana_with_a_scan.shares()
    assert "Make your screen brighter" in ana_with_a_scan.get("/share/code").text
    bare = ana_with_a_scan.post("/share/slip.pdf", page="/share/code")
    named = ana_with_a_scan.post("/share/slip.pdf", page="/share/code", named="yes")
    assert bare.data.startswith(b"%PDF")
    assert "27 March 1958" not in text_of(bare.data)
    assert "27 March 1958" in text_of(named.data)


def test_a_doctor_finds_scans_of_one_part_of_the_body_together(ana_with_a_scan, scan_center, doctor):
    ana = ana_with_a_scan
    assert '<h2 class="nhsuk-heading-m">' not in doctor.opens(ana.shares()).text
    for study, part, day in (("chest", "CHEST", "20260401"), ("other knee", "KNEE", "20200101")):
        scan_center.pushes(
            an_instance(
                study=study, person=ANA, modality="CR", BodyPartExamined=part, StudyDate=day, StudyDescription=part,
            )
        )  # fmt: skip
    ana.get("/home")
    ana.post("/share/scans", all="yes")
    ana.post("/share/how", how="code")
    shown = ana.post("/share/check").text
    code = re.sub(r"[^0-9A-Z]", "", re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', shown)[1])
    doctor.opens(code)
    page = doctor.get("/see/scans").text
    headings = re.findall(r"<h[23] class=\"(?:nhsuk-heading-m|kr-card__title)\">([^<]+)<", page)
    assert headings == ["Chest", "X-ray of the chest", "Legs and feet", "MRI of the right knee", "X-ray of the knee"]


def test_a_doctor_with_a_code_sees_pictures_and_report(ana_with_a_scan, doctor):
    shown = doctor.opens(ana_with_a_scan.shares())
    assert doctor.path == "/see/view"
    assert "PEREZ, Ana. Born 27 March 1958. Shared by the patient until today, 13:00." in shown.text
    assert 'data-toolbar="clinician"' in shown.text
    assert "Reference viewing." in shown.text
    report = re.search(r'href="(/see/report/[0-9a-f]{32})"', shown.text)[1]
    assert "No tear." in doctor.get(report).text
    assert doctor.client.get("/see/alive").status_code == 204


def test_the_patient_sees_that_it_was_opened_and_by_whom(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    code = ana.shares()
    assert "Not opened yet." in ana.get("/shares").text
    doctor.opens(code)
    page = ana.get("/shares").text
    assert "Dr. J. Lee, Hill Clinic" in page
    assert "Opened 1 time, last today, 9:00." in page
    grant = re.search(r"/shares/([0-9a-f]{32})", page)[1]
    state = ana.get(f"/share/state/{grant}").text
    assert "Dr. J. Lee, Hill Clinic can see your scans" in state
    assert "<html" not in state
    shown = ana.get("/share/code").text
    assert "Dr. J. Lee, Hill Clinic can see your scans" in shown
    assert code not in shown
    assert code[:4] not in shown
    history = ana.get("/history").text
    assert "Dr. J. Lee, Hill Clinic looked at the MRI of the right knee." in history
    assert "You shared scans with Dr. J. Lee, Hill Clinic." in history
    assert "Dr. J. Lee, Hill Clinic looked at the MRI" in ana.get(f"/shares/{grant}").text


def test_a_code_opens_once(ana_with_a_scan, doctor, another_browser):
    code = ana_with_a_scan.shares()
    doctor.opens(code)
    another_browser.post("/see", code=code)
    told = another_browser.post("/see/who", name="Somebody", clinic="Else")
    assert "This code does not work. Check it with your patient. A code opens once." in told.text


def test_a_slip_of_the_finger_in_a_code_costs_no_try(doctor, ana_with_a_scan):
    code = ana_with_a_scan.shares()
    for _ in range(12):
        assert doctor.post("/see", code=code[:-1] + ("0" if code[-1] != "0" else "1")).status_code == 422
    assert doctor.opens(code).status_code == 200
    assert doctor.path == "/see/view"


def test_guessing_codes_must_wait(doctor):
    answers = [doctor.opens(ShareCode.new().reveal()).status_code for _ in range(12)]
    assert answers[0] == 422
    assert answers[-1] == 429


def test_a_doctor_says_who_they_are(ana_with_a_scan, doctor):
    code = ana_with_a_scan.shares()
    doctor.post("/see", code=code)
    answer = doctor.post("/see/who", name="", clinic="Hill Clinic")
    assert "Type your name." in answer.text
    assert 'value="Hill Clinic"' in answer.text
    doctor.post("/see/who", name="Dr. J. Lee", clinic="Hill Clinic")
    assert doctor.path == "/see/view"


def test_stopping_ends_the_visit_at_once(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    grant = re.search(r"/shares/([0-9a-f]{32})/stop", ana.get("/shares").text)[1]
    assert "Stop sharing with Dr. J. Lee, Hill Clinic?" in ana.get(f"/shares/{grant}/stop").text
    told = ana.post(f"/shares/{grant}/stop").text
    assert "Sharing has stopped. Dr. J. Lee, Hill Clinic cannot open your scans now." in told
    assert doctor.client.get("/see/alive").status_code in {401, 410}
    ended = doctor.get("/see/view")
    assert ended.status_code == 410
    assert "Sharing has ended" in ended.text


def test_stopping_everything_ends_everything(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    ana.shares()
    assert "2 people or apps" in ana.get("/shares/stop-all").text
    assert "2 shares have stopped." in ana.post("/shares/stop-all").text
    assert doctor.get("/see/view").status_code == 410


def test_the_visit_ends_when_the_time_is_over(ana_with_a_scan, doctor, clock):
    doctor.opens(ana_with_a_scan.shares())
    for _ in range(17):
        clock.advance(minutes=14)
        doctor.get("/see/scans")
    clock.advance(minutes=14)
    assert doctor.get("/see/view").status_code == 410


def test_a_doctor_who_leaves_leaves_nothing_behind(ana_with_a_scan, doctor):
    doctor.opens(ana_with_a_scan.shares())
    shown = doctor.post("/see/end", page="/see/scans")
    assert "Nothing is kept in this browser. Close the window." in shown.text
    doctor.get("/see/view")
    assert doctor.path == "/see"


def test_a_copy_is_saved_only_if_the_patient_allowed_it(ana_with_a_scan, doctor, app):
    from tests.phr.conftest import Doctor

    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    study = ana.scan().rpartition("/")[2]
    asked = doctor.get(f"/see/save/{study}").text
    assert "The patient has not said yes to copies." in asked
    assert ".zip" not in asked
    assert doctor.get(f"/see/save/{study}.zip").status_code == 403
    assert doctor.get(f"/see/report/{study}.pdf").status_code == 403
    other = Doctor(app, "192.0.2.77")
    other.opens(ana.shares(may=("see", "save")))
    offered = other.get(f"/see/save/{study}").text
    assert re.search(r"A DICOM ZIP file of [\d.]+ KB\.", offered)
    assert f'href="/see/report/{study}.pdf"' in offered
    assert "The patient will see that you saved a copy." in offered
    assert other.get(f"/see/save/{study}.zip").data.startswith(b"PK")
    assert "Saved a copy" in ana.get("/shares").text


def test_a_doctor_cannot_ask_for_what_was_not_shared(ana_with_a_scan, scan_center, doctor):
    ana = ana_with_a_scan
    code = ana.shares()
    scan_center.pushes_a_knee(study="private")
    ana.get("/home")
    newest = list(re.findall(r"/scans/([0-9a-f]{32})", ana.get("/home").text))
    doctor.opens(code)
    answers = {doctor.get(f"/see/report/{one}").status_code for one in set(newest)}
    assert answers == {200, 404}
    for page in ("/home", ana.scan(), "/shares", "/history"):
        doctor.get(page)
        assert doctor.path == "/sign-in"


@pytest.mark.parametrize("length", ["30d", "1y", "none"])
def test_a_share_lasts_as_long_as_was_picked(ana_with_a_scan, length):
    ana_with_a_scan.shares(length=length)
    words = {"30d": "Until 1 April 2026.", "1y": "Until 2 March 2027.", "none": "Until you stop it."}
    assert words[length] in ana_with_a_scan.get("/shares").text


def test_new_scans_of_the_kind_are_seen_if_ticked(ana_with_a_scan, scan_center, doctor):
    ana = ana_with_a_scan
    code = ana.shares(length="none", may=("see", "new"))
    doctor.opens(code)
    scan_center.pushes_a_knee(study="later")
    ana.get("/home")
    assert doctor.get("/see/scans").text.count("kr-card__title") == 2


def test_a_code_nobody_used_is_spoken_of_as_a_code(ana_with_a_scan):
    ana = ana_with_a_scan
    ana.shares()
    assert "You shared scans with whoever has the code." in ana.get("/history").text
    stop = re.search(r'href="(/shares/[0-9a-f]{32}/stop)"', ana.get("/shares").text)[1]
    assert "Stop sharing with whoever has the code?" in ana.get(stop).text
    assert "Sharing has stopped. The code does not work any more." in ana.post(stop).text
    assert "with A code" not in ana.get("/history").text + ana.get("/shares").text


def test_who_cannot_stop_sharing_is_told_so_and_whom_to_call(ana_with_a_scan, services):
    ana = ana_with_a_scan
    ana.shares()
    stop = re.search(r'href="(/shares/[0-9a-f]{32}/stop)"', ana.get("/shares").text)[1]
    with services.work() as work:
        work.session.execute(sa.text("DROP TABLE healthlink"))
    for path in (stop, "/shares/stop-all"):
        answer = ana.post(path)
        assert answer.status_code == 503
        assert "We cannot stop this now. Try again, or call 555 0199." in answer.text


def test_changing_a_code_shares_anew_with_the_same_answers_and_stops_what_was_given(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    code = ana.shares(may=("see", "save"))
    grant = re.search(r"/shares/([0-9a-f]{32})/change", ana.get("/shares").text)[1]
    assert "They need the new code then." in ana.get(f"/shares/{grant}/change").text
    page = ana.post(f"/shares/{grant}/change", answer="change").text
    assert ana.path == "/share/check"
    for words in ("1 scan", "4 hours", "See, Save a copy", "Sharing with whoever has the code as it is now"):
        assert words in page
    ana.post("/share/may", may=["see"])
    ana.post("/share/check")
    assert ana.path == "/share/code"
    page = ana.get("/shares").text
    assert page.count("Stop sharing<") == 1
    assert f"/shares/{grant}/stop" not in page
    assert doctor.opens(code).status_code == 422


def test_a_share_that_is_kept_as_it_is_is_replaced_by_nothing(ana_with_a_scan):
    ana = ana_with_a_scan
    ana.shares()
    grant = re.search(r"/shares/([0-9a-f]{32})/change", ana.get("/shares").text)[1]
    ana.post(f"/shares/{grant}/change", answer="change")
    ana.post(f"/shares/{grant}/change", answer="keep")
    assert ana.path == "/shares"
    ana.shares()
    assert f"/shares/{grant}/stop" in ana.get("/shares").text


def test_a_changed_link_keeps_its_answers_and_its_card_says_what_it_opens(ana_with_a_scan):
    ana = ana_with_a_scan
    ana.post("/share/scans", all="yes")
    ana.post("/share/how", how="link")
    ana.post("/share/link", label="For Dr. Lee", opens="reports", number="no", kept="yes")
    ana.post("/share/check")
    page = ana.get("/shares").text
    assert "1 scan. Reports only." in page
    grant = re.search(r"/shares/([0-9a-f]{32})/change", page)[1]
    page = ana.post(f"/shares/{grant}/change", answer="change").text
    assert "“For Dr. Lee”. Reports only. Without a number. Kept up to date." in page
    assert "30 days" in page
    ana.get(f"/shares/{grant}/stop")
    ana.post(f"/shares/{grant}/stop")
    assert ana.get(f"/shares/{grant}/change").status_code == 404
