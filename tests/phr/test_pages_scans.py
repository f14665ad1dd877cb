"""One's own scans: the list, a scan, its pictures and report, a copy, and taking it out."""

import io
import re
import subprocess
import zipfile

import pikepdf
import pytest
import sqlalchemy as sa
from PIL import Image

from tests.factories import a_dataset
from tests.phr.conftest import SECTIONS
from vault.sites import Logo, keep_logo
from vault.tables import CardRow
from vault.tables_sharing import AuditRow


def test_the_list_has_words_not_codes(ana_with_a_scan):
    page = ana_with_a_scan.get("/home").text
    assert "Hello, Ana" in page
    assert "Your scans</h2>" in page or "Your scans" in page
    assert "MRI of the right knee" in page
    assert "Harbor Scan Center" in page
    assert "Do not get locked out" in page


def test_a_scan_is_new_until_it_was_opened(ana, scan_center):
    scan_center.pushes_a_knee()
    ana.joins()
    ana.adds(scan_center.slip_for())
    scan_center.pushes_a_knee(study="second")
    assert "New</strong>" in ana.get("/home").text
    ana.get(ana.scan())
    for _ in range(2):
        page = ana.get("/home").text
    assert page.count("New</strong>") <= 1


def test_a_file_lost_before_its_scan_had_a_card_is_told_and_hides_nothing_else(ana_with_a_scan, services, tmp_path):
    with services.work() as work:
        work.session.execute(sa.delete(CardRow))
    for blob in (path for path in (tmp_path / "objects").rglob("*") if path.is_file()):
        blob.write_bytes(b"not what was sealed")
    page = ana_with_a_scan.get("/home")
    assert page.status_code == 200
    assert "We could not open a part of one scan" in page.text


