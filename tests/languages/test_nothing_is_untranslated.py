"""Every page in a language nobody speaks: whatever still reads as English was not given to the translators."""

import re
from html.parser import HTMLParser

import pytest

from tests.languages import pseudo
from tests.phr.test_pages_all import PATIENT, PUBLIC

SILENT = {"script", "style", "template"}
SPOKEN_ATTRIBUTES = {"aria-label", "alt", "title", "placeholder", "data-waiting", "data-still-waiting", "data-empty", "data-short", "data-mistyped", "data-copied", "content"}  # fmt: skip
# Names, numbers and dates of the sample, the product's own name, and words that are the same in every language.
NOT_OURS = [
    r"Keepray", r"Harbor Scan Center", r"Hill Clinic", r"Dr\. J\. Lee", r"Dr\. M\. Ortiz", r"PEREZ, Ana", r"Perez\^Ana", r"\bAna( Perez)?\b",
    r"ana\.perez", r"\d+ \w+ 2026(, \d+:\d\d)?", r"27 March 1958", r"MRI of the right knee", r"MRI of the knee", r"Knee MRI", r"English", r"Español",
    r"The ligaments are intact\.", r"A small effusion\.", r"No tear\.", r"Sagittal and coronal sequences\.", r"https?://\S+", r"localhost\S*", r"/see\b",
    r"\bMR\b", r"\b\d+(\.\d)? [KMG]B\b", r"MRN-77", r"Rae Referrer", r"UTC", r"sagittal series", r"RP-1", r"width=device-width.*", r"#[0-9a-f]{6}", r"\{.*\}", r"Chromium|Chrome|Firefox|Linux|Werkzeug/\S+",
    r"\b[0-9A-HJKMNP-TV-Z]{4}\b", r"(\b[0-9A-Z] ){2,}[0-9A-Z]\b",
]  # fmt: skip


class Words(HTMLParser):
    """All that a page says to eyes and ears."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag, attrs):
        self.silent += tag in SILENT
        self.said += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]

    def handle_endtag(self, tag):
        self.silent -= tag in SILENT

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.said.append(data)


def english_on(html: str) -> list[str]:
    """The words of the page that no translator has seen. A sentence may be cut by markup: brackets count through."""
    page = Words()
    page.feed(re.sub(r"<dl lang=.*?</dl>", "", html, flags=re.DOTALL))  # words of the report and their meanings
    rest = pseudo.left_over("\n".join(page.said))
    for known in NOT_OURS:
        rest = re.sub(known, " ", rest)
    return [line.strip() for line in rest.split("\n") if re.search(r"[^\W\d_]", line)]


@pytest.fixture
def strange():
    with pseudo.spoken() as language:
        yield language


def test_pages_for_everyone_hold_only_translated_words(browser, strange):
    browser.client.set_cookie("phr-language", strange)
    found = {path: english_on(browser.get(path).text) for path in [*PUBLIC, "/languages", "/nowhere"]}
    assert {path: words for path, words in found.items() if words} == {}


def test_pages_of_a_patient_and_a_doctor_hold_only_translated_words(ana_with_a_scan, doctor, strange):
    ana, here = ana_with_a_scan, ana_with_a_scan.scan()
    doctor.opens(ana.shares(may=("see", "save")))
    for person in (ana, doctor):
        person.client.set_cookie("phr-language", strange)
    ana.post(f"{here}/report", choice="now")
    pages = [*PATIENT, here, f"{here}/report", f"{here}/save", f"{here}/remove", f"{here}/pictures?picture=1"]
    pages += set(re.findall(r'href="(/shares/[0-9a-f]{32}(?:/stop)?)"', ana.get("/shares").text))
    found = {path: english_on(ana.get(path).text) for path in pages}
    found |= {path: english_on(doctor.get(path).text) for path in ("/see/scans", "/see/view")}
    assert {path: words for path, words in found.items() if words} == {}
