"""Reports in other clothes, reports that change, and scans with several: what the patient and the doctor read."""

import io
import re
import zipfile

import pikepdf
import pytest
from pydicom import Dataset

from tests.factories import a_dataset, a_pdf_document, a_uid, as_file
from tests.fhir_gateway.dicom.reports import a_cda_document, a_document_of, a_report, a_section, a_text
from tests.phr.conftest import ANA
from tests.phr.test_printing import elements
from vault.facts import Section

KEY_OBJECT, PRESENTATION = "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.11.1"
ODD_PDF = b"%PDF-1.4\nodd\n%%EOF\n1"
FINDINGS = a_section("121070", "Findings", a_text("The <b>ligaments</b> are intact.\nNothing torn."))
IMPRESSIONS = a_section("121072", "Impressions", a_text("All is well.", ("121073", "Impression")))
KNEE = {"person": ANA, "study": "knee"}


@pytest.fixture
def ana_reads(ana, scan_center):
    """Ana, who has a scan without a report, and wants to see what comes at once."""
    scan_center.pushes_a_knee()
    ana.joins()
    ana.adds(scan_center.slip_for())
    ana.post("/account/reports", choice="now")
    return ana


def the_report(ana):
    ana.get("/home")
    return ana.get(f"{ana.scan()}/report").text


def older(page):
    return re.search(r"\?old=([0-9a-f]{32})", page)[1]


def test_a_structured_report_is_read_like_any_other(ana_reads, scan_center):
    scan_center.pushes(a_report(FINDINGS, IMPRESSIONS, **KNEE))
    page = the_report(ana_reads)
    assert page.index("Main points (Impression)") < page.index("What they saw (Findings)")
    assert "The &lt;b&gt;ligaments&lt;/b&gt; are intact." in page
    assert "All is well." in page
    assert "Signed 5 January 2026." in page
    assert "From the scan center" not in page  # the page we drew from it is no file of theirs
    scan = ana_reads.get(ana_reads.scan()).text
    assert "Your report is here." in scan
    assert "A report arrived from Harbor Scan Center." in ana_reads.get("/history").text


def test_a_report_is_no_picture(ana, scan_center):
    scan_center.pushes(a_report(FINDINGS, **KNEE))
    ana.joins()
    ana.adds(scan_center.slip_for())
    page = ana.get(ana.scan()).text
    assert "Look at the pictures" not in page
    assert "Read the report" in page


def test_an_enclosed_pdf_is_a_file_to_save(ana_reads, scan_center):
    scan_center.pushes(a_pdf_document(ODD_PDF, **KNEE))
    page = the_report(ana_reads)
    assert "It came as a file." in page
    address = re.search(r'href="(/scans/[0-9a-f]+/report/files/[0-9a-f]+)">The scan center&#39;s PDF', page)[1]
    file = ana_reads.get(address)
    assert (file.data, file.mimetype) == (ODD_PDF, "application/pdf")


def test_an_enclosed_letter_is_read_and_its_original_is_saved_only(ana_reads, scan_center):
    scan_center.pushes(a_cda_document(**KNEE))
    page = the_report(ana_reads)
    assert "The liver is clear." in page
    assert "All is wöll." in page
    address = re.search(r'href="(/scans/[0-9a-f]+/report/files/[0-9a-f]+)"', page)[1]
    file = ana_reads.get(address)
    assert file.mimetype == "application/octet-stream"
    assert ".xml" in file.headers["Content-Disposition"]
    assert file.data.startswith(b"<?xml")


def test_a_copy_holds_the_report_and_the_scan_centers_file(ana_reads, scan_center):
    scan_center.pushes(a_report(FINDINGS, **KNEE), a_pdf_document(ODD_PDF, **KNEE))
    ana_reads.get("/home")
    with zipfile.ZipFile(io.BytesIO(ana_reads.get(f"{ana_reads.scan()}/save/all.zip").data)) as copy:
        papers = [name for name in copy.namelist() if name.startswith("IHE_PDI/")]
        assert len([name for name in papers if name.startswith("IHE_PDI/REPORT")]) == 2
        (file,) = [name for name in papers if name.startswith("IHE_PDI/SITE")]
        assert copy.read(file) == ODD_PDF


# --- reports that change ---


