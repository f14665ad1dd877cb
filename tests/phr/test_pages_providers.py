"""A provider with an account: two things to sign in with, and a list of those who share."""

import base64
import hashlib
import hmac
import re

import pytest

from tests.phr.conftest import Browser

PASSWORD = "provider words for lists"


def six_of(letters: str, now) -> str:
    """RFC 6238 with its usual numbers, written out here so that ours is checked against another hand."""
    count = int(now.timestamp()) // 30
    digest = hmac.new(base64.b32decode(letters), count.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


class Provider(Browser):
    """Dr. Lee at her own desk."""

    def joins(self, clock) -> None:
        page = self.post("/pro/join", name="Dr. J. Lee", clinic="Hill Clinic", login="dr.lee", password=PASSWORD)
        spelled = re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', page.text)[1]
        self.letters = re.sub(r"[^0-9A-Z]", "", spelled)
        self.post("/pro/code-app", code=six_of(self.letters, clock.now()))


@pytest.fixture
def provider(app, clock):
    made = Provider(app, "192.0.2.50")
    made.joins(clock)
    return made


def test_joining_sets_up_a_code_app(provider):
    assert provider.path == "/pro"
    assert "No patient shares with you yet." in provider.get("/pro").text


def test_without_the_code_app_nothing_opens(app):
    half = Provider(app, "192.0.2.51")
    half.post("/pro/join", name="Dr. J. Lee", clinic="Hill Clinic", login="dr.lee", password=PASSWORD)
    half.get("/pro")
    assert half.path == "/pro/code-app"
    assert "These are not the numbers of now." in half.post("/pro/code-app", code="000000").text


def test_signing_in_needs_both(provider, app, clock):
    other = Provider(app, "192.0.2.52")
    clock.advance(minutes=2)
    assert "Check all three." in other.post("/pro/sign-in", login="dr.lee", password=PASSWORD, code="").text
    assert "Check all three." in other.post("/pro/sign-in", login="dr.lee", password=PASSWORD, code="000000").text
    right = six_of(provider.letters, clock.now())
    assert (
        "Check all three."
        in other.post("/pro/sign-in", login="dr.lee", password="not the right words", code=right).text
    )
    other.post("/pro/sign-in", login="dr.lee", password=PASSWORD, code=right)
    assert other.path == "/pro"


def test_a_code_puts_the_patient_in_the_list_until_they_stop(ana_with_a_scan, provider):
    ana = ana_with_a_scan
    shown = provider.post("/pro/code", code=ana.shares(length="30d"))
    assert provider.path.startswith("/pro/patients/")
    assert "PEREZ, Ana" in shown.text
    patient = provider.path
    assert "PEREZ, Ana, born 27 March 1958" in provider.get("/pro").text
    assert 'data-toolbar="clinician"' in provider.get(f"{patient}/view").text
    report = re.search(rf'href="({patient}/report/[0-9a-f]+)"', shown.text)[1]
    assert "No tear." in provider.get(report).text
    assert "Dr. J. Lee, Hill Clinic" in ana.get("/shares").text
    ana.post("/shares/stop-all")
    assert "No patient shares with you yet." in provider.get("/pro").text
    assert provider.get(patient).status_code == 410


def test_a_patients_password_opens_no_providers_door(ana_with_a_scan, app):
    other = Browser(app, "192.0.2.60")
    from tests.phr.conftest import PASSWORD as ANAS

    assert "Check all three." in other.post("/pro/sign-in", login="ana.perez", password=ANAS, code="").text


def test_a_provider_is_no_patient(provider):
    provider.get("/home")
    assert provider.path == "/sign-in"


def test_signing_out_closes_the_list(provider):
    provider.post("/pro/sign-out", page="/pro/account")
    provider.get("/pro")
    assert provider.path == "/pro/sign-in"


def gives_to(ana, name, **page):
    ana.post("/share/scans", scans=ana.scan().rpartition("/")[2])
    ana.post("/share/how", how="doctor")
    return ana.post("/share/doctor", login=name, **page)


def test_a_patient_shares_with_a_doctors_account(ana_with_a_scan, provider):
    ana = ana_with_a_scan
    gives_to(ana, "dr.lee")
    assert ana.path == "/share/check"
    ana.post("/share/time", length="1y")
    ana.post("/share/may", may=["see", "save"])
    assert "dr.lee" in ana.get("/share/check").text
    shown = ana.post("/share/check").text
    assert ana.path == "/shares"
    assert "The scans stand in the list of dr.lee now." in shown
    assert "Not opened yet." in shown
    listed = provider.get("/pro").text
    assert "MRI of the right knee" in listed
    patient = re.search(r'href="(/pro/patients/[0-9a-f]{32})"', listed)[1]
    provider.get(patient)
    assert "Opened 1 time" in ana.get("/shares").text
    [share] = set(re.findall(r"/shares/([0-9a-f]{32})/stop", ana.get("/shares").text))
    ana.post(f"/shares/{share}/stop")
    assert "MRI of the right knee" not in provider.get("/pro").text


def test_only_a_doctors_account_is_found_and_few_names_are_tried(ana_with_a_scan):
    ana = ana_with_a_scan
    for name in ("dr.nobody", "ana.perez"):
        assert "We found no doctor with that name" in gives_to(ana, name).text
    for _ in range(19):
        answer = ana.post("/share/doctor", login="dr.nobody")
    assert answer.status_code == 429