def test_a_scan_shows_its_picture_and_details(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    page = ana_with_a_scan.get(here).text
    assert "A123" in page
    assert "Look at the pictures" in page
    jpeg = ana_with_a_scan.get(f"{here}/thumbnail")
    assert jpeg.mimetype == "image/jpeg"
    assert jpeg.data.startswith(b"\xff\xd8")
    assert jpeg.headers["Cache-Control"] == "no-store"


def test_titles_of_pages_name_no_body_part(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    for path in ("/home", here, f"{here}/report", f"{here}/save", f"{here}/remove"):
        title = ana_with_a_scan.get(path).text.split("<title>")[1].split("</title>")[0]
        assert "knee" not in title.lower()
        assert "Ana" not in title


def test_somebody_elses_scan_is_not_there(ana_with_a_scan, app):
    from tests.phr.conftest import Patient

    bo = Patient(app, "192.0.2.8")
    bo.joins("bo.sample")
    here = ana_with_a_scan.scan()
    for path in (
        here,
        f"{here}/report",
        f"{here}/pictures",
        f"{here}/thumbnail",
        f"{here}/report.pdf",
        f"{here}/save/all.zip",
    ):
        assert bo.get(path).status_code == 404, path
    assert bo.post(f"{here}/remove", page="/account").status_code == 404
    assert ana_with_a_scan.get(here).status_code == 200


def test_pictures_open_in_the_viewer_and_without_scripts(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    viewer = ana_with_a_scan.get(f"{here}/pictures").text
    assert "data-studies" in viewer
    assert "For looking, not for finding illness." in viewer
    paged = ana_with_a_scan.get(f"{here}/pictures?study=1&series=1&picture=2").text
    assert "/rendered?viewport=" in paged
    assert "<canvas" not in paged


def test_a_report_is_asked_about_before_it_is_shown(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    asked = ana_with_a_scan.get(f"{here}/report").text
    assert "Your report is here" in asked
    assert "No tear." not in asked
    ana_with_a_scan.post(f"{here}/report", choice="wait")
    assert "You chose to wait" in ana_with_a_scan.get(f"{here}/report").text
    shown = ana_with_a_scan.post(f"{here}/report", choice="now").text
    assert "No tear." in shown
    assert "Written by Dr. M. Ortiz, Harbor Scan Center. Signed 4 March 2026." in shown


def test_the_main_points_come_first(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    page = ana_with_a_scan.post(f"{here}/report", choice="now").text
    order = [page.index(words) for words in ("Main points (Impression)", "What they saw (Findings)", "How it was done")]
    assert order == sorted(order)


def test_waiting_lasts_no_longer_than_two_weeks(ana_with_a_scan, clock):
    here = ana_with_a_scan.scan()
    ana_with_a_scan.post(f"{here}/report", choice="wait")
    clock.advance(days=15)
    ana_with_a_scan.signs_in()
    assert "No tear." in ana_with_a_scan.get(f"{here}/report").text


def test_a_standing_choice_shows_reports_at_once(ana_with_a_scan):
    ana_with_a_scan.post("/account/reports", choice="now")
    assert "No tear." in ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/report").text


def test_a_changed_report_says_so_and_the_old_one_can_be_seen(ana_with_a_scan, scan_center, clock):
    uid = scan_center.pushes_a_knee(study="knee")
    clock.advance(minutes=1)
    from vault.facts import Section

    scan_center.reports(uid, status="amended", issued="2026-03-06", sections=(Section("Impression", "A small tear."),))
    ana_with_a_scan.get("/home")
    here = ana_with_a_scan.scan()
    shown = ana_with_a_scan.post(f"{here}/report", choice="now").text
    assert "This report was changed on 6 March 2026. You see the newest one." in shown
    assert "A small tear." in shown
    old = shown.split("?old=")[1].split('"')[0]
    older = ana_with_a_scan.get(f"{here}/report?old={old}").text
    assert "No tear." in older
    assert "This is an old report." in older


def test_no_report_yet_says_when(ana, scan_center):
    scan_center.pushes_a_knee()
    ana.joins()
    ana.adds(scan_center.slip_for())
    assert "No report yet. Most come in 1 to 3 days." in ana.get(f"{ana.scan()}/report").text


def test_the_report_is_saved_as_pdf(ana_with_a_scan):
    paper = ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/report.pdf")
    assert paper.data.startswith(b"%PDF")
    assert "2026-03-03 MRI of the right knee report.pdf" in paper.headers["Content-Disposition"]


def test_the_saved_report_carries_the_scan_centers_picture(ana_with_a_scan, scan_center, services):
    def pictures():
        paper = ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/report.pdf").data
        with pikepdf.open(io.BytesIO(paper)) as opened:
            return any(page.get_images() for page in opened.pages)

    assert not pictures()
    drawn = io.BytesIO()
    Image.new("RGB", (60, 30), "#2a6fb0").save(drawn, "PNG")
    with services.work() as work:
        keep_logo(work, scan_center.site.id, Logo("image/png", drawn.getvalue()))
    assert pictures()


def test_all_pictures_are_saved_as_a_disc_would_be(ana_with_a_scan):
    here = ana_with_a_scan.scan()
    assert "ZIP file of" in ana_with_a_scan.get(f"{here}/save").text
    answer = ana_with_a_scan.get(f"{here}/save/all.zip")
    octets = answer.data
    assert answer.content_length == len(octets)
    with zipfile.ZipFile(io.BytesIO(octets)) as copy:
        assert copy.testzip() is None
        names = copy.namelist()
        assert {"README.TXT", "INDEX.HTM", "DICOMDIR", "IHE_PDI/REPORT1.PDF"} <= set(names)
        assert sum(name.startswith("DICOM/") for name in names) == 3
        assert b"\r\n" in copy.read("README.TXT")
        assert "No tear." in copy.read("INDEX.HTM").decode()


def test_one_picture_is_saved_without_a_name(ana_with_a_scan):
    answer = ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/save/picture.jpg")
    assert answer.data.startswith(b"\xff\xd8")
    assert b"Perez" not in answer.data


def test_saving_is_in_the_history(ana_with_a_scan):
    ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/save/picture.jpg")
    assert "You saved a copy of the MRI of the right knee." in ana_with_a_scan.get("/history").text


def test_a_removed_scan_is_gone_and_what_was_shared_of_it_too(ana_with_a_scan, doctor):
    ana = ana_with_a_scan
    doctor.opens(ana.shares())
    here = ana.scan()
    assert "We destroy the key of this scan." in ana.get(f"{here}/remove").text
    shown = ana.post(f"{here}/remove")
    assert "The scan is removed." in shown.text
    assert "You have no scans yet." in shown.text
    assert ana.get(here).status_code == 404
    assert doctor.get("/see/view").status_code != 200 or "Shared scans" not in doctor.get("/see/view").text


def test_the_history_is_told_in_sentences(ana_with_a_scan):
    page = ana_with_a_scan.get("/history").text
    for sentence in ("You made your account.", "You added a scan with a PIN slip."):
        assert sentence in page
    assert "claimed" not in page


def test_the_history_is_narrowed_to_one_scan_and_to_one_person(ana_with_a_scan, doctor, scan_center):
    ana = ana_with_a_scan
    scan_center.pushes_a_knee(study="other")
    doctor.opens(ana.shares())
    ana.get("/home")
    for scan in dict.fromkeys(re.findall(r"/scans/[0-9a-f]{32}", ana.get("/home").text)):
        ana.get(f"{scan}/pictures")
    [share] = set(re.findall(r'<option value="([0-9a-f]{32})">Dr. J. Lee', ana.get("/history").text))
    of_lee = ana.get(f"/history?share={share}").text
    assert "Dr. J. Lee, Hill Clinic opened what you shared." in of_lee
    assert "You made your account." not in of_lee
    scans = re.findall(r'<option value="([0-9a-f]{32})">MRI', ana.get("/history").text)
    assert len(scans) == 2
    told = [ana.get(f"/history?scan={scan}").text for scan in scans]
    assert any("Dr. J. Lee, Hill Clinic looked at" in one for one in told)
    assert not all("Dr. J. Lee, Hill Clinic looked at" in one for one in told)
    assert "You made your account." in ana.get("/history?scan=" + "0" * 32).text


def test_the_history_is_saved_as_pdf(ana_with_a_scan):
    assert ana_with_a_scan.get("/history.pdf").data.startswith(b"%PDF")


def record_number_on(paper: bytes) -> str:
    said = subprocess.run(["pdftotext", "-", "-"], input=paper, capture_output=True, check=True).stdout.decode()
    return re.search(r"Record number ([0-9]+-[0-9a-f]{16})", said)[1]


def test_the_number_on_a_printed_history_can_be_checked(ana_with_a_scan):
    ana = ana_with_a_scan
    number = record_number_on(ana.get("/history.pdf").data)
    lines = number.partition("-")[0]
    shown = ana.post("/history/verify", number=f" {number.upper()} ")
    assert f"The first {lines} lines of your history are as they were when the paper was made." in shown.text
    ana.post("/history/verify", number=number)
    ana.shares()
    assert "added since." in ana.post("/history/verify", number=number).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Type the record number from your paper."),
        ("61", "A record number reads like"),
        ("0-4f2a9c0b7d1e8a35", "A record number reads like"),
        ("2-4f2a9c0b7d1e8a35", "This number does not go with your history."),
        ("999999-4f2a9c0b7d1e8a35", "This number does not go with your history."),
    ],
)
def test_another_number_does_not_go_with_a_history(ana_with_a_scan, typed, said):
    answer = ana_with_a_scan.post("/history/verify", number=typed)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_history_with_a_line_taken_out_says_so(ana_with_a_scan, services):
    number = record_number_on(ana_with_a_scan.get("/history.pdf").data)
    with services.work() as work:
        work.session.execute(sa.delete(AuditRow).where(AuditRow.owner_kind == "vault", AuditRow.n == 1))
    answer = ana_with_a_scan.post("/history/verify", number=number)
    assert "Lines of your history are missing or were changed." in answer.text


def test_a_report_in_another_language_says_so(ana, scan_center):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=SECTIONS, language="de")
    ana.joins()
    ana.adds(scan_center.slip_for())
    assert '<div lang="de">' in ana.post(f"{ana.scan()}/report", choice="now").text


def test_a_report_that_comes_first_says_that_the_pictures_are_on_the_way_until_they_are(ana, scan_center):
    knee = a_dataset(study="knee").StudyInstanceUID
    scan_center.reports(knee, sections=SECTIONS)
    ana.joins()
    ana.adds(scan_center.slip_for())
    here = ana.scan()
    page = ana.get(here).text
    assert "Your report is here." in page
    assert "Pictures are on the way." in page
    waiting = ana.get(f"{here}/arrived")
    assert (waiting.status_code, waiting.headers.get("HX-Refresh")) == (204, None)
    scan_center.pushes_a_knee()
    assert ana.get(f"{here}/arrived").headers["HX-Refresh"] == "true"
    page = ana.get(here).text
    assert "Look at the pictures" in page
    assert "on the way" not in page