def test_a_report_that_replaces_another_is_shown_and_the_old_one_can_be_read(ana_reads, scan_center, clock):
    scan_center.pushes(a_report(FINDINGS, IMPRESSIONS, **KNEE))
    clock.advance(minutes=1)
    changed = a_section("121072", "Impressions", a_text("A small tear."))
    scan_center.pushes(
        a_report(
            changed, number=2, ContentDate="20260107", **KNEE,
            PredecessorDocumentsSequence=[a_document_of("knee", a_uid("instance", "knee", "reports", 1))],
        )
    )  # fmt: skip
    page = the_report(ana_reads)
    assert "A small tear." in page
    assert "This report was changed on 7 January 2026. You see the newest one." in page
    assert "Other reports" not in page
    old = ana_reads.get(f"{ana_reads.scan()}/report?old={older(page)}").text
    assert "All is well." in old
    assert "This is an old report. It was changed later." in old


def test_a_signed_report_leads_to_its_draft_and_does_not_call_itself_changed(ana_reads, scan_center, clock):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, status="preliminary", sections=(Section("Impression", "A shadow."),))
    assert "This report is not signed yet. It may change." in the_report(ana_reads)
    clock.advance(minutes=1)
    scan_center.reports(uid, version=2, sections=(Section("Impression", "Nothing there."),))
    page = the_report(ana_reads)
    assert "Nothing there." in page
    assert "was changed" not in page
    assert "See what it said before" in page
    draft = ana_reads.get(f"{ana_reads.scan()}/report?old={older(page)}").text
    assert "A shadow." in draft
    assert "This is a draft. It is not the report that was signed." in draft


def test_a_draft_that_comes_late_is_not_shown(ana_reads, scan_center, clock):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=(Section("Impression", "Nothing there."),))
    clock.advance(minutes=1)
    scan_center.reports(uid, version=2, status="preliminary", sections=(Section("Impression", "A shadow."),))
    page = the_report(ana_reads)
    assert "Nothing there." in page
    assert "A shadow." not in page
    assert "not signed yet" not in page
    assert "?old=" not in page


def test_a_draft_that_would_replace_a_signed_report_comes_after_it(ana_reads, scan_center, clock):
    scan_center.pushes(a_report(IMPRESSIONS, **KNEE))
    clock.advance(minutes=1)
    before = a_document_of("knee", a_uid("instance", "knee", "reports", 1))
    draft = a_section("121072", "Impressions", a_text("Perhaps a tear."))
    more = {"VerificationFlag": "UNVERIFIED", "ContentDate": "20260107", "PredecessorDocumentsSequence": [before]}
    scan_center.pushes(a_report(draft, number=2, **more, **KNEE))
    page = the_report(ana_reads)
    assert "All is well." in page
    assert "was changed" not in page
    second = ana_reads.get(f"{ana_reads.scan()}/report?old={older(page)}").text
    assert "Perhaps a tear." in second
    assert "This report is not signed yet. It may change." in second


def test_a_report_that_was_taken_back_is_not_read_as_if_it_held(ana_reads, scan_center, clock):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=(Section("Impression", "Of somebody else."),))
    clock.advance(minutes=1)
    taken = (Section("Impression", "Entered by mistake."),)
    scan_center.reports(uid, version=2, status="entered-in-error", sections=taken)
    page = the_report(ana_reads)
    assert "The scan center took this report back." in page
    assert "Of somebody else." not in page
    assert "Entered by mistake." not in page
    assert "Of somebody else." in ana_reads.get(f"{ana_reads.scan()}/report?old={older(page)}").text


def test_each_report_of_a_scan_can_be_read(ana_reads, scan_center, clock):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=(Section("Impression", "Of the knee."),))
    clock.advance(minutes=1)
    scan_center.pushes(a_report(IMPRESSIONS, title="Second opinion", **KNEE))
    page = the_report(ana_reads)
    assert "Of the knee." in page
    assert "Other reports of this scan" in page
    assert "Second opinion, 5 January 2026" in page
    second = ana_reads.get(f"{ana_reads.scan()}/report?old={older(page)}").text
    assert "All is well." in second
    assert "old report" not in second
    assert "MRI of the knee, 4 March 2026" in second


