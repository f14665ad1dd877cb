"""From the paper slip to the scan in one's own account."""

import pytest

from tests.phr.conftest import BORN, PASSWORD, Person
from vault.sealing.codes import ALPHABET, ClaimPin


def mistyped(pin: ClaimPin) -> str:
    bare = pin.reveal().replace("-", "")
    return bare[:-1] + next(letter for letter in ALPHABET if letter != bare[-1])


def test_the_front_page_has_two_doors(browser):
    page = browser.get("/").text
    assert 'href="/add"' in page
    assert 'href="/see"' in page


def test_a_slip_becomes_a_scan_in_a_new_account(ana, scan_center):
    scan_center.pushes_a_knee()
    ana.post("/add", pin=scan_center.slip_for().reveal())
    ana.post("/add/birth", **BORN)
    assert ana.path == "/join"
    shown = ana.joins()
    assert ana.path.startswith("/scans/")
    assert "Your scan is now in your account. The slip no longer works." in shown.text
    assert "MRI of the right knee" in shown.text
    assert "3 March 2026" in shown.text


def test_who_has_an_account_signs_in_and_the_claim_is_carried_across(ana, another_browser, scan_center):
    ana.joins()
    scan_center.pushes_a_knee()
    another_browser.post("/add", pin=scan_center.slip_for().reveal())
    another_browser.post("/add/birth", **BORN)
    shown = another_browser.post("/sign-in", login="ana.perez", password=PASSWORD)
    assert another_browser.path.startswith("/scans/")
    assert "MRI of the right knee" in shown.text


def test_who_is_signed_in_types_only_slip_and_birth_date(ana, scan_center):
    ana.joins()
    scan_center.pushes_a_knee()
    assert "MRI of the right knee" in ana.adds(scan_center.slip_for()).text


def test_a_slip_of_the_finger_is_named_and_costs_no_try(ana, scan_center):
    pin = scan_center.slip_for()
    ana.joins()
    for _ in range(40):
        answer = ana.post("/add", pin=mistyped(pin))
        assert answer.status_code == 422
    assert "There is a typing mistake in the PIN. Look at your slip again." in answer.text
    assert "<title>Error: Add your scan - Keepray</title>" in answer.text
    assert "tries left" not in ana.adds(pin).text


def test_a_wrong_birth_date_says_how_many_tries_are_left(ana, scan_center):
    ana.joins()
    pin = scan_center.slip_for()
    wrong = ana.adds(pin, **{"born-day": "28", "born-month": "3", "born-year": "1958"})
    assert wrong.status_code == 422
    assert "The PIN and the date of birth do not go together. Check both. You have 29 tries left." in wrong.text
    assert "Call the number on your slip" in wrong.text
    assert 'value="28"' in wrong.text


def test_a_pin_nobody_made_is_told_in_the_same_words(ana):
    ana.joins()
    assert "do not go together" in ana.adds(ClaimPin.new()).text


def test_a_wrong_birth_date_is_asked_again_after_the_account_was_made(ana, scan_center):
    """What was typed stands in its boxes, the PIN is still known, and signing in again costs no try."""
    scan_center.pushes_a_knee()
    ana.post("/add", pin=scan_center.slip_for().reveal())
    ana.post("/add/birth", **{**BORN, "born-day": "28"})
    shown = ana.joins()
    assert (ana.path, shown.status_code) == ("/add/birth", 422)
    assert "do not go together. Check both. You have 29 tries left." in shown.text
    assert "Call the number on your slip" in shown.text
    assert all(f'value="{typed}"' in shown.text for typed in ("28", "3", "1958"))
    assert 'value="28"' in ana.get("/add/birth").text
    assert "tries left" not in ana.signs_in().text
    assert "You have no scans yet." in ana.get("/home").text
    assert "MRI of the right knee" in ana.post("/add/birth", **BORN).text
    assert "This may not be yours" not in ana.get("/home").text


def test_a_used_slip_says_when_and_whom_to_call(ana, app, scan_center):
    scan_center.pushes_a_knee()
    pin = scan_center.slip_for()
    ana.joins()
    ana.adds(pin)
    told = ana.adds(pin)
    assert "This slip was used on 2 March 2026. Is that you?" in told.text
    assert "call Harbor Scan Center on 555 0100" in told.text


def test_a_slip_that_has_run_out_says_so(ana, scan_center, clock):
    pin = scan_center.slip_for()
    clock.advance(days=91)
    ana.joins()
    assert "Slips work for 90 days." in ana.adds(pin).text


def test_pictures_still_on_their_way_are_waited_for(ana, scan_center):
    ana.joins()
    shown = ana.adds(scan_center.slip_for())
    assert ana.path == "/home"
    assert "Your pictures are still on the way. This can take an hour." in shown.text
    scan_center.pushes_a_knee()
    assert "MRI of the right knee" in ana.get("/home").text


def test_many_guesses_must_wait(ana):
    ana.joins()
    codes = [ana.adds(ClaimPin.new()).status_code for _ in range(21)]
    assert codes[-1] == 429
    page = ana.get("/add/birth")
    assert page.status_code == 200


def test_the_pin_is_in_no_address_and_no_cookie(ana, scan_center):
    pin = scan_center.slip_for()
    ana.post("/add", pin=pin.reveal())
    bare = pin.reveal().replace("-", "")
    cookies = " ".join(cookie.value for cookie in ana.client._cookies.values())
    assert bare not in cookies
    assert bare not in ana.path
    assert bare not in ana.get("/add/birth").text


def test_the_next_scan_comes_by_itself_until_one_says_no(ana_with_a_scan, scan_center):
    ana = ana_with_a_scan
    page = ana.get(ana.scan()).text
    assert "Send new scans here from now on?" in page
    link = page.split('name="link" value="')[1].split('"')[0]
    ana.post(f"{ana.scan()}/future", page=ana.scan(), answer="no", link=link)
    assert "Send new scans here" not in ana.get(ana.scan()).text
    scan_center.pushes_a_knee(study="later")
    assert "Your scans</h2>" not in ana.get("/home").text
    assert ana.get("/home").text.count("MRI of the right knee") == 1 + ana.get("/home").text.count("Picture from MRI")


def test_two_people_with_one_slip_are_told_apart_by_who_came_first(ana, app, scan_center):
    from tests.phr.conftest import Patient

    scan_center.pushes_a_knee()
    pin = scan_center.slip_for()
    ana.joins()
    ana.adds(pin)
    late = Patient(app, "192.0.2.4")
    late.joins("somebody.else")
    assert "This slip was used on" in late.adds(pin).text
    assert "You have no scans yet." in late.get("/home").text


@pytest.mark.parametrize("day", ["", "31"])
def test_a_birth_date_that_cannot_be_is_named(ana, day):
    ana.post("/add", pin=ClaimPin.new().reveal())
    answer = ana.post("/add/birth", **{"born-day": day, "born-month": "2", "born-year": "1958"})
    assert answer.status_code == 422
    assert "Type your date of birth, such as 27 3 1958." in answer.text


def test_another_name_on_a_scan_is_pointed_out(ana, scan_center):
    ana.post("/join/name", name="ana.perez")
    ana.post("/join/password", password=PASSWORD, called="Ana Perez")
    bo = Person(name="Sample^Bo", mrn="OTHER", born="19580327")
    scan_center.pushes_a_knee(person=bo)
    ana.adds(scan_center.slip_for(bo))
    assert "This may not be yours" in ana.get("/home").text
