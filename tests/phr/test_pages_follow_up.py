"""Reading a report: words explained beside it, its own sentence about another scan, and questions to take along."""

from datetime import UTC, date, datetime

import pytest

from phr.follow_up import follow_up_of
from phr.glossary import OTHER_MEANINGS, on_paper, words_in
from phr.glossary_terms import TERMS
from phr.languages import LANGUAGES
from phr.questions import read_questions
from tests.factories import a_dataset
from vault.facts import ReportFacts, Section
from vault.ids import new_id
from vault.studies import Report

ASKS = Section("Impression", "A small nodule, nonspecific. Recommend repeat CT in 6 months.")


def a_report(text, *, issued="2026-03-04"):
    facts = ReportFacts(
        title="CT", status="final", issued=f"{issued}T10:00:00Z", sections=(Section("Impression", text),)
    )
    kept = new_id()
    return Report(kept, kept, facts, datetime(2026, 3, 4, tzinfo=UTC), new_id(), None)


@pytest.mark.parametrize(
    ("text", "sentence", "due"),
    [
        ("All fine. Recommend repeat CT in 6 months.", "Recommend repeat CT in 6 months.", date(2026, 9, 4)),
        (
            "Follow-up ultrasound in 6-12 weeks is suggested.",
            "Follow-up ultrasound in 6-12 weeks is suggested.",
            date(2026, 4, 15),
        ),
        ("Annual mammography is recommended.", "Annual mammography is recommended.", date(2027, 3, 4)),
        ("MRI of the spine is recommended.", "MRI of the spine is recommended.", None),
    ],
)
def test_the_sentence_that_asks_is_quoted_and_its_day_counted(text, sentence, due):
    found = follow_up_of([a_report(text)])
    assert (found.sentence, found.due) == (sentence, due)


@pytest.mark.parametrize(
    "text",
    ["No tear.", "No follow-up is needed.", "No further imaging recommended.", "Comparison with the CT of 2024.",
     "Follow-up imaging is not necessary."],
)  # fmt: skip
def test_a_report_that_asks_for_nothing_has_no_line(text):
    assert follow_up_of([a_report(text)]) is None


def test_a_day_that_a_month_lacks_is_its_last():
    assert follow_up_of([a_report("Repeat MRI in 1 month.", issued="2026-01-31")]).due == date(2026, 2, 28)


def test_words_are_found_once_and_only_in_english():
    text = "Moderate effusion.\nThe ACL is intact; No effusion elsewhere. T2 signal (nonspecific), disc\nbulge"
    assert [word for word, _ in words_in([text], "en-US")] == [
        "moderate",
        "effusion",
        "intact",
        "t2",
        "signal",
        "nonspecific",
        "disc bulge",
    ]
    assert words_in(["Ein Ödem, benign"], "de") == ()


def test_meanings_are_short_plain_and_about_nobody():
    lines = TERMS.strip().splitlines()
    assert len(lines) >= 150
    terms = [line.partition(" = ")[0].partition("|")[0] for line in lines]
    assert {"en", *OTHER_MEANINGS} == set(LANGUAGES)
    for told in OTHER_MEANINGS.values():
        assert [line.partition(" = ")[0] for line in told.strip().splitlines()] == terms
    for line in [*lines, *(line for told in OTHER_MEANINGS.values() for line in told.strip().splitlines())]:
        _ways, sign, meaning = line.partition(" = ")
        assert sign, line
        assert len(meaning.split()) <= 20, line
        assert meaning.endswith("."), line
        assert not {"you", "your", "must", "should", "usted", "debe", "tiene"} & set(meaning.lower().split()), line
    assert len(on_paper([line.partition("|")[0].partition(" = ")[0] for line in lines], "en")) == 20


@pytest.fixture
def asked(ana_with_a_scan, scan_center, clock):
    """Ana, whose changed report asks for another scan."""
    clock.advance(seconds=1)
    scan_center.reports(a_dataset(study="knee").StudyInstanceUID, sections=(ASKS,), status="amended")
    ana_with_a_scan.get("/home")
    scan = ana_with_a_scan.scan()
    ana_with_a_scan.post(f"{scan}/report", choice="now")
    return ana_with_a_scan, scan


def test_the_report_quotes_itself_and_reminds_when_asked(asked, clock):
    ana, scan = asked
    page = ana.get(f"{scan}/report").text
    assert "Your report may ask for another scan" in page
    assert "<q>Recommend repeat CT in 6 months.</q>" in page
    assert "Counted from 4 March 2026, that is 4 September 2026" in page
    told = ana.post(f"{scan}/follow-up", page=f"{scan}/report", said="remind").text
    assert "We show you a note on 4 September 2026" in told
    assert "You asked for a note" not in ana.get("/home").text
    clock.advance(days=190)
    ana.signs_in()
    assert "You asked for a note" in ana.get("/home").text


def test_one_who_says_it_is_not_right_is_not_asked_again(asked):
    ana, scan = asked
    ana.post(f"{scan}/follow-up", page=f"{scan}/report", said="wrong")
    assert "may ask for another scan" not in ana.get(f"{scan}/report").text
    ana.post(f"{scan}/follow-up", page="/account/name", said="nonsense")
    assert "may ask for another scan" not in ana.get(f"{scan}/report").text


def test_words_are_explained_for_the_patient_and_on_paper(asked):
    ana, scan = asked
    page = ana.get(f"{scan}/report").text
    assert "A small nodule, nonspecific." in page
    assert "<strong>nodule</strong></dt><dd>A small round spot.</dd>" in page
    ana.client.set_cookie("phr-language", "es")
    page = ana.get(f"{scan}/report").text
    assert '<dt lang="en"><strong>nodule</strong></dt><dd>Un punto pequeño y redondo.</dd>' in page
    assert '<dl lang="es"' in page
    assert ana.get(f"{scan}/report.pdf").data[:5] == b"%PDF-"


def test_questions_are_kept_sealed_and_printed_on_the_slip(ana_with_a_scan, tmp_path):
    ana = ana_with_a_scan
    assert "What does the main point mean for me?" in ana.get("/questions").text
    ana.post("/questions", questions="Why does it click at night?\n\n  And the other knee? ")
    page = ana.get("/questions").text
    assert "Why does it click at night?" in page
    assert "What does the main point mean" not in page
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"click at night" not in kept
    ana.shares()
    assert ana.post("/share/slip.pdf", page="/share/code").data[:5] == b"%PDF-"


def test_a_list_of_questions_has_bounds():
    assert read_questions("\n".join(["x" * 500] * 90)) == ["x" * 200] * 20
