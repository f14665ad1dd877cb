"""Every page opens, has one heading that its title begins with, and names no secret."""

import re

import pytest

PUBLIC = ["/", "/add", "/join", "/join/name", "/sign-in", "/sign-in/recover", "/sign-in/recover/none", "/see", "/see/end", "/pro/join", "/pro/sign-in", "/pro/sign-in/recover", "/help", "/privacy", "/terms",
          "/accessibility", "/for-doctors", "/for-scan-centers", "/link", "/outbox", "/goodbye"]  # fmt: skip
PATIENT = ["/home", "/upload", "/save/everything", "/questions", "/share/scans", "/share/how", "/share/doctor", "/share/app", "/share/time", "/share/may", "/share/link", "/share/code", "/shares",
           "/shares/stop-all", "/timeline", "/timeline/doses", "/history", "/history?kind=looks", "/history/verify", "/account", "/account/name", "/account/password",
           "/account/devices", "/account/reports", "/account/alerts", "/account/thumbnails", "/account/future-scans", "/account/apps", "/account/recovery-kit",
           "/account/delete", "/account/delete/confirm", "/account/mail", "/account/devices/lock", "/account/password/new", "/check", "/sign-out"]  # fmt: skip


def check_page(answer):
    assert answer.status_code == 200, answer.request.path
    html = answer.text
    headings = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert len(headings) == 1
    assert re.search(r"<title>[^<]+ - Keepray</title>", html)
    assert "style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son[a-z]+=", html)
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_for_everyone_opens(browser, path):
    check_page(browser.get(path))


def test_every_page_of_a_patient_opens(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    for path in [*PATIENT, here, f"{here}/report", f"{here}/save", f"{here}/remove"]:
        check_page(ana_with_a_scan.get(path))


def test_every_page_of_a_patient_opens_without_scans(ana):
    ana.joins()
    for path in PATIENT:
        check_page(ana.get(path))


# Words of ours that no patient should have to know, with the word we say instead (experience 0.3).
NOT_FOR_PATIENTS = [
    "study",
    "studies",
    "exam",
    "imaging",
    "images",
    "instances",
    "slices",
    "facility",
    "token",
    "grant",
    "consent",
    "revoke",
    "proxy",
    "delegate",
    "audit",
    "encrypted",
    "decrypt",
    "download",
    "export",
]


def words_of(html: str) -> set[str]:
    shown = re.sub(r"<(script|style|template)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return set(re.findall(r"[a-z]+", re.sub(r"<[^>]+>", " ", shown).lower()))


def test_patients_read_plain_words(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    here = ana.scan()
    ana.post(f"{here}/report", choice="now")
    patients = [path for path in PUBLIC if not path.startswith(("/pro", "/see", "/for-", "/privacy"))]
    for path in [*patients, *PATIENT, here, f"{here}/report", f"{here}/save", f"{here}/remove"]:
        assert not words_of(ana.get(path).text) & set(NOT_FOR_PATIENTS), path


def test_a_stranger_is_led_to_the_door(browser):
    for path in PATIENT:
        browser.get(path)
        assert browser.path == "/sign-in"


def test_an_address_of_nothing_says_so(browser):
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert "We cannot find that page" in answer.text
    assert "555 0199" in answer.text


def test_the_server_says_that_it_serves(browser):
    assert browser.get("/healthz").json == {"status": "ok", "database": "ok", "blobs": "ok", "keys": "ok"}


def test_there_is_no_outbox_but_in_a_demonstration(services, settings, renderer):
    from dataclasses import replace

    from phr.app import create_app
    from tests.phr.conftest import Browser

    app = create_app(replace(settings, demo=False), services=services)
    assert Browser(app).get("/outbox").status_code == 404


def test_a_form_that_is_far_too_big_is_refused_unread(browser):
    answer = browser.post("/add", pin="A" * 100_000)
    assert answer.status_code == 413
    assert "That is too big" in answer.text


def test_pages_for_people_carry_a_strict_policy(browser):
    policy = browser.get("/add").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
