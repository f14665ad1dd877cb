"""Slips: in any order, under any token, once, for a time (experience 1.1, E-PIN; docs/format.md 4.2)."""

import json
from concurrent.futures import ThreadPoolExecutor

from consent.assertion import new_signing_key
from consent.clients import PUSH, NewSiteClient, add_site_client
from tests.journeys.stories import a_scan, born_as, someone
from tests.people import Patient, Site

NOT_TOGETHER = "The PIN and the date of birth do not go together."


def account(house, person) -> Patient:
    patient = Patient(house, person)
    patient.makes_an_account()
    return patient


def test_a_slip_may_come_before_the_pictures(keepray):
    site, person = Site(keepray), someone()
    slip = site.hands_out_a_slip(person)
    assert site.state_of(person)["studies"] == 0
    ana = account(keepray, person)
    assert ana.types_a_slip(slip).says("Your pictures are still on the way.")
    site.pushes(*a_scan(person).files)
    assert len(ana.scans()) == 1


def test_pictures_may_come_while_the_slip_waits(keepray):
    site, person = Site(keepray), someone()
    slip = site.hands_out_a_slip(person)
    site.pushes(*a_scan(person).files)
    ana = account(keepray, person)
    ana.types_a_slip(slip)
    assert len(ana.scans()) == 1


def test_a_slip_may_be_asked_for_under_another_token_than_the_push(keepray):
    site, person = Site(keepray), someone()
    first = a_scan(person)
    site.pushes(*first.files)
    site.takes_a_token()
    site.pushes(*a_scan(person, pictures=1).files)
    site.takes_a_token()
    slip = site.hands_out_a_slip(person)
    ana = account(keepray, person)
    ana.types_a_slip(slip)
    assert len(ana.scans()) == 2
    assert len(ana.ask("GET", f"{first.address()}/metadata").json()) == 2


def test_a_new_slip_kills_the_old_one_and_needs_no_new_push(keepray):
    site, person = Site(keepray), someone()
    site.pushes(*a_scan(person).files)
    old = site.hands_out_a_slip(person)
    new = site.hands_out_a_slip(person, "reissue-claim")
    ana = account(keepray, person)
    assert ana.types_a_slip(old).says("Ask the scan center to print a new one.")
    assert ana.scans() == []
    ana.types_a_slip(new)
    assert len(ana.scans()) == 1


def test_a_second_slip_is_not_made_while_the_first_is_good(keepray):
    site, person = Site(keepray), someone()
    site.hands_out_a_slip(person)
    told = site.asks("issue-claim", person).text
    assert '"pin"' not in told
    assert "A claim is open already" in told


def test_a_site_is_told_how_it_stands_and_never_who(keepray):
    site, person = Site(keepray), someone()
    assert site.state_of(person)["state"] == "none"
    site.pushes(*a_scan(person, pictures=3).files)
    slip = site.hands_out_a_slip(person)
    told = site.state_of(person)
    assert (told["state"], told["studies"], told["instances"], told["linked"]) == ("open", 1, 3, False)
    ana = account(keepray, person)
    ana.types_a_slip(slip)
    told = site.state_of(person)
    assert (told["state"], told["linked"]) == ("claimed", True)
    assert set(told) <= {"state", "linked", "studies", "instances", "issued", "expires"}
    linked = site.asks("issue-claim", person)
    assert '"pin"' not in linked.text
    assert ana.login not in linked.text


def test_a_wrong_birth_date_a_wrong_pin_and_no_slip_at_all_read_the_same(keepray):
    site, person = Site(keepray), someone()
    slip = site.hands_out_a_slip(person)
    other = site.hands_out_a_slip(someone(born="19801212"))
    ana = account(keepray, person)
    assert ana.types_a_slip(slip, born="19580328").says(NOT_TOGETHER)
    assert ana.types_a_slip(other, born=person.born).says(NOT_TOGETHER)
    assert ana.types_a_slip(slip, pin="0000-0000-0000-0000").says(NOT_TOGETHER)
    ana.types_a_slip(slip)
    assert site.state_of(person)["state"] == "claimed"


def test_a_used_slip_tells_the_rightful_person_when_it_was_used(keepray):
    site, person = Site(keepray), someone()
    site.pushes(*a_scan(person).files)
    slip = site.hands_out_a_slip(person)
    account(keepray, person).types_a_slip(slip)
    again = account(keepray, person).types_a_slip(slip)
    assert again.says("This slip was used on")
    assert again.says("Harbor Scan Center")
    assert account(keepray, person).types_a_slip(slip, born="19580328").says(NOT_TOGETHER)


def test_of_many_who_type_the_same_slip_at_once_one_has_the_scan(keepray):
    site, person = Site(keepray), someone()
    site.pushes(*a_scan(person).files)
    slip = site.hands_out_a_slip(person)
    crowd = [account(keepray, person) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda one: one.types_a_slip(slip), crowd))
    assert all(page.status in {200, 422} for page in pages), pages
    assert sorted(len(one.scans()) for one in crowd) == [0, 0, 0, 1]
    assert sum(page.says("This slip was used on") for page in pages) == 3


def test_a_slip_that_ran_out_says_so_to_the_one_who_has_it(indoors):
    site, person = Site(indoors), someone()
    site.pushes(*a_scan(person).files)
    slip = site.hands_out_a_slip(person)
    indoors.clock.advance(days=31)
    site.takes_a_token()
    assert site.state_of(person)["state"] == "expired"
    ana = account(indoors, person)
    assert ana.types_a_slip(slip).says("Slips work for 90 days. Is yours older?")
    assert ana.types_a_slip(slip, born="19580328").says(NOT_TOGETHER)
    assert ana.scans() == []


def test_a_slip_with_a_corrected_birth_date(keepray):
    site, right = Site(keepray), someone(born="19580327")
    wrong = born_as(right, "19580723")
    site.pushes(*a_scan(right).files)
    site.hands_out_a_slip(right)
    refused = site.asks("issue-claim", wrong)
    assert refused.status_code in {200, 422}
    assert '"pin"' not in refused.text
    corrected = site.hands_out_a_slip(wrong, "reissue-claim")
    ana = account(keepray, wrong)
    ana.types_a_slip(corrected)
    assert len(ana.scans()) == 1


def test_a_site_without_the_right_issues_no_slips(keepray):
    site = Site(keepray)
    private, public = new_signing_key()
    with keepray.opened() as services, services.work() as work:
        new = NewSiteClient(
            "Sender", bytes.fromhex(site.id), jwks=json.dumps({"keys": [public]}), rights=frozenset({PUSH})
        )
        client_id = add_site_client(work, new).client_id
    site.key, site.client_id = private, client_id
    site.takes_a_token()
    assert site.asks("issue-claim", someone()).status_code == 403
    site.pushes(*a_scan(someone()).files)
