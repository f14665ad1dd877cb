"""Removing a scan, deleting an account: nothing opens afterwards (experience 1.10)."""

from tests.journeys.stories import a_scan, a_story
from tests.people import FHIR, App, Guest, Patient


def test_a_removed_scan_opens_for_nobody(keepray):
    told = a_story(keepray)
    kept, kept_id = told.another_scan()
    doctor, app = Guest(keepray), App(keepray).is_let_in_by(told.patient)
    doctor.opens(told.patient.gives_a_code(told.id, kept_id).code)
    assert told.patient.open(f"{told.page}/remove").send("Remove this scan").says("The scan is removed.")
    for somebody in (told.patient, doctor, app):
        get = somebody.get if somebody is app else lambda path, one=somebody: one.ask("GET", path)
        assert get(f"{told.scan.address()}/metadata").status_code == 404
        assert get(f"{told.scan.address(1)}/frames/1").status_code == 404
        assert get(f"{kept.address()}/metadata").status_code == 200
    assert told.patient.open(told.page).status == 404
    assert told.patient.scans() == [kept_id]


def test_a_share_of_a_removed_scan_ends(keepray):
    told = a_story(keepray)
    doctor = Guest(keepray)
    doctor.opens(told.patient.gives_a_code().code)
    told.patient.open(f"{told.page}/remove").send("Remove this scan")
    assert told.patient.shares() == []
    assert doctor.ask("GET", "/dicomweb/studies").status_code == 401


def test_what_a_linked_site_sends_again_is_a_new_scan(keepray):
    told = a_story(keepray)
    told.patient.open(f"{told.page}/remove").send("Remove this scan")
    told.site.pushes(*told.scan.files)
    (again,) = told.patient.scans()
    assert again != told.id
    assert told.patient.ask("GET", f"{told.scan.address()}/metadata").status_code == 200


def test_a_deleted_account_is_gone_at_once_if_they_say_so(keepray):
    told = a_story(keepray)
    ana, site = told.patient, told.site
    kit = ana.makes_a_recovery_kit()
    doctor, app, elsewhere = Guest(keepray), App(keepray).is_let_in_by(ana), ana.another_browser()
    doctor.opens(ana.gives_a_code().code)
    elsewhere.signs_in()
    page = ana.open("/account/delete/confirm").send("Delete my account", when="now", word="DELETE")
    assert page.path == "/goodbye"

    for path in ("/home", told.page):
        assert ana.open(path).path == "/sign-in"
        assert elsewhere.open(path).path == "/sign-in"
    assert doctor.ask("GET", "/dicomweb/studies").status_code == 401
    assert app.get("/fhir/Patient", FHIR).status_code == 401
    assert app.refreshes().status_code == 400
    assert ana.signs_in().says("The name or the password is not right.")
    recover = ana.open("/sign-in/recover").send("Use it", login=ana.login, code=kit, password=ana.password)
    assert recover.says("The name and the code do not go together.")

    # The site's next push waits for a new slip, for whoever has it.
    scan = a_scan(ana.person)
    site.pushes(*scan.files)
    assert site.state_of(ana.person)["linked"] is False
    slip = site.hands_out_a_slip(ana.person)
    again = Patient(keepray, ana.person)
    again.types_a_slip(slip)
    again.makes_an_account()
    assert len(again.scans()) == 1
    assert again.ask("GET", f"{told.scan.address()}/metadata").status_code == 404


def test_a_deleted_account_can_be_called_back_for_seven_days(indoors):
    told = a_story(indoors)
    ana = told.patient
    doctor = Guest(indoors)
    doctor.opens(ana.gives_a_code(length="30d").code)
    page = ana.open("/account/delete/confirm").send("Delete my account", when="later", word="delete")
    assert page.path == "/goodbye"
    assert ana.open("/home").path == "/sign-in"
    assert doctor.ask("GET", "/dicomweb/studies").status_code == 401
    indoors.clock.advance(days=6)
    assert ana.signs_in().path == "/home"
    assert ana.scans() == [told.id]


def test_an_account_is_not_deleted_by_a_slip_of_the_finger(keepray):
    told = a_story(keepray)
    page = told.patient.open("/account/delete/confirm").send("Delete my account", when="now", word="yes")
    assert page.says("Type the word DELETE.")
    assert told.patient.scans() == [told.id]
