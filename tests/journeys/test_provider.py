"""A doctor with an account keeps what patients share in one list (experience 1.12)."""

from tests.journeys.stories import a_story
from tests.people import Patient, Provider


def test_an_account_without_a_code_app_opens_nothing(keepray):
    told = a_story(keepray)
    doctor = Provider(keepray)
    page = doctor.open("/pro/join").send(
        "Continue", name=doctor.name, clinic=doctor.clinic, login=doctor.login, password=doctor.password
    )
    assert page.heading == "Set up your code app"
    for path in ("/pro", "/pro/code"):
        assert doctor.open(path).heading == "Set up your code app", path
    assert told.patient.shares() == []


def test_redeemed_codes_stay_in_the_list_newest_first(keepray):
    first, second = a_story(keepray), a_story(keepray)
    doctor = Provider(keepray)
    assert doctor.makes_an_account().says("No patient shares with you yet.")
    share = first.patient.gives_a_code(length="30d")
    assert doctor.enters(share.code).says("PEREZ, Ana. Born 27 March 1958.")
    other = second.patient.gives_a_code(length="30d", may=("see", "save"))
    doctor.enters(other.code)

    inbox = doctor.open("/pro")
    assert [href for _, href in inbox.links if "/pro/patients/" in href] == [
        f"/pro/patients/{other.id}", f"/pro/patients/{share.id}"
    ]  # fmt: skip
    assert doctor.open(f"/pro/patients/{share.id}/view").says("CT of the chest")
    assert doctor.ask("GET", f"{first.scan.address()}/metadata").status_code == 200
    assert doctor.ask("GET", first.scan.address(1)).status_code == 403
    assert doctor.ask("GET", second.scan.address(1)).status_code == 200
    assert first.patient.open("/shares").says("Dr. M. Stone, Stone Practice")

    first.patient.stops(share.id)
    assert doctor.ask("GET", f"{first.scan.address()}/metadata").status_code == 404
    assert doctor.open(f"/pro/patients/{share.id}").heading == "Sharing has ended"
    assert doctor.ask("GET", f"{second.scan.address()}/metadata").status_code == 200
    inbox = doctor.open("/pro")
    assert not any(share.id in href for _, href in inbox.links)


def test_signing_in_takes_the_password_and_the_numbers(keepray):
    told = a_story(keepray)
    doctor = Provider(keepray)
    doctor.makes_an_account()
    share = told.patient.gives_a_code(length="30d")
    doctor.enters(share.code)

    again = Provider(keepray)
    again.login, again.secret = doctor.login, doctor.secret
    sentence = "The name, the password or the code is not right. Check all three."
    assert again.signs_in("").says(sentence)
    assert again.signs_in("000000").says(sentence)
    assert again.signs_in(doctor.six(1)).path == "/pro"
    assert again.open(f"/pro/patients/{share.id}").says("PEREZ")


def test_the_same_numbers_do_not_let_in_twice(keepray):
    doctor = Provider(keepray)
    doctor.makes_an_account()
    one, two = Provider(keepray), Provider(keepray)
    for again in (one, two):
        again.login, again.secret = doctor.login, doctor.secret
    six = doctor.six(1)
    assert one.signs_in(six).path == "/pro"
    assert two.signs_in(six).path == "/pro/sign-in"


def test_doors_are_not_mixed_up(keepray):
    told = a_story(keepray)
    doctor = Provider(keepray)
    doctor.makes_an_account()
    at_the_patients_door = doctor.open("/sign-in").send("Sign in", login=doctor.login, password=doctor.password)
    assert at_the_patients_door.says("This is a provider account. Use the provider sign-in.")
    at_the_doctors_door = (
        Patient(keepray)
        .open("/pro/sign-in")
        .send("Sign in", login=told.patient.login, password=told.patient.password, code="123456")
    )
    assert at_the_doctors_door.says("The name, the password or the code is not right.")
    # The cookie of one area under the name of another.
    (value,) = [one.value for one in told.patient.http.cookies if one.name == "phr"]
    thief = Patient(keepray)
    for name in ("phr-pro", "phr-guest"):
        thief.http.cookies.set(name, value, domain="127.0.0.1")
    assert thief.open("/pro").path == "/pro/sign-in"
    assert thief.ask("GET", "/dicomweb/studies").status_code == 401
