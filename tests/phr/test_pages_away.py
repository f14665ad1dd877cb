"""Being away: what a time-out ends, and what it leaves for who comes back."""

from consent.errors import Area
from phr import people
from tests.phr.conftest import PASSWORD, Patient
from tests.phr.test_pages_providers import PASSWORD as PROVIDER_PASSWORD
from tests.phr.test_pages_providers import Provider, six_of

LATE = 16


def away(person, area: Area, **more: str):
    form = {"csrf_token": person.token("/languages"), "area": area.value, **more}
    return person.client.post("/away", data=form)


def test_every_area_signs_out_at_a_door_of_its_own(ana_with_a_scan, doctor, app, clock):
    doctor.opens(ana_with_a_scan.shares())
    provider = Provider(app, "192.0.2.50")
    provider.joins(clock)
    for person, page, area in (
        (ana_with_a_scan, "/home", Area.PATIENT), (doctor, "/see/scans", Area.GUEST), (provider, "/pro", Area.PROVIDER),
    ):  # fmt: skip
        sign_out_at, after = people.WAYS_OUT[area]
        shown = person.get(page).text
        assert f'<form method="post" action="{sign_out_at}"' in shown
        assert f'data-after="{after.replace("&", "&amp;")}"' in shown
        assert away(person, area).status_code == 204
        assert person.client.get(page).status_code == 303
        assert person.client.get(page).location.startswith(("/sign-in", "/see", "/pro/sign-in"))


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(ana_with_a_scan, doctor, clock):
    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    for _ in range(LATE):
        clock.advance(minutes=1)
        doctor.client.get("/see/alive")
    assert doctor.client.get("/see/alive").status_code == 401
    for _ in range(31):
        clock.advance(minutes=1)
        ana.client.get("/alive")
    assert ana.client.get("/alive").status_code == 401


def test_staying_counts_for_the_area_of_the_page_alone(ana_with_a_scan, doctor, clock):
    doctor.opens(ana_with_a_scan.shares())
    for _ in range(3):
        clock.advance(minutes=10)
        token = doctor.token("/see/scans")
        doctor.client.post("/stay", data={"csrf_token": token, "area": "guest"})
    assert doctor.client.get("/see/alive").status_code == 204
    answer = doctor.client.post("/stay", data={"csrf_token": doctor.token("/see/scans"), "area": "patient"})
    assert answer.status_code == 401


def typed_by(person, page: str):
    return person.client.post("/away/typed", data={"csrf_token": person.token("/home"), "page": page}).json


def test_what_was_typed_waits_for_the_same_account_and_is_given_once(ana):
    ana.joins()
    boxes = '[["questions", null, "Can it wait?"]]'
    away(ana, Area.PATIENT, page="/questions", typed=boxes)
    ana.signs_in()
    assert typed_by(ana, "/questions") == [["questions", None, "Can it wait?"]]
    assert typed_by(ana, "/questions") == []


def test_what_was_typed_is_not_shown_to_another_account(ana, app):
    Patient(app, "203.0.113.10").joins("nora.lind")
    ana.joins()
    away(ana, Area.PATIENT, page="/questions", typed='[["questions", null, "Can it wait?"]]')
    ana.post("/sign-in", login="nora.lind", password=PASSWORD)
    assert typed_by(ana, "/questions") == []
    ana.get("/home")
    assert ana.path == "/home"


def test_nobody_who_is_signed_out_leaves_anything(ana):
    ana.joins()
    ana.post("/sign-out", page="/home")
    away(ana, Area.PATIENT, page="/questions", typed='[["questions", null, "Mine"]]')
    ana.signs_in()
    assert typed_by(ana, "/questions") == []


def test_a_provider_comes_back_to_the_same_page(app, clock):
    provider = Provider(app, "192.0.2.50")
    provider.joins(clock)
    clock.advance(minutes=LATE)
    door = provider.get("/pro?show=ending")
    assert provider.path == "/pro/sign-in"
    assert "You were away for a while" in door.text
    shown = provider.post(
        "/pro/sign-in", login="dr.lee", password=PROVIDER_PASSWORD, code=six_of(provider.letters, clock.now())
    )
    assert shown.request.full_path == "/pro?show=ending"


def test_who_was_never_signed_in_is_not_told_that_they_were_away(browser):
    assert "You were away for a while" not in browser.get("/pro").text
    assert "You were away for a while" not in browser.get("/home").text


def test_where_only_a_form_leads_one_comes_back_to_the_page_above_it(ana):
    ana.joins()
    ana.post("/sign-out", page="/home")
    ana.get("/sign-in?next=/account/recovery-kit/check")
    ana.signs_in()
    assert ana.path == "/account/recovery-kit"
