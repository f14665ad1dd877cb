"""A report that a site stores as a DICOM object: the patient reads it, their doctor too, and their app by FHIR."""

from tests.factories import a_pdf_document, a_uid
from tests.fhir_gateway.dicom.reports import a_document_of, a_report, a_section, a_text
from tests.journeys.stories import a_story
from tests.people import App, Guest

ODD_PDF = b"%PDF-1.4\nodd\n%%EOF\n1"


def an_impression(words, **facts):
    return a_report(
        a_section("121070", "Findings", a_text("The <i>lungs</i> are clear.")),
        a_section("121072", "Impressions", a_text(words, ("121073", "Impression"))),
        **facts,
    )


def test_a_stored_report_is_read_by_the_patient_the_doctor_and_the_app(keepray):
    told = a_story(keepray, report="")
    whose = {"person": told.scan.person, "study": told.scan.name}
    told.site.pushes(an_impression("The word is: susurrus.", **whose), a_pdf_document(ODD_PDF, **whose))
    told.site.pushes(an_impression("The word is: susurrus.", **whose))
    ana = told.patient
    assert ana.open(told.page).says("Your report is here.")
    page = ana.open(f"{told.page}/report").send("Read it now")
    if not page.says("susurrus"):
        page = page.follow("CT report, 5 January 2026")
    assert page.says("The word is: susurrus.")
    assert page.says("The <i>lungs</i> are clear.")
    assert page.says("What they saw (Findings)")

    doctor = Guest(keepray)
    doctor.opens(ana.gives_a_code(told.id).code)
    seen = doctor.open(f"/see/report/{told.id}")
    assert seen.says("susurrus") or seen.follow("CT report, 5 January 2026").says("susurrus")

    app = App(keepray).is_let_in_by(ana)
    found = [one["resource"] for one in app.reads("DiagnosticReport")["entry"]]
    assert len(found) == 2
    words = next(one for one in found if one.get("conclusion"))
    assert words["conclusion"] == "The word is: susurrus."
    file = next(one["presentedForm"][0] for one in found if one["presentedForm"][0]["contentType"] == "application/pdf")
    assert app.get(file["url"], "application/pdf").content == ODD_PDF
    assert file["size"] == len(ODD_PDF)


def test_a_stored_report_that_replaces_another_is_what_everybody_reads(keepray):
    told = a_story(keepray, report="")
    whose = {"person": told.scan.person, "study": told.scan.name}
    told.site.pushes(an_impression("The first word.", **whose))
    first = a_uid("instance", told.scan.name, "reports", 1)
    told.site.takes_a_token()
    told.site.pushes(
        an_impression(
            "The better word.",
            number=2,
            ContentDate="20260107",
            PredecessorDocumentsSequence=[a_document_of(told.scan.name, first)],
            **whose,
        )
    )
    page = told.patient.open(f"{told.page}/report").send("Read it now")
    assert page.says("The better word.")
    assert page.says("This report was changed on 7 January 2026.")
    assert page.follow("See the old one").says("The first word.")
    app = App(keepray).is_let_in_by(told.patient)
    found = {one["resource"]["status"]: one["resource"] for one in app.reads("DiagnosticReport")["entry"]}
    assert set(found) == {"final", "amended"}
    replaced = found["amended"]["extension"][0]["valueReference"]["reference"]
    assert replaced == f"DiagnosticReport/{found['final']['id']}"
