"""Passwords, devices and the recovery kit (experience 1.9)."""

from tests.journeys.stories import a_story
from tests.people import Patient

NEW = "another four words here"


def change_password(patient: Patient, old: str, new: str):
    return patient.open("/account/password").send(old=old, password=new)


def test_a_changed_password_shuts_out_the_old_one_and_other_devices(keepray):
    told = a_story(keepray)
    ana, phone = told.patient, told.patient.another_browser()
    phone.signs_in()
    assert change_password(ana, "not my password at all", NEW).says("This is not your password. Try again.")
    assert change_password(ana, ana.password, NEW).says("Your password is changed. Other devices are signed out.")
    assert phone.open("/home").path == "/sign-in"
    assert ana.open(told.page).status == 200
    assert phone.signs_in().says("The name or the password is not right. Check both.")
    assert phone.signs_in(NEW).path == "/home"
    assert phone.ask("GET", f"{told.scan.address()}/metadata").status_code == 200


def test_signing_out_everywhere_else_leaves_this_device(keepray):
    told = a_story(keepray)
    ana = told.patient
    others = [ana.another_browser() for _ in range(2)]
    for one in others:
        one.signs_in()
    page = ana.open("/account/devices").send("Sign out everywhere else")
    assert page.says("All other devices are signed out.")
    assert [one.open("/home").path for one in others] == ["/sign-in", "/sign-in"]
    assert ana.open("/home").path == "/home"


def test_a_cookie_opens_nothing_after_signing_out(keepray):
    told = a_story(keepray)
    kept = {one.name: one.value for one in told.patient.http.cookies}
    told.patient.signs_out()
    thief = Patient(keepray)
    for name, value in kept.items():
        thief.http.cookies.set(name, value, domain="127.0.0.1")
    assert thief.open("/home").path == "/sign-in"
    assert thief.ask("GET", "/dicomweb/studies").status_code == 401


def test_the_recovery_kit_lets_back_in_once(keepray):
    told = a_story(keepray)
    ana = told.patient
    kit = ana.makes_a_recovery_kit()
    lost = ana.another_browser()
    door = lost.open("/sign-in/recover")
    wrong = door.send("Use it", login=lost.login, code=kit[:-1] + ("0" if kit[-1] != "0" else "1"), password=NEW)
    assert wrong.status == 422
    page = lost.open("/sign-in/recover").send("Use it", login=lost.login, code=kit, password=NEW)
    assert page.heading == "Your recovery kit"
    assert page.says("The kit you used no longer works. Make a new one now.")
    assert lost.scans() == [told.id]
    assert lost.ask("GET", f"{told.scan.address()}/metadata").status_code == 200
    again = ana.another_browser().open("/sign-in/recover").send("Use it", login=lost.login, code=kit, password=NEW)
    assert again.says("The name and the code do not go together.")
    assert ana.another_browser().signs_in().says("The name or the password is not right.")
    assert ana.another_browser().signs_in(NEW).path == "/home"


def test_a_new_kit_kills_the_old_one(keepray):
    told = a_story(keepray)
    old = told.patient.makes_a_recovery_kit()
    page = told.patient.open("/account/recovery-kit").send("Make a new kit")
    assert page.heading == "Your recovery kit"
    lost = told.patient.another_browser()
    refused = lost.open("/sign-in/recover").send("Use it", login=lost.login, code=old, password=NEW)
    assert refused.says("The name and the code do not go together.")


def test_guessing_a_password_is_slowed_down_and_the_right_one_works_afterwards(indoors):
    told = a_story(indoors)
    guesser = told.patient.another_browser()
    for _ in range(5):
        assert guesser.signs_in("wrong horse battery staple").says("The name or the password is not right.")
    waits = guesser.signs_in(told.patient.password)
    assert waits.status == 429
    indoors.clock.advance(seconds=int(waits.answer.headers["Retry-After"]))
    assert guesser.signs_in().path == "/home"


def test_a_name_nobody_has_reads_like_a_wrong_password(keepray):
    told = a_story(keepray)
    unknown = Patient(keepray, login="nobody-has-this-name").signs_in()
    wrong = told.patient.another_browser().signs_in("wrong horse battery staple")
    assert unknown.status == wrong.status
    assert unknown.says("The name or the password is not right. Check both.")
    assert wrong.says("The name or the password is not right. Check both.")


def test_quiet_and_long_sessions_end(indoors):
    told = a_story(indoors)
    ana = told.patient
    for _ in range(4):
        indoors.clock.advance(minutes=29)
        assert ana.open("/home").path == "/home"
    indoors.clock.advance(minutes=31)
    assert ana.open("/home").path == "/sign-in"
    ana.signs_in()
    for _ in range(25):
        indoors.clock.advance(minutes=29)
        ana.open("/home")
    assert ana.open("/home").path == "/sign-in"  # twelve hours are the end of it, however busy


def test_giving_asks_again_who_it_is_after_five_minutes(indoors):
    told = a_story(indoors)
    ana = told.patient
    indoors.clock.advance(minutes=6)
    page = ana.open("/share/scans").send("Continue", scans=[told.id]).send("Continue", how="code")
    assert page.path == "/check"
    assert page.send("Continue", password="not mine, sorry for that").says("This is not your password.")
    page = ana.open("/check").send("Continue", password=ana.password)
    assert page.path == "/share/check", page
    assert page.send("Share now").path == "/share/code"
