"""From the paper slip to the report on paper (experience 1.1 B, R3)."""

import io

import pikepdf

from tests.factories import some_pixels
from tests.journeys.stories import a_scan, a_story, someone
from tests.papers import a_report
from tests.people import Patient, Site

SITES_OWN = b"%PDF-1.4\n% from the scan center\n%%EOF\n"


def test_a_slip_becomes_a_scan_a_report_and_paper(keepray):
    site = Site(keepray)
    scan = a_scan(someone(), pictures=3)
    site.pushes(*scan.files)
    site.reports(scan.person, scan.name, a_report("The lungs are clear.", pdf=SITES_OWN, text="FINDINGS: none."))
    slip = site.hands_out_a_slip(scan.person)

    ana = Patient(keepray, scan.person)
    assert ana.types_a_slip(slip).heading == "Make your account"
    page = ana.makes_an_account()
    assert page.heading == "CT of the chest"
    assert page.says("Your scan is now in your account. The slip no longer works.")
    assert page.says("5 January 2026, Harbor Scan Center")
    ana.makes_a_recovery_kit()

    pictures = ana.open(f"{page.path}/pictures")
    assert pictures.status == 200
    thumbnail = ana.ask("GET", f"{page.path}/thumbnail")
    assert (thumbnail.headers["Content-Type"], thumbnail.content[:2]) == ("image/jpeg", b"\xff\xd8")
    described = ana.ask("GET", f"{scan.address()}/metadata").json()
    assert len(described) == 3
    frame = ana.ask("GET", f"{scan.address(2)}/frames/1", Accept="application/octet-stream; transfer-syntax=*")
    assert frame.content.startswith(some_pixels(rows=32, columns=40, seed=2).astype("<u2").tobytes())
    assert ana.ask("GET", f"{scan.address(2)}/rendered", Accept="image/jpeg").content[:2] == b"\xff\xd8"

    asked = ana.open(f"{page.path}/report")
    assert asked.heading == "Your report is here"
    report = asked.send("Read it now")
    assert report.says("The lungs are clear.")
    paper = ana.ask("GET", f"{page.path}/report.pdf")
    with pikepdf.open(io.BytesIO(paper.content)) as pdf:
        assert len(pdf.pages) >= 1
    own = next(href for text, href in report.links if text == "The scan center's PDF")
    assert ana.ask("GET", own).content == SITES_OWN


def test_the_slip_is_a_pdf_with_the_pin_on_it(keepray):
    site = Site(keepray)
    scan = a_scan(someone())
    site.pushes(*scan.files)
    slip = site.hands_out_a_slip(scan.person)
    with pikepdf.open(io.BytesIO(slip.pdf)) as pdf:
        assert len(pdf.pages) == 1
    assert slip.pin.encode() not in slip.pdf  # its text is compressed; the name of the whole person is not on it at all


def test_a_scan_that_comes_later_is_there_without_a_slip(story):
    scan, page = story.another_scan(StudyDescription="MR of the knee", BodyPartExamined="KNEE")
    assert story.patient.open(f"/scans/{page}").status == 200
    assert story.patient.ask("GET", f"{scan.address()}/metadata").status_code == 200


def test_saying_no_to_future_scans_takes_the_link_away(keepray):
    told = a_story(keepray)
    page = told.patient.open(told.page).send("No, I will use a slip")
    assert page.says("New scans from this scan center need a slip."), page
    scan = a_scan(told.patient.person)
    told.site.pushes(*scan.files)
    assert told.patient.scans() == [told.id]
    slip = told.site.hands_out_a_slip(told.patient.person)
    told.patient.types_a_slip(slip)
    assert len(told.patient.scans()) == 2


def test_typing_errors_are_named_before_anything_is_looked_up(keepray):
    page = Patient(keepray).open("/add")
    assert page.send("Continue", pin="").says("Type the PIN from your slip.")
    assert page.send("Continue", pin="7KQ4-M9TX").says("You typed 8.")
    wrong = page.send("Continue", pin="7KQ4-M9TX-7KQ4-M9TX")
    assert wrong.says("There is a typing mistake in the PIN. Look at your slip again.")
    assert wrong.title.startswith("Error: ")
