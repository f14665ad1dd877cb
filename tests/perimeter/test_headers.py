"""What every answer says to browsers, whatever kind of answer it is (threats L01)."""

import re

import pytest

from tests.houses import IndoorHouse
from tests.journeys.stories import Story, a_story
from tests.people import FHIR, App, Guest
from tests.receivers import Receiver

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    house = IndoorHouse(tmp_path_factory.mktemp("headers"))
    yield a_story(house)
    house.close()


def answers_of(told: Story):
    """One of each kind: pages, papers, pictures, FHIR, DICOMweb, OAuth, and their refusals."""
    house, ana = told.patient.house, told.patient
    app, doctor = App(house).is_let_in_by(ana), Guest(house)
    doctor.opens(ana.gives_a_code().code)
    for path in (
        "/",
        "/add",
        "/home",
        told.page,
        f"{told.page}/pictures",
        f"{told.page}/report",
        "/account",
        "/shares",
    ):
        yield path, ana.ask("GET", path)
    for path in (f"{told.page}/report.pdf", f"{told.page}/save/all.zip", f"{told.page}/thumbnail", "/history.pdf"):
        yield path, ana.ask("GET", path)
    for path in ("/see/view", "/see/scans", "/see/alive"):
        yield path, doctor.ask("GET", path)
    for path in ("/fhir/Patient", "/fhir/ImagingStudy", "/fhir/metadata", "/fhir/.well-known/smart-configuration"):
        yield path, app.get(path)
    for path in ("/dicomweb/studies", f"{told.scan.address()}/metadata", f"{told.scan.address(1)}/rendered"):
        yield path, app.get(path)
    link = Receiver(house.session(), ana.gives_a_link(number="no").link)
    yield "/shl/manifest", link.asks()
    yield "/shl/404", link.http.post(link.url[:-43] + "A" * 43, json={"recipient": "Riverbend"})
    yield "/link", ana.ask("GET", "/link")
    yield "an instance", app.get(told.scan.address(1), "application/dicom")
    yield "the question", ana.ask("GET", app.request())
    # Refusals.
    yield "400", app.get("/fhir/Patient?access_token=x")
    yield "401", app.get("/fhir/Patient", token="phat_" + "A" * 43)
    yield "403", doctor.ask("GET", f"/see/save/{told.id}.zip")
    yield "404 page", ana.ask("GET", "/no-such-page")
    yield "404 fhir", app.get("/fhir/Patient/" + "0" * 32)
    yield "404 dicomweb", app.get("/dicomweb/studies/1.2.3/metadata")
    yield "405", ana.ask("PUT", "/home")
    yield "406", app.get("/fhir/Patient", "application/xml")
    yield "409", told.site.stores(b"no picture")
    yield "413", ana.ask("POST", "/add", data={"pin": "x" * 100_000})
    yield "415", told.site.ask("POST", "/fhir/Patient", data="<a/>", headers={"Content-Type": "application/fhir+xml"})
    yield "422", ana.ask("POST", "/add", data={"csrf_token": csrf(ana), "pin": "x"})
    yield "token refused", app.asks_for_tokens(grant_type="refresh_token", refresh_token="nonsense")
    yield "malformed path", ana.ask("GET", "/scans/%ff%fe")
    yield "303", ana.another_browser().ask("GET", "/home")


def csrf(browser) -> str:
    return next(one.value for form in browser.open("/add").forms for one in form.fields if one.name == "csrf_token")


def test_every_kind_of_answer_carries_the_headers(told: Story) -> None:
    wrong: list[str] = []
    for name, answer in answers_of(told):
        head = answer.headers
        public = name in {"/fhir/metadata", "/fhir/.well-known/smart-configuration"}  # apps of other origins read these
        elsewhere = public or name.startswith("/shl/")  # so do receivers of health links
        expected = EVERYWHERE | ({"Cross-Origin-Resource-Policy": "cross-origin"} if elsewhere else {})
        wrong += [f"{name}: {one} is {head.get(one)}" for one, value in expected.items() if head.get(one) != value]
        policy = head.get("Content-Security-Policy", "")
        if "frame-ancestors 'none'" not in policy and "sandbox" not in policy:
            wrong.append(f"{name}: {policy or 'no policy'}")
        if "unsafe-inline" in policy or "unsafe-eval" in policy.replace("wasm-unsafe-eval", ""):
            wrong.append(f"{name}: {policy}")
        if "no-store" not in head.get("Cache-Control", "") and not public:
            wrong.append(f"{name}: may be kept ({head.get('Cache-Control')})")
        if "max-age" not in head.get("Strict-Transport-Security", ""):
            wrong.append(f"{name}: no HSTS")
        if "Server" in head and re.search(r"\d", head["Server"]):
            wrong.append(f"{name}: tells its version")
    assert wrong == []


def test_pages_run_only_scripts_with_this_answers_nonce(told: Story) -> None:
    first, second = (told.patient.ask("GET", told.page) for _ in range(2))
    nonces = []
    for answer in (first, second):
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert nonce
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in one for one in scripts)
        assert not re.search(r"\son[a-z]+=|<style|style=", answer.text)
        nonces.append(nonce[1])
    assert nonces[0] != nonces[1]


def test_nothing_comes_from_another_host(told: Story) -> None:
    for path in ("/", told.page, f"{told.page}/pictures", f"{told.page}/report", "/share/scans"):
        html = told.patient.ask("GET", path).text
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html), path


def test_cookies_are_for_this_host_over_tls_and_out_of_scripts_reach(told: Story) -> None:
    ana = told.patient.another_browser()
    page = ana.open("/sign-in")
    form = next(one for one in page.forms if one.has({"login"}, None))
    answer = ana.ask("POST", "/sign-in", data=form.filled({"login": ana.login, "password": ana.password}, "Sign in"))
    (cookie,) = [one for one in answer.raw.headers.getlist("Set-Cookie") if one.startswith("__Host-phr=")]
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie


def test_tokens_and_their_answers_are_kept_nowhere(told: Story) -> None:
    app = App(told.patient.house).is_let_in_by(told.patient)
    answer = app.refreshes()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert app.get("/fhir/Patient", FHIR).status_code == 200
