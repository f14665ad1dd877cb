"""A report that waits: with a note on a day, until a doctor has looked, and told by letter when it comes (R1, R3, I2)."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from consent.alerts import SETTLED
from consent.tables import ReminderRow
from phr import alerting, dates
from phr.mail import OutboxMailer
from tests.factories import a_dataset
from tests.phr.conftest import SECTIONS
from tests.phr.test_alerting import TELLING
from vault import accounts
from vault.facts import Section
from vault.tables import AccountRow


@pytest.fixture
def letters(services, settings, clock):
    """The jobs of a minute are done, a little later; answers every letter there is, newest first."""
    room = alerting.post_room(settings)
    outbox = OutboxMailer(settings.outbox_folder, settings.mail_key)

    def passes():
        clock.advance(seconds=SETTLED.total_seconds())
        alerting.send_what_is_owed(room, services, settings)
        return outbox.letters()

    return passes


def has_mail(services) -> None:
    with services.work() as work:
        accounts.keep_mail(work, work.session.scalars(sa.select(AccountRow.id)).one(), "ana@example.org")


def test_she_waits_for_a_week_and_is_told_on_the_day(ana_with_a_scan, services, letters, clock):
    ana, report = ana_with_a_scan, f"{ana_with_a_scan.scan()}/report"
    day = dates.in_words(clock.now() + timedelta(days=7), "en")
    has_mail(services)
    letters()
    assert f"Wait, and remind me on {day}" in ana.get(report).text
    assert f"We tell you again on {day}." in ana.post(report, choice="remind").text
    page = ana.get(report).text
    assert f"You chose to wait. We tell you again on {day}." in page
    assert "remind me on" not in page
    assert "waits for you" not in ana.get("/home").text
    clock.advance(days=6, hours=20)
    assert letters() == []
    clock.advance(hours=4)
    [letter] = letters()
    assert "You asked us to write to you today." in letter.text
    assert not any(word in letter.subject + letter.text for word in TELLING)
    assert len(letters()) == 1
    ana.signs_in()
    assert "waits for you" in ana.get("/home").text
    ana.post(report, choice="now")
    assert "waits for you" not in ana.get("/home").text


def test_who_reads_sooner_gets_no_note(ana_with_a_scan, services, letters, clock):
    report = f"{ana_with_a_scan.scan()}/report"
    has_mail(services)
    ana_with_a_scan.post(report, choice="remind")
    assert "Main points (Impression)" in ana_with_a_scan.post(report, choice="now").text
    clock.advance(days=8)
    assert letters() == []
    with services.reading() as work:
        assert work.session.scalars(sa.select(ReminderRow)).all() == []


def test_a_note_that_could_not_be_sent_for_a_week_is_forgotten(ana_with_a_scan, services, letters, clock):
    has_mail(services)
    ana_with_a_scan.post(f"{ana_with_a_scan.scan()}/report", choice="remind")
    clock.advance(days=15)
    assert letters() == []
    with services.reading() as work:
        assert work.session.scalars(sa.select(ReminderRow)).all() == []


def test_a_report_that_comes_later_is_told_once_and_says_nothing(ana, scan_center, services, letters, clock):
    knee = scan_center.pushes_a_knee()
    ana.joins()
    ana.adds(scan_center.slip_for())
    has_mail(services)
    assert "We will tell you." in ana.get(f"{ana.scan()}/report").text
    letters()
    clock.advance(hours=1)
    scan_center.reports(knee, sections=SECTIONS)
    [letter] = letters()
    assert "A new report is in your account." in letter.text
    assert not any(word in letter.subject + letter.text for word in TELLING)
    clock.advance(minutes=1)
    assert len(letters()) == 1


def test_a_scan_that_comes_with_its_report_is_one_letter(ana_with_a_scan, scan_center, services, letters, clock):
    has_mail(services)
    letters()
    clock.advance(minutes=1)
    scan_center.reports(scan_center.pushes_a_knee(study="second"), sections=SECTIONS)
    [letter] = letters()
    assert "A new scan" in letter.text


def test_a_doctor_who_reviewed_the_report_lifts_the_wait_and_is_named(ana_with_a_scan, doctor, clock):
    ana, report = ana_with_a_scan, f"{ana_with_a_scan.scan()}/report"
    reviewed = f"Dr. J. Lee reviewed this report on {dates.in_words(clock.now(), 'en')}."
    ana.post(report, choice="wait")
    assert "Your doctor has not looked at it yet." in ana.get(report).text
    theirs = f"/see/report/{ana.scan().rpartition('/')[2]}"
    doctor.opens(ana.shares())
    page = doctor.get(theirs).text
    assert "I have reviewed this report" in page
    assert "It does not send a message." in page
    assert "You have reviewed this report." in doctor.post(f"{theirs}/reviewed", page=theirs).text
    assert reviewed in ana.get(ana.scan()).text
    page = ana.get(report).text
    assert "Main points (Impression)" in page
    assert reviewed in page
    clock.advance(minutes=1)
    doctor.post(f"{theirs}/reviewed", page=theirs)
    assert ana.get("/history").text.count("reviewed the report of") == 1


def test_what_she_read_once_her_doctor_had_waits_no_more(ana_with_a_scan, doctor, services, letters, clock):
    ana, report = ana_with_a_scan, f"{ana_with_a_scan.scan()}/report"
    theirs = f"/see/report/{ana.scan().rpartition('/')[2]}"
    has_mail(services)
    letters()
    ana.post(report, choice="remind")
    doctor.opens(ana.shares())
    doctor.get(theirs)
    doctor.post(f"{theirs}/reviewed", page=theirs)
    assert "Main points (Impression)" in ana.get(report).text
    clock.advance(days=8)
    assert letters() == []
    ana.signs_in()
    assert "waits for you" not in ana.get("/home").text


@pytest.mark.parametrize("later", ["", "known"])
def test_a_scan_in_six_months_is_told_by_letter_unless_the_doctor_knows(
    later, ana_with_a_scan, scan_center, services, letters, clock
):
    ana, scan = ana_with_a_scan, ana_with_a_scan.scan()
    asks = Section("Impression", "Recommend repeat CT in 6 months.")
    has_mail(services)
    clock.advance(seconds=1)
    scan_center.reports(a_dataset(study="knee").StudyInstanceUID, sections=(asks,), status="amended")
    ana.post(f"{scan}/report", choice="now")
    told = ana.post(f"{scan}/follow-up", page=f"{scan}/report", said="remind").text
    assert "We show you a note on 4 September 2026." in told
    if later:
        ana.post(f"{scan}/follow-up", page=f"{scan}/report", said=later)
    letters()
    clock.advance(days=185)
    assert letters() == []
    clock.advance(days=1)
    assert [letter.text.partition(" Sign in")[0] for letter in letters()] == (
        [] if later else ["Keepray: You asked us to write to you today."]
    )


@pytest.mark.parametrize("choice", ["wait", "ask"])
def test_only_a_doctor_who_says_so_has_looked_at_the_report(choice, ana_with_a_scan, doctor):
    """Whoever was let in, an app, a relative or a doctor, may open the scan: that tells nothing of its report."""
    ana, report = ana_with_a_scan, f"{ana_with_a_scan.scan()}/report"
    theirs = f"/see/report/{ana.scan().rpartition('/')[2]}"
    if choice == "wait":
        ana.post(report, choice="wait")
    doctor.opens(ana.shares())
    doctor.get(theirs)
    assert "Your doctor has not looked at it yet." in ana.get(report).text
    doctor.post(f"{theirs}/reviewed", page=theirs)
    assert "Main points (Impression)" in ana.get(report).text


def test_a_report_that_changed_is_reviewed_anew(ana_with_a_scan, doctor, scan_center, clock):
    ana, report = ana_with_a_scan, f"{ana_with_a_scan.scan()}/report"
    theirs = f"/see/report/{ana.scan().rpartition('/')[2]}"
    doctor.opens(ana.shares())
    doctor.post(f"{theirs}/reviewed", page=theirs)
    clock.advance(minutes=1)
    scan_center.reports(a_dataset(study="knee").StudyInstanceUID, sections=SECTIONS[:2], status="amended")
    assert "Your doctor has not looked at it yet." in ana.get(report).text
    clock.advance(minutes=1)
    assert "You have reviewed this report." in doctor.post(f"{theirs}/reviewed", page=theirs).text
    assert "Dr. J. Lee reviewed this report" in ana.get(report).text
