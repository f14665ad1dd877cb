"""What people type is taken kindly, and a slip of the finger is named before it costs a try."""

from datetime import date

import pytest
from flask import Flask
from flask_babel import Babel

from phr import forms
from phr.forms import Mistakes
from vault.sealing.codes import ALPHABET, ClaimPin, RecoveryCode, ShareCode

TODAY = date(2026, 3, 3)


@pytest.fixture(autouse=True)
def _speaking():
    app = Flask("typing")
    Babel(app)
    with app.test_request_context():
        yield


def mistakes(read, typed, **more):
    with pytest.raises(Mistakes) as made:
        read(typed, **more)
    return made.value.at


def test_a_pin_is_taken_however_it_is_typed():
    pin = ClaimPin.new()
    shown = pin.reveal()
    bare = shown.replace("-", "")
    alike = bare.replace("0", "o").replace("1", "l")
    for typed in (shown, bare.lower(), f" {bare[:8]}\n{bare[8:]} ", alike, f"https://keepray.example/add#{bare}"):
        assert forms.read_pin({"pin": typed}) == pin


def test_every_single_wrong_letter_of_a_pin_is_named():
    bare = ClaimPin.new().reveal().replace("-", "")
    for place, right in enumerate(bare):
        for wrong in set(ALPHABET) - {right}:
            typed = bare[:place] + wrong + bare[place + 1 :]
            assert mistakes(forms.read_pin, {"pin": typed}) == {
                "pin": "There is a typing mistake in the PIN. Look at your slip again."
            }


def test_two_swapped_letters_of_a_pin_are_named():
    bare = ClaimPin.new().reveal().replace("-", "")
    for place in range(15):
        swapped = bare[:place] + bare[place + 1] + bare[place] + bare[place + 2 :]
        if swapped != bare:
            assert "typing mistake" in mistakes(forms.read_pin, {"pin": swapped})["pin"]


def test_a_short_pin_says_how_much_was_typed():
    assert mistakes(forms.read_pin, {"pin": "7KQ4-M9TX-2RWP-5HD"}) == {
        "pin": "The PIN needs 16 letters and numbers. You typed 15."
    }
    assert mistakes(forms.read_pin, {"pin": "  "}) == {"pin": "Type the PIN from your slip."}


def test_other_codes_are_read_the_same_way():
    share, kit = ShareCode.new(), RecoveryCode.new()
    assert forms.read_share_code({"code": share.reveal().lower()}) == share
    assert forms.read_recovery_code({"code": kit.reveal().replace("-", " ")}) == kit
    assert "20" in mistakes(forms.read_share_code, {"code": "7KQ4"})["code"]
    assert "28" in mistakes(forms.read_recovery_code, {"code": "7KQ4"})["code"]


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [("27", "3", "1958"), ("27", "03", "1958"), (" 27", "March", "1958"), ("27", "mar.", "1958")],
)
def test_birth_dates_are_taken_as_people_write_them(day, month, year):
    typed = {"born-day": day, "born-month": month, "born-year": year}
    assert forms.read_born(typed, today=TODAY) == "19580327"


@pytest.mark.parametrize(
    ("day", "month", "year", "box"),
    [
        ("", "", "", "born-day"),
        ("3", "27", "1958", "born-month"),
        ("27", "3", "58", "born-year"),
        ("31", "2", "1958", "born-day"),
        ("1", "1", "2027", "born-day"),
        ("1", "ma", "1999", "born-month"),
    ],
)
def test_a_birth_date_that_cannot_be_is_named_at_its_box(day, month, year, box):
    typed = {"born-day": day, "born-month": month, "born-year": year}
    assert mistakes(forms.read_born, typed, today=TODAY) == {box: "Type your date of birth, such as 27 3 1958."}


def test_six_numbers_may_have_a_space():
    assert forms.read_six({"code": "482 913"}) == "482913"
    assert "6 numbers" in mistakes(forms.read_six, {"code": "48291"})["code"]


def test_a_password_has_15_letters_or_more():
    assert "15" in mistakes(forms.read_new_password, {"password": "fourteen chars"})["password"]
    assert forms.read_new_password({"password": "correct horse battery"}) == "correct horse battery"
    assert "256" in mistakes(forms.read_new_password, {"password": "x" * 257})["password"]


@pytest.mark.parametrize("mail", ["ana", "ana@", "ana@example", "a b@example.org", "a@b.c@d.org"])
def test_half_an_address_is_named(mail):
    assert "mail" in mistakes(forms.read_mail, {"mail": mail})


def test_only_scans_on_the_page_can_be_ticked():
    assert forms.read_picked(["b", "stranger"], ["a", "b"]) == ["b"]
    assert mistakes(lambda typed: forms.read_picked(typed, ["a"]), ["stranger"]) == {"scans": "Tick at least one scan."}


def test_a_doctor_says_name_and_clinic():
    assert set(mistakes(forms.read_visitor, {})) == {"name", "clinic"}
    assert forms.read_visitor({"name": " Dr.  J. Lee ", "clinic": "Hill\u200b Clinic"}).name == "Dr. J. Lee"
