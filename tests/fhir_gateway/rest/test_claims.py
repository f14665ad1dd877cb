"""The claim operations: the PIN leaves once, and a site learns states and counts, never who."""

import base64

import pytest

from fhir_gateway.rest import SlipFacts
from fhir_gateway.rest.slips import SlipForm
from tests import factories as make
from tests.fhir_gateway.callers import told
from tests.fhir_gateway.house import a_patient, a_site
from tests.fhir_gateway.papers import MRN_SYSTEM, a_patient_resource
from vault import claims
from vault.accounts import open_account
from vault.sealing.codes import ClaimPin

BORN = "1970-01-01"


def claims_it(house, pin, born="19700101"):
    services = house.extensions["services"]
    account = open_account(services, login="ada", password="five green bicycles at noon", name="Ada")
    return claims.take(
        services,
        pin=ClaimPin.parse(pin),
        born=born,
        keyring=account.keyring,
        account_id=account.account_id,
        source="192.0.2.1",
    )


def test_a_claim_before_the_push_takes_what_comes_later(house, site):
    pin = told(site.asks_for_slip("MRN1", BORN))["pin"]
    site.with_next_token().stores(*make.a_ct_series(2))
    assert len(claims_it(house, pin).study_ids) == 1


def test_a_claim_after_the_push_under_another_token_takes_what_came(house, site):
    site.stores(*make.a_ct_series(2))
    answer = told(site.with_next_token().asks_for_slip("MRN1", BORN))
    assert (answer["linked"], answer["studies"]) == (False, 1)
    assert len(claims_it(house, answer["pin"]).study_ids) == 1


def test_the_pin_stays_in_no_cache(site):
    answer = site.asks_for_slip("MRN1", BORN)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_second_issue_tells_no_pin_and_a_reissue_tells_another(house, site):
    site.stores(make.an_instance())
    first = told(site.asks_for_slip("MRN1", BORN))["pin"]
    again = told(site.asks_for_slip("MRN1", BORN))
    assert "pin" not in again
    assert "reissue" in again["note"]
    second = told(site.asks_for_slip("MRN1", BORN, "reissue-claim"))["pin"]
    assert second != first
    assert len(claims_it(house, second).study_ids) == 1


def test_a_linked_patient_needs_no_slip(site, patient):
    answer = told(site.asks_for_slip("MRN1", BORN))
    assert answer["linked"] is True
    assert "pin" not in answer
    assert patient.id not in str(answer)


def test_the_status_tells_states_and_counts(house, site):
    def status():
        return told(site.operates("claim-status", identifier={"value": "MRN1"}))

    assert status()["state"] == "none"
    site.stores(*make.a_ct_series(3))
    pin = told(site.asks_for_slip("MRN1", BORN, days=10))["pin"]
    assert (status()["state"], status()["studies"], status()["instances"]) == ("open", 1, 3)
    claims_it(house, pin)
    assert (status()["state"], status()["linked"]) == ("claimed", True)


def test_the_slip_is_printed_by_whoever_the_app_was_given(house, site):
    printed = []

    def print_slip(slip: SlipFacts) -> bytes:
        printed.append(slip)
        return b"%PDF-slip"

    house.extensions["print_slip"] = print_slip
    named = {"name": {"family": "Example", "given": ["Ada"]}, "description": "CT", "date": "2026-01-05"}
    answer = told(site.asks_for_slip("MRN1", BORN, **named))
    assert base64.b64decode(answer["slip"]["data"]) == b"%PDF-slip"
    (slip,) = printed
    assert (slip.first_name, slip.initial, slip.birth_year, slip.site_phone) == ("Ada", "E", 1970, "555 0100")
    assert slip.pin == answer["pin"]
    assert answer["pin"] not in repr(slip)


def test_a_front_desk_says_on_which_paper_its_slip_is_printed(house, site):
    printed = []
    house.extensions["print_slip"] = lambda slip: printed.append(slip.form)
    told(site.asks_for_slip("MRN1", BORN))
    told(site.asks_for_slip("MRN2", BORN, paper="receipt", letters=18, secondLanguage="es"))
    assert printed == [SlipForm(), SlipForm("receipt", 18, "es")]


