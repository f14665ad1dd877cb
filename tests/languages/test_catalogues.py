"""Every language is whole, and pages are read in the language that was asked for or chosen."""

import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask_babel import force_locale

from phr import dates, forms, languages, words, words_es
from tests.phr.conftest import Browser
from tests.phr.test_pages_all import PATIENT, PUBLIC

ROOT = Path(__file__).parents[2]
IN_SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}


def test_no_sentence_lacks_its_translation():
    """`make translations` puts what is new into the catalogues; somebody who speaks the language says it there."""
    checked = subprocess.run(
        [sys.executable, "tools/translations.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_every_language_we_offer_has_its_catalogue():
    kept = {path.parts[-3] for path in ROOT.glob("translations/*/LC_MESSAGES/messages.po")}
    assert kept == set(languages.LANGUAGES) - {languages.BASE}


def test_every_kind_and_part_of_a_scan_has_a_spanish_name():
    assert {*words.KIND_OF.values(), "Scan"} <= set(words_es.KIND_OF)
    assert set(words.PART_OF.values()) <= set(words_es.PART_OF)


@pytest.mark.parametrize(
    ("kind", "part", "side", "said"),
    [
        ("MRI", "knee", "right", "Resonancia magnética de la rodilla derecha"),
        ("X-ray", "foot", "both", "Radiografía de ambos pies"),
        ("CT", "kidney", "left", "Tomografía (TC) del riñón izquierdo"),
        ("Ultrasound", "lungs", "", "Ecografía de los pulmones"),
        ("CT", "whole body", "right", "Tomografía (TC) de todo el cuerpo"),
        ("X-ray", "lower leg", "left", "Radiografía de la pierna izquierda (parte baja)"),
        ("Mammogram", "", "", "Mamografía"),
        ("Something new", "", "", "Something new"),
    ],
)
def test_a_scan_has_a_name_in_good_spanish(kind, part, side, said):
    assert words_es.title(kind, part, side) == said


def test_a_browser_is_answered_in_its_own_language(browser):
    page = browser.get("/add", headers=IN_SPANISH).text
    assert '<html lang="es" dir="ltr"' in page
    assert "Añada su estudio</h1>" in page
    assert "<title>Añada su estudio - Keepray</title>" in page


def test_who_asks_for_a_language_we_lack_reads_english(browser):
    assert '<html lang="en"' in browser.get("/add", headers={"Accept-Language": "fi, *;q=0"}).text


def test_a_choice_needs_no_script_and_leads_back(browser):
    page = browser.get("/add").text
    assert 'href="/languages?back=/add" lang="es" hreflang="es">Español</a>' in page
    answer = browser.post("/languages", page="/languages?back=/add", language="es", back="/add")
    assert browser.path == "/add"
    assert "Añada su estudio" in answer.text
    assert "Add your scan" in browser.post("/languages", page="/add", language="en", back="/add").text


def test_a_choice_leads_nowhere_else(browser):
    browser.post("/languages", page="/languages", language="es", back="https://elsewhere.example/")
    assert browser.path == "/"


def test_an_account_takes_its_language_and_letters_to_another_device(app, ana_with_a_scan):
    ana_with_a_scan.post("/languages", page="/account", language="es", back="/home")
    ana_with_a_scan.post("/languages", page="/account", text="large", back="/home")
    phone = Browser(app, "198.51.100.9")
    phone.post("/sign-in", login="ana.perez", password="four words for a knee")
    page = phone.get("/home").text
    assert '<html lang="es" dir="ltr" class="kr-text-118">' in page
    assert "Resonancia magnética de la rodilla derecha" in page
    assert "3 de marzo de 2026" in page


# English that a Spanish page may show: names, what the scan center wrote, and words that are the same.
ENGLISH = re.compile(r"\b(the|your|you|and|scan|scans|share|with|this|can)\b", re.IGNORECASE)


def test_spanish_pages_hold_no_english(ana_with_a_scan):
    ana, here = ana_with_a_scan, ana_with_a_scan.scan()
    ana.client.set_cookie("phr-language", "es")
    for path in [*PUBLIC, *PATIENT, here, f"{here}/save", f"{here}/remove"]:
        shown = re.sub(r"<(script|style|template)\b.*?</\1>|<[^>]+>", " ", ana.get(path).text, flags=re.DOTALL)
        shown = shown.replace("Harbor Scan Center", "").replace("SMART Health Link", "")
        assert not ENGLISH.findall(shown), path


def test_dates_and_sizes_are_written_as_their_readers_write_them(app):
    with app.test_request_context():
        with force_locale("es"):
            now = datetime(2026, 3, 3, 10, 42, tzinfo=UTC)
            assert dates.in_words(date(2026, 3, 3)) == "3 de marzo de 2026"
            assert dates.moment_in_words(now, now=now) == "hoy, 10:42"
            assert words.size(1_234_500_000) == "1,2 GB"
            assert words.count(12_345) == "12.345"
        with force_locale("en"):
            assert dates.in_words(date(2026, 3, 3)) == "3 March 2026"
            assert words.size(1_234_500_000) == "1.2 GB"


@pytest.mark.parametrize("month", ["3", "03", "mar", "March", "marzo", "MARZO"])
def test_a_birth_month_may_be_written_out(month):
    typed = {"born-day": "27", "born-month": month, "born-year": "1958"}
    assert forms.read_born(typed, today=date(2026, 3, 3)) == "19580327"
