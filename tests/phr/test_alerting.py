"""Letters that come by themselves: only news, only in daytime, only to those who want them, and saying nothing."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from consent.alerts import SETTLED
from consent.tables import AlertRow
from phr import alerting
from phr.mail import OutboxMailer
from tests.factories import a_dataset
from tests.phr.conftest import SECTIONS
from tests.phr.test_pages_upload import old_pictures, sends
from vault import accounts
from vault.sites import change_details, find_site
from vault.tables import AccountRow

TELLING = ("knee", "MRI", "Harbor", "Perez", "Dr.", "Lee")


@pytest.fixture
def ana_with_mail(ana_with_a_scan, services):
    """Ana, who gave an address."""
    with services.work() as work:
        accounts.keep_mail(work, work.session.scalars(sa.select(AccountRow.id)).one(), "ana@example.org")
    return ana_with_a_scan


@pytest.fixture
def minute(services, settings, clock):
    """The jobs of a minute are done, a little later; answers every letter there is."""
    room = alerting.post_room(settings)
    outbox = OutboxMailer(settings.outbox_folder, settings.mail_key)

    def passes():
        clock.advance(seconds=SETTLED.total_seconds())
        alerting.send_what_is_owed(room, services, settings)
        return outbox.letters()

    passes()
    return passes


def test_a_new_scan_is_told_once_and_says_nothing(ana_with_mail, scan_center, minute, clock):
    assert minute() == []
    clock.advance(minutes=1)
    scan_center.pushes_a_knee(study="second")
    [letter] = minute()
    assert letter.to == "ana@example.org"
    assert "A new scan is in your account." in letter.text
    assert not any(word in letter.subject + letter.text for word in TELLING)
    clock.advance(minutes=1)
    scan_center.pushes_a_knee(study="second", pictures=5)  # more of the same scan is no news
    assert len(minute()) == 1


def test_what_she_adds_herself_is_no_news(ana_with_mail, minute, clock, services):
    clock.advance(minutes=1)
    assert sends(ana_with_mail, *old_pictures(1)).json["kept"] == 1
    assert minute() == []


def test_letters_wait_for_the_morning_unless_she_wants_them_at_night(ana_with_mail, scan_center, minute, clock):
    clock.advance(hours=13)  # 22:00
    scan_center.pushes_a_knee(study="late")
    assert minute() == []
    clock.advance(hours=10, minutes=1)
    assert len(minute()) == 1
    assert alerting.night_at(datetime(2026, 3, 2, 7, 59, tzinfo=ZoneInfo("UTC")), "UTC")
    assert not alerting.night_at(datetime(2026, 3, 2, 20, 59, tzinfo=ZoneInfo("UTC")), "UTC")


def test_she_can_turn_them_off_and_choose_the_night(ana_with_mail, scan_center, minute, clock, services):
    assert "ana@example.org" in ana_with_mail.get("/account/alerts").text
    ana_with_mail.post("/account/alerts", alerts=[])
    clock.advance(minutes=1)
    scan_center.pushes_a_knee(study="unwanted")
    assert minute() == []
    ana_with_mail.post("/account/alerts", alerts=["new_scan"])
    clock.advance(hours=13)
    scan_center.pushes_a_knee(study="at night")
    assert len(minute()) == 1
    with services.reading() as work:
        assert work.session.scalars(sa.select(AlertRow)).one().language == "en"


def test_a_share_that_nobody_opened_is_told_after_three_days(ana_with_mail, minute, clock, doctor):
    clock.advance(minutes=1)
    ana_with_mail.shares(length="30d")
    clock.advance(minutes=1)
    minute()
    clock.advance(days=3)
    [letter] = minute()
    assert "has not looked yet" in letter.text
    assert not any(word in letter.subject + letter.text for word in TELLING)
    clock.advance(days=1)
    assert len(minute()) <= 1


def test_a_share_that_was_opened_is_not_told(ana_with_mail, minute, clock, doctor):
    clock.advance(minutes=1)
    doctor.opens(ana_with_mail.shares(length="30d"))
    doctor.get("/see/scans")
    clock.advance(days=3, minutes=1)
    assert minute() == []


def test_who_gave_no_address_gets_no_letter_and_a_reason(ana_with_a_scan, scan_center, minute, clock):
    clock.advance(minutes=1)
    scan_center.pushes_a_knee(study="second")
    assert minute() == []
    assert "without an email address" in ana_with_a_scan.get("/account/alerts").text


def test_a_report_that_its_site_keeps_back_is_told_when_it_is_shown(
    ana_with_mail, scan_center, minute, clock, services
):
    with services.work() as work:
        site = find_site(work, scan_center.site.id)
        change_details(work, site.id, replace(site.details, reports_held_days=2, zone="UTC"))
    clock.advance(minutes=10)
    scan_center.reports(a_dataset(study="knee").StudyInstanceUID, sections=SECTIONS)
    assert minute() == []
    clock.advance(days=1)
    assert minute() == []
    clock.advance(days=1)
    [letter] = minute()
    assert "A new report is in your account." in letter.text
    assert len(minute()) == 1
