"""Making an account, signing in and out, and the way back in."""

import re

from phr.mail import OutboxMailer
from tests.phr.conftest import PASSWORD, Patient


def newest_letter(app):
    mailer = app.extensions["mailer"]
    assert isinstance(mailer, OutboxMailer)
    return mailer.letters()[0]


def test_an_email_address_is_checked_with_a_code(ana, app):
    ana.post("/join", mail="ana@example.org")
    assert ana.path == "/join/code"
    letter = newest_letter(app)
    assert letter.to == "ana@example.org"
    six = re.search(r"\b(\d{6})\b", letter.text)[1]
    wrong = ana.post("/join/code", code="000000" if six != "000000" else "111111")
    assert "This code is not right. Check the newest message and try again." in wrong.text
    ana.post("/join/code", code=f"{six[:3]} {six[3:]}")
    assert ana.path == "/join/password"
    ana.post("/join/password", password=PASSWORD, called="")
    assert ana.path == "/home"


def test_an_old_code_no_longer_works(ana, app, monkeypatch):
    ana.post("/join", mail="ana@example.org")
    first = re.search(r"\b(\d{6})\b", newest_letter(app).text)[1]
    ana.post("/join/code/again", page="/join/code")
    second = re.search(r"\b(\d{6})\b", newest_letter(app).text)[1]
    if first != second:
        assert "This code is not right" in ana.post("/join/code", code=first).text
    ana.post("/join/code", code=second)
    assert ana.path == "/join/password"


def test_a_code_cannot_be_guessed(ana):
    ana.post("/join", mail="ana@example.org")
    told = [ana.post("/join/code", code=f"{guess:06d}").text for guess in range(7)][-1]
    assert "Too many tries. Wait" in told


def test_the_password_page_cannot_be_reached_without_the_code(ana):
    ana.post("/join", mail="ana@example.org")
    ana.get("/join/password")
    assert ana.path == "/join"


def test_letters_lie_locked_in_the_outbox(ana, app, tmp_path):
    ana.post("/join", mail="ana@example.org")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "outbox").iterdir())
    assert b"ana@example.org" not in kept
    assert "ana@example.org" in ana.get("/outbox").text


def test_a_short_password_is_refused_and_what_was_typed_stays(ana):
    ana.post("/join/name", name="ana.perez")
    answer = ana.post("/join/password", password="too short", called="Ana P")
    assert answer.status_code == 422
    assert "Use 15 letters or more." in answer.text
    assert 'value="Ana P"' in answer.text
    assert "too short" not in answer.text


def test_a_common_password_is_refused(ana):
    ana.post("/join/name", name="ana.perez")
    assert "Many people use this password." in ana.post("/join/password", password="passwordpassword", called="").text


def test_a_name_that_is_taken_is_told(ana, another_browser):
    ana.joins()
    another_browser.post("/join/name", name="Ana.Perez")
    answer = another_browser.post("/join/password", password=PASSWORD, called="")
    assert "There is an account with this email or name." in answer.text


def test_signing_in_leads_back_to_the_page_that_asked(ana, app):
    ana.joins()
    other = Patient(app, "192.0.2.1")
    other.get("/account/devices")
    assert other.path == "/sign-in"
    other.signs_in()
    assert other.path == "/account/devices"


def test_nobody_is_led_elsewhere_after_signing_in(ana, app):
    ana.joins()
    other = Patient(app, "192.0.2.1")
    other.get("/sign-in?next=https://elsewhere.example/")
    other.signs_in()
    assert other.path == "/home"


def test_a_wrong_password_and_a_name_nobody_has_are_one_answer(ana, app):
    ana.joins()
    other = Patient(app, "192.0.2.1")
    texts = {
        re.sub(
            r'(csrf_token" value|nonce|value)="[^"]*"',
            "",
            other.post("/sign-in", login=login, password="not this one at all").text,
        )
        for login in ("ana.perez", "nobody.here")
    }
    assert len(texts) == 1
    assert "The name or the password is not right. Check both." in texts.pop()


def test_after_signing_out_a_copied_cookie_opens_nothing(ana, app):
    ana.joins()
    copied = app.test_client()
    for cookie in ana.client._cookies.values():
        copied.set_cookie(cookie.key, cookie.value, domain="localhost")
    assert copied.get("/home").status_code == 200
    ana.post("/sign-out", page="/account")
    assert copied.get("/home").status_code == 303