@pytest.mark.parametrize(
    "form", [{"paper": "a0"}, {"letters": 13}, {"paper": "a6", "letters": 18}, {"paper": 5}, {"secondLanguage": 5}]
)
def test_a_slip_that_cannot_be_printed_like_that_spends_no_pin(house, site, form):
    assert site.asks_for_slip("MRN1", BORN, **form).status_code == 422
    assert "pin" in told(site.asks_for_slip("MRN1", BORN))


def test_the_pdf_itself_comes_to_whoever_accepts_it(house, site):
    house.extensions["print_slip"] = lambda slip: b"%PDF-slip"
    answer = site.asks_for_slip("MRN1", BORN, accept="application/pdf")
    assert (answer.content_type, answer.data) == ("application/pdf", b"%PDF-slip")


def test_where_printing_is_not_possible_the_pin_is_told_all_the_same(house, site):
    house.extensions["print_slip"] = lambda slip: None
    assert "pin" in told(site.asks_for_slip("MRN1", BORN, accept="application/pdf"))


@pytest.mark.parametrize(
    "change",
    [
        {"sealSeed": None},
        {"sealSeed": "short"},
        {"sealSeed": base64.urlsafe_b64encode(bytes(32)).decode()},
        {"days": 0},
        {"days": 366},
        {"identifier": None},
    ],
)
def test_what_is_missing_or_wrong_is_422(site, change):
    answer = site.asks_for_slip("MRN1", BORN, **change)
    assert answer.status_code == 422
    assert "pin" not in answer.text


def test_the_id_a_site_was_told_names_its_patient(house, site):
    site.stores(*make.a_ct_series(2))
    location = site.creates(a_patient_resource()).headers["Location"]
    at = location.removeprefix("https://phr.example.org/fhir/")
    seed = base64.urlsafe_b64encode(site.seal_seed).decode()
    pin = told(site.operates("issue-claim", at=at, birthDate=BORN, sealSeed=seed))["pin"]
    status = told(site.operates("claim-status", id=at.removeprefix("Patient/")))
    assert (status["state"], status["instances"]) == ("open", 2)
    another = told(site.operates("reissue-claim", id=at, birthDate=BORN, sealSeed=seed))["pin"]
    assert another != pin
    assert claims_it(house, another).study_ids
    assert told(site.operates("claim-status", at=at))["linked"] is True
    assert a_site(house, "Hill Scan Center").operates("claim-status", at=at).status_code == 404
    assert site.operates("claim-status", at="Patient/unknown").status_code == 404


def test_the_id_must_be_that_of_the_patient_with_the_number(house, site):
    location = site.creates(a_patient_resource()).headers["Location"]
    at = location.removeprefix("https://phr.example.org/fhir/")
    assert "pin" in told(site.asks_for_slip("MRN1", BORN, at=at))
    assert site.asks_for_slip("MRN2", BORN, at=at).status_code == 404
    assert a_site(house, "Hill Scan Center").asks_for_slip("MRN1", BORN, at=at).status_code == 404


def test_the_fhir_push_and_the_dicom_push_of_one_patient_meet_in_one_claim(house):
    site = a_site(house, "Mapped", issuers={MRN_SYSTEM: "harbor", "": "harbor"})
    site.creates(a_patient_resource())
    site.stores(make.an_instance())
    seed = base64.urlsafe_b64encode(site.seal_seed).decode()
    answer = told(
        site.operates("issue-claim", identifier={"system": MRN_SYSTEM, "value": "MRN1"}, birthDate=BORN, sealSeed=seed)
    )
    assert answer["studies"] == 1


def test_only_a_site_with_the_right_asks(house, site, patient):
    from consent.clients import NewSiteClient, add_site_client, find_client
    from tests.fhir_gateway import house as people

    with site.services.work() as work:
        new = NewSiteClient("Pusher", site.site.id, jwks=people._key_set(), rights=frozenset({"push"}))
        client = find_client(work, add_site_client(work, new).client_id).id
    site.token = people._site_token(site.services, client, "system/*.c")
    assert site.asks_for_slip("MRN1", BORN).status_code == 403
    assert site.operates("claim-status", identifier={"value": "MRN1"}).status_code == 403
    assert (
        a_patient(house)
        .lets_in(studies=())
        .post("/fhir/Patient/$issue-claim", b"{}", "application/fhir+json")
        .status_code
        == 403
    )