def test_the_old_report_is_printed_as_old(ana_reads, scan_center, clock):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=(Section("Impression", "No tear."),))
    clock.advance(minutes=1)
    scan_center.reports(
        uid, version=2, status="amended", issued="2026-03-06", sections=(Section("Impression", "A small tear."),)
    )
    page = the_report(ana_reads)
    here = ana_reads.scan()
    assert f'href="{here}/report.pdf"' in page
    newest = ana_reads.get(f"{here}/report.pdf")
    assert "changed 2026-03-06" in newest.headers["Content-Disposition"]
    old = ana_reads.get(f"{here}/report?old={older(page)}").text
    address = re.search(rf'href="({here}/report\.pdf\?old=[0-9a-f]+)"', old)[1]
    printed = ana_reads.get(address)
    assert printed.data.startswith(b"%PDF")
    assert "changed" not in printed.headers["Content-Disposition"]


# --- whoever they share with ---


def test_a_doctor_reads_it_too_and_saves_the_file_where_they_may(ana_reads, scan_center, doctor):
    scan_center.pushes(a_report(FINDINGS, IMPRESSIONS, **KNEE), a_pdf_document(ODD_PDF, **KNEE))
    ana_reads.get("/home")
    doctor.opens(ana_reads.shares(may=("see", "save")))
    listed = doctor.get("/see/scans").text
    address = re.search(r'href="(/see/report/[0-9a-f]{32})"', listed)[1]
    pages = [doctor.get(address).text]
    pages.append(doctor.get(f"{address}?old={older(pages[0])}").text)
    both = "".join(pages)
    assert "All is well." in both
    file = re.search(rf'href="({address}/files/[0-9a-f]+)">The scan center&#39;s PDF', both)[1]
    assert doctor.get(file).data == ODD_PDF
    assert doctor.get(f"{address}.pdf").data.startswith(b"%PDF")


# -- key pictures on paper --------------------------------------------------------------------------------------------


def some_items(**elements) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def a_mark(sop_class: str, modality: str, numbers: list[int], **more) -> bytes:
    """What a radiologist leaves who marks pictures of the knee: a key object, or saved settings."""
    marks = a_dataset(number=900, series=modality, sop_class=sop_class, modality=modality, **KNEE)
    named = [some_items(ReferencedSOPInstanceUID=a_uid("instance", "knee", "sagittal", one)) for one in numbers]
    keyword = "ReferencedSOPSequence" if modality == "KO" else "ReferencedImageSequence"
    series = some_items(SeriesInstanceUID=a_uid("series", "knee", "sagittal"), **{keyword: named})
    holder = some_items(ReferencedSeriesSequence=[series])
    if modality == "KO":
        marks.CurrentRequestedProcedureEvidenceSequence = [holder]
    else:
        marks.ReferencedSeriesSequence = holder.ReferencedSeriesSequence
    return as_file(marks)


def alts_of(pdf: bytes) -> list[str]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return [str(figure.Alt) for figure in elements(opened, "/Figure")]


@pytest.mark.parametrize(("sop_class", "modality"), [(KEY_OBJECT, "KO"), (PRESENTATION, "PR")])
def test_the_pictures_a_radiologist_marked_are_in_the_report_on_paper(ana_reads, scan_center, sop_class, modality):
    scan_center.pushes(a_report(FINDINGS, IMPRESSIONS, **KNEE), a_mark(sop_class, modality, [2, 77, 3]))
    the_report(ana_reads)
    paper = ana_reads.get(f"{ana_reads.scan()}/report.pdf").data
    said = "Picture of the MRI of the right knee that the scan center marked: Series 1, picture {}"
    assert alts_of(paper) == [said.format(2), said.format(3)]


def test_no_more_than_four_pictures_are_printed_and_none_where_nothing_was_marked(ana_reads, scan_center):
    scan_center.pushes_a_knee(pictures=6)
    scan_center.pushes(a_report(FINDINGS, IMPRESSIONS, **KNEE))
    the_report(ana_reads)
    address = f"{ana_reads.scan()}/report.pdf"
    assert alts_of(ana_reads.get(address).data) == []
    scan_center.pushes(a_mark(KEY_OBJECT, "KO", [1, 2, 3, 4, 5, 6]))
    ana_reads.get("/home")
    assert len(alts_of(ana_reads.get(address).data)) == 4