def test_a_form_from_elsewhere_is_refused(ana):
    ana.joins()
    answer = ana.client.post("/account/name", data={"called": "Mallory"})
    assert answer.status_code == 400
    assert "This page was open for too long." in answer.text
    answer = ana.client.post(
        "/account/name",
        data={"called": "M", "csrf_token": ana.token("/account/name")},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 400


def test_half_an_hour_of_quiet_signs_out(ana, clock):
    ana.joins()
    clock.advance(minutes=29)
    ana.get("/home")
    clock.advance(minutes=31)
    ana.get("/home")
    assert ana.path == "/sign-in"


def test_a_shared_device_is_signed_out_after_five_minutes(ana, app, clock):
    ana.joins()
    other = Patient(app, "192.0.2.1")
    other.post("/sign-in", login="ana.perez", password=PASSWORD, shared="yes")
    clock.advance(minutes=6)
    other.get("/home")
    assert other.path == "/sign-in"


def test_staying_is_asked_with_a_token_alone(ana):
    ana.joins()
    token = ana.token("/account")
    assert ana.client.post("/stay", headers={"X-CSRF-Token": token}).status_code == 204
    assert ana.client.post("/stay").status_code == 400


def test_the_kit_leads_back_in_and_a_new_one_is_made(ana, app):
    ana.joins()
    ana.post("/account/recovery-kit")
    code = re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', ana.get("/account/recovery-kit").text)[1]
    code = re.sub(r"[^0-9A-Z]", "", code)
    assert (
        "This is not the third group."
        in ana.post("/account/recovery-kit/check", page="/account/recovery-kit", group="0000").text
    )
    shown = ana.post("/account/recovery-kit/check", page="/account/recovery-kit", group=code[8:12].lower())
    assert "Your kit works." in shown.text
    assert code[:4] + " " not in shown.text
    other = Patient(app, "192.0.2.1")
    shown = other.post("/sign-in/recover", login="ana.perez", code=code, password="another four words here")
    assert other.path == "/account/recovery-kit"
    assert "The kit you used no longer works. Make a new one now." in shown.text
    third = Patient(app, "192.0.2.2")
    assert (
        "do not go together"
        in third.post("/sign-in/recover", login="ana.perez", code=code, password="yet another four words").text
    )
    third.signs_in(password="another four words here")
    assert third.path == "/home"


def test_who_is_locked_out_is_told_of_every_way_and_starts_again_past_no_wall(ana, another_browser):
    ana.joins()
    ways = another_browser.get("/sign-in/recover").text
    assert "I have another device that is signed in" in ways
    assert "Save a copy of each scan on that device" in ways
    page = another_browser.get("/sign-in/recover/none").text
    assert "Uploaded discs must be uploaded again." in page
    assert "Your old email stays with the old account." in page
    assert page.index('href="/join/name"') < page.index('href="/join"')


def test_the_kit_is_saved_as_pdf_and_never_mailed(ana, app):
    ana.joins()
    ana.post("/account/recovery-kit")
    paper = ana.post("/account/recovery-kit.pdf", page="/account/recovery-kit")
    assert paper.data.startswith(b"%PDF")
    assert paper.headers["Cache-Control"] == "no-store"
    assert app.extensions["mailer"].letters() == []


def test_a_new_kit_is_not_shown_to_who_signs_in_next_at_the_same_computer(ana_with_a_scan, clock):
    ana = ana_with_a_scan
    code = re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', ana.post("/account/recovery-kit").text)[1]
    clock.advance(minutes=31)
    ana.joins("bo.other")
    shown = ana.get("/account/recovery-kit").text
    assert "Get my recovery kit" in shown
    assert code not in shown


def test_a_sensitive_deed_asks_again_who_one_is(ana, clock):
    ana.joins()
    clock.advance(minutes=6)
    ana.get("/account/delete/confirm")
    assert ana.path == "/check"
    assert "This is not your password." in ana.post("/check", password="something else entirely").text
    ana.post("/check", password=PASSWORD)
    assert ana.path == "/account/delete/confirm"


def test_other_devices_are_listed_and_signed_out(ana, app):
    ana.joins()
    other = Patient(app, "192.0.2.1")
    other.signs_in()
    page = ana.get("/account/devices").text
    assert page.count("kr-card__title") == 2
    assert "This device. Now" in page
    ana.post("/account/devices/sign-out-others", page="/account/devices")
    other.get("/home")
    assert other.path == "/sign-in"


def test_a_new_password_shuts_the_old_one_and_other_devices_out(ana, app):
    ana.joins()
    other = Patient(app, "192.0.2.1")
    other.signs_in()
    ana.post("/account/password", old=PASSWORD, password="brand new words for me")
    assert ana.path == "/account"
    other.get("/home")
    assert other.path == "/sign-in"
    assert "not right" in other.signs_in().text


def test_an_account_is_gone_in_seven_days_unless_one_comes_back(ana, app, clock):
    ana.joins()
    assert "Type the word DELETE." in ana.post("/account/delete/confirm", when="later", word="no").text
    shown = ana.post("/account/delete/confirm", when="later", word="delete")
    assert "Your account will be gone on 9 March 2026." in shown.text
    ana.get("/home")
    assert ana.path == "/sign-in"
    clock.advance(days=3)
    assert "Your account stays." in ana.signs_in().text
    assert ana.path == "/home"


def test_a_shared_device_is_warned_in_time_for_its_five_minutes(ana):
    ana.joins()
    assert 'data-idle-minutes="30"' in ana.get("/home").text
    ana.post("/sign-out")
    ana.post("/sign-in", login="ana.perez", password=PASSWORD, shared="yes")
    assert 'data-idle-minutes="5"' in ana.get("/home").text


def test_an_account_deleted_now_opens_nothing_any_more(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    ana.post("/account/delete/confirm", when="now", word="DELETE")
    assert "No one can open your scans here now" in ana.get("/goodbye").text
    assert "not right" in ana.signs_in().text
    assert doctor.get("/see/view").status_code in {410, 200}
    assert doctor.path != "/see/view"


def test_no_small_picture_is_seen_on_a_shared_device_unless_its_owner_wants_it(ana_with_a_scan, app):
    ana = ana_with_a_scan
    here = ana.scan()
    assert "/thumbnail" in ana.get("/home").text
    elsewhere = Patient(app)
    elsewhere.post("/sign-in", login="ana.perez", password=PASSWORD, shared="yes")
    for path in ("/home", here):
        assert "/thumbnail" not in elsewhere.get(path).text
    assert "Look at the pictures" in elsewhere.get(here).text
    elsewhere.post("/account/thumbnails", choice="always")
    assert "Show them on every device" in elsewhere.get("/account").text
    assert "/thumbnail" in elsewhere.get("/home").text
    ana.post("/account/thumbnails", choice="never")
    for path in ("/home", here):
        assert "/thumbnail" not in ana.get(path).text
