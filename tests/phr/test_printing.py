"""Papers: what a screen reader, a camera and a thief get from them."""

import io
import shutil
import struct
import subprocess
import zlib
from dataclasses import replace
from datetime import date

import pikepdf
import pytest

from fhir_gateway.rest.slips import LETTERS, SlipForm
from phr import printing, reports, slip_forms

DAY = date(2026, 3, 3)
BASE = "https://keepray.example"
PIN = "7KQ4M9TX2RWP5HD3"
CODE = "7KQ4M9TX2RWP5HD3ABCD"
KIT = "4T9K7WQXM2RDH8VN3YPZ6C5B2MKX"


def a_png(width=60, height=30):
    """A blue rectangle (PNG, W3C 2003, 5)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x2a\x6f\xb0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


LOGO = a_png()


def a_slip(**changes):
    facts = {
        "site_name": "Harbor Scan Center",
        "site_phone": "555 0100",
        "patient_first_and_initial": "Ana P.",
        "birth_year": 1958,
        "description": "MRI",
        "scan_date": DAY,
        "pin": PIN,
        "address": BASE,
        "expires": date(2026, 6, 1),
    }
    return slip_forms.ClaimSlip(**(facts | changes))


def a_share_slip(**changes):
    scan = reports.SharedScan("MRI of the right knee", DAY, "Harbor Scan Center", 214)
    facts = {
        "patient_name": "Ana Pérez",
        "born": date(1958, 3, 27),
        "rows": (scan,),
        "until": "30 March 2026, 14:42",
        "code": CODE,
        "address": BASE,
        "made_on": DAY,
    }
    return reports.ShareSlip(**(facts | changes))


def a_report(**changes):
    facts = {
        "site_name": "Harbor Scan Center",
        "patient_name": "Ana Pérez",
        "born": date(1958, 3, 27),
        "scan": "MRI of the right knee",
        "scan_date": DAY,
        "sections": (reports.ReportSection("Main points (Impression)", "No tear.\n\nRepeat in 6 months."),),
        "status": "Final",
        "written_by": "Dr. M. Ortiz",
        "signed_on": date(2026, 3, 4),
        "made_on": date(2026, 3, 7),
        "made_by": "Ana Pérez",
    }
    return reports.PatientReport(**(facts | changes))


def a_history(events=1):
    row = reports.HistoryRow("3 March 2026, 10:50", "Dr. J. Lee", "Looked", "MRI of the right knee")
    return reports.AccessHistory("Ana Pérez", "2026", DAY, (row,) * events, "61-4f2a9c", BASE)


PAPERS = {
    "slip": lambda: slip_forms.claim_slip(a_slip()),
    "slip with a picture": lambda: slip_forms.claim_slip(a_slip(logo=("image/png", LOGO))),
    "spanish slip": lambda: slip_forms.claim_slip(a_slip(language="es")),
    "small slip": lambda: slip_forms.claim_slip(a_slip(form=SlipForm("a6"))),
    "large slip": lambda: slip_forms.claim_slip(a_slip(form=SlipForm("a5", 18))),
    "receipt": lambda: slip_forms.claim_slip(a_slip(form=SlipForm("receipt"), language="es")),
    "kit": lambda: reports.recovery_kit(reports.RecoveryKit(BASE, "ana.perez", DAY, 3, KIT)),
    "provider kit": lambda: reports.provider_kit(reports.RecoveryKit(BASE, "dr.lee", DAY, 3, KIT)),
    "share slip": lambda: reports.share_slip(a_share_slip()),
    "report": lambda: reports.patient_report(a_report()),
    "report with a picture": lambda: reports.patient_report(a_report(logo=("image/png", LOGO))),
    "history": lambda: reports.access_history(a_history()),
}


@pytest.fixture(scope="module")
def papers():
    return {name: make()[1] for name, make in PAPERS.items()}


def text_of(pdf: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def qr_codes_of(pdf: bytes, tmp_path) -> list[str]:
    """What a phone's camera reads off the paper at 150 dots an inch."""
    (tmp_path / "paper.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "150", "-png", tmp_path / "paper.pdf", tmp_path / "page"], check=True)
    seen = subprocess.run(
        ["zbarimg", "--quiet", "--raw", *sorted(tmp_path.glob("page*.png"))], capture_output=True, check=False
    )
    return seen.stdout.decode().split()


def elements(pdf: pikepdf.Pdf, kind: str) -> list[pikepdf.Object]:
    """Every structure element of one kind, in reading order."""
    found: list[pikepdf.Object] = []

    def walk(node):
        if isinstance(node, pikepdf.Array):
            for child in node:
                walk(child)
        elif isinstance(node, pikepdf.Dictionary):
            if node.get("/S") == kind:
                found.append(node)
            if "/K" in node:
                walk(node.K)

    walk(pdf.Root.StructTreeRoot.K)
    return found


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_is_tagged_for_screen_readers(papers, name):
    with pikepdf.open(io.BytesIO(papers[name])) as pdf:
        assert str(pdf.Root.Lang) == ("es" if name in {"spanish slip", "receipt"} else "en")
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"]
            assert metadata["pdfuaid:part"] == "1"
        assert len(elements(pdf, "/H1")) == 1
        for figure in elements(pdf, "/Figure"):
            assert str(figure.get("/Alt", ""))
        known = {bytes(heading.ID) for heading in elements(pdf, "/TH")}
        for cell in elements(pdf, "/TD"):
            assert known.issuperset(bytes(heading) for heading in cell.A.Headers)
            assert len(cell.A.Headers) > 0


@pytest.mark.parametrize("name", PAPERS)
def test_every_font_travels_with_the_paper_and_is_ours(papers, name):
    listed = subprocess.run(["pdffonts", "-"], input=papers[name], capture_output=True, check=True).stdout.decode()
    rows = [row.split() for row in listed.splitlines()[2:]]
    assert rows
    for row in rows:
        assert "Atkinson" in row[0]
        assert row[-5] == "yes"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("slip", f"{BASE}/add#{PIN}"),
        *((slip, f"{BASE}/add#{PIN}") for slip in ("spanish slip", "small slip", "large slip", "receipt")),
        ("kit", f"{BASE}/sign-in/recover#{KIT}"),
        ("share slip", f"{BASE}/see#{CODE}"),
    ],
)
def test_a_camera_reads_what_the_paper_also_says_in_letters(papers, tmp_path, name, address):
    assert qr_codes_of(papers[name], tmp_path) == [address]
    page, secret = address.removeprefix("https://").split("#")
    said = text_of(papers[name])
    assert page in said
    assert secret in "".join(said.split())


@pytest.mark.parametrize(
    "name", ["slip", "spanish slip", "small slip", "large slip", "receipt", "kit", "provider kit", "share slip"]
)
def test_what_is_handed_over_is_one_page(papers, name):
    with pikepdf.open(io.BytesIO(papers[name])) as pdf:
        assert len(pdf.pages) == 1


@pytest.mark.parametrize("name", ["kit", "share slip", "report"])
def test_where_printers_hold_letter_the_papers_are_of_that_size(app, name):
    app.extensions["settings"] = replace(app.extensions["settings"], paper="letter")
    with app.test_request_context(), pikepdf.open(io.BytesIO(PAPERS[name]()[1])) as pdf:
        assert len(pdf.pages) == 1
        assert [round(float(one) / 72, 1) for one in pdf.pages[0].MediaBox][2:] == [8.5, 11.0]


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
def test_a_slip_with_long_names_is_still_one_page_and_whole(language):
    slip = a_slip(
        site_name="Harbor and Northern Valley Imaging Center of Springfield",
        patient_first_and_initial="Maximiliana-Bartholomea Constantina Q.",
        description="MRI",
        language=language,
    )
    _, made = slip_forms.claim_slip(slip)
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == 1
    said = " ".join(text_of(made).split())
    for part in ("Springfield", "Constantina Q.", "1958", "2026", "keepray.example/add", "555 0100"):
        assert part in said
    assert PIN in said.replace(" ", "")


@pytest.mark.parametrize("sheet", ["a5", "a6", "a4", "receipt"])
def test_a_slip_carries_the_picture_its_patients_know(sheet):
    form = SlipForm(sheet)
    plain, pictured = (slip_forms.claim_slip(a_slip(form=form, logo=logo))[1] for logo in (None, ("image/png", LOGO)))
    assert pictures_in(pictured) == pictures_in(plain) + 1
    assert len(pikepdf.open(io.BytesIO(pictured)).pages) == 1
    assert PIN in text_of(pictured).replace(" ", "").replace("\n", "")


def pictures_in(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return sum(len(page.get_images()) for page in opened.pages)


def letters_of(pdf: bytes) -> list[float]:
    """How high the letters of the paper are, in points: every size there is, the smallest first."""
    found = set()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for page in opened.pages:
            size = scale = 0.0
            for operands, operator in pikepdf.parse_content_stream(page):
                size = float(operands[1]) if str(operator) == "Tf" else size
                scale = abs(float(operands[3])) if str(operator) == "Tm" else scale
                if str(operator) in {"Tj", "TJ"}:
                    found.add(round(size * scale * 72 / 96, 1))  # the page is laid out in CSS pixels
    return sorted(found)


@pytest.mark.parametrize("letters", LETTERS)
def test_no_letter_of_a_slip_is_smaller_than_was_asked_for(letters):
    _, made = slip_forms.claim_slip(a_slip(form=SlipForm("a5", letters)))
    assert letters_of(made)[0] >= letters


def test_a_receipt_is_as_wide_as_its_roll_and_no_longer_than_its_words():
    short = slip_forms.claim_slip(a_slip(form=SlipForm("receipt", second_language="none")))[1]
    long = slip_forms.claim_slip(a_slip(form=SlipForm("receipt", 18, "es")))[1]
    sizes = []
    for made in (short, long):
        with pikepdf.open(io.BytesIO(made)) as pdf:
            assert len(pdf.pages) == 1
            sizes.append([float(one) / 72 * 25.4 for one in pdf.pages[0].MediaBox][2:])
    assert [round(width) for width, _ in sizes] == [80, 80]
    assert sizes[0][1] < 240 < 400 < sizes[1][1] < 550


def test_what_does_not_fit_below_in_a_second_language_stands_on_the_back():
    _, made = slip_forms.claim_slip(a_slip(language="es", form=SlipForm("a6")))
    front, back = text_of(made).split("\f")[:2]
    assert PIN in front.replace(" ", "")
    assert "Sus imágenes" in front
    assert "Your pictures are ready to keep" in back
    assert "555 0100" in back.replace("\xa0", " ")


def test_a_front_desk_picks_the_second_language():
    two = text_of(slip_forms.claim_slip(a_slip(form=SlipForm(second_language="es")))[1])
    assert "Your pictures are ready" in two
    assert "Sus imágenes están listas" in two
    one = text_of(slip_forms.claim_slip(a_slip(language="es", form=SlipForm(second_language="none")))[1])
    assert "Your pictures" not in one


def test_a_scan_nobody_should_read_about_on_paper_is_called_a_scan():
    said = text_of(slip_forms.claim_slip(a_slip(description=""))[1])
    assert "Scan, 3 March 2026" in said


def test_a_lost_slip_names_nobody_in_full(papers):
    said = text_of(papers["slip"])
    assert "Ana P." in said
    assert "1958" in said
    assert "27" not in said.replace(PIN, "")


def test_dates_on_paper_spell_the_month(papers):
    assert "Good until 1 June 2026." in text_of(papers["slip"])
    assert "3 de marzo de 2026" in text_of(papers["spanish slip"])
    assert "4 March 2026" in text_of(papers["report"])


def test_a_changed_report_says_so_in_the_paper_and_in_its_name():
    name, made = reports.patient_report(
        a_report(changed_on=date(2026, 3, 6), replaces=date(2026, 3, 4), status="Changed")
    )
    assert name == "2026-03-03 MRI of the right knee report changed 2026-03-06.pdf"
    assert "Changed on 6 March 2026. Replaces the report of 4 March 2026." in text_of(made)


def test_a_file_name_takes_no_harm_from_a_scan_named_by_a_stranger():
    name, _ = reports.patient_report(a_report(scan='../../etc/"MRI"\r\nX: y'))
    assert name == "2026-03-03 .. .. etc MRI X y report.pdf"


def test_markup_in_a_report_is_printed_as_its_letters():
    section = reports.ReportSection("Main points", "<script>alert(1)</script> <img src=x> </style> a < b")
    _, made = reports.patient_report(a_report(sections=(section,)))
    assert "<script>alert(1)</script> <img src=x> </style> a < b" in " ".join(text_of(made).split())


def test_a_long_history_repeats_the_head_of_its_table():
    _, made = reports.access_history(a_history(events=80))
    with_events = [page for page in text_of(made).split("\f") if "Dr. J. Lee" in page]
    assert len(with_events) > 2
    assert all("Which scan" in page for page in with_events)


def test_key_pictures_are_told_to_those_who_cannot_see_them():
    from PIL import Image

    drawn = io.BytesIO()
    Image.new("L", (64, 64), 128).save(drawn, "JPEG")
    shown = reports.KeyPicture(drawn.getvalue(), "Side view of the knee", "Series 4, picture 12")
    _, made = reports.patient_report(a_report(pictures=(shown,)))
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert [str(figure.Alt) for figure in elements(pdf, "/Figure")] == ["Side view of the knee"]
    assert "Series 4, picture 12" in text_of(made)


def test_nothing_but_what_was_handed_over_is_fetched(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read me")
    page = f"""<html lang="en"><head><title>t</title>
    <link rel="stylesheet" href="file://{secret}"><link rel="attachment" href="file://{secret}">
    <style>@import url(file://{secret}); @import url(http://127.0.0.1:9/x.css); body {{ background: url(//127.0.0.1:9/x) }}</style></head>
    <body><h1>Still here</h1><img alt="x" src="file://{secret}"><img alt="y" src="http://127.0.0.1:9/y.png">
    <img alt="z" src="data:image/svg+xml,&lt;svg xmlns='http://www.w3.org/2000/svg'&gt;&lt;image href='file://{secret}'/&gt;&lt;/svg&gt;">
    <a rel="attachment" href="file://{secret}">a</a></body></html>"""
    made = printing.pdf(page, {})
    assert "Still here" in text_of(made)
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert not list(pdf.attachments)
    assert b"do not read me" not in made


@pytest.mark.parametrize("bomb", ["<div>" * 3000, "<table><tr><td>" * 800])
def test_a_page_nested_without_end_is_refused(bomb):
    with pytest.raises(printing.PrintingRefused) as refusal:
        printing.pdf(f"<html lang=en><title>t</title><body>{bomb}", {})
    assert "<" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_page_that_takes_too_long_is_stopped():
    with pytest.raises(printing.PrintingRefused):
        printing.pdf("<html lang=en><title>t</title><body>" + "word " * 400_000, {}, seconds=1)


def test_without_the_libraries_the_answer_is_one_clear_sentence(monkeypatch, tmp_path):
    # A child that looks for its libraries in a place where there are none.
    bare = tmp_path / "python"
    bare.write_text(f"#!/bin/sh\ncat >/dev/null\nexit {printing.NO_LIBRARIES}\n")
    bare.chmod(0o700)
    monkeypatch.setattr(printing.sys, "executable", str(bare))
    with pytest.raises(printing.PrintingUnavailable, match=r"libpango-1\.0-0"):
        printing.pdf("<html lang=en><title>t</title>", {})


def test_printing_never_holds_up_more_than_its_share(monkeypatch):
    held = []
    while printing._line.acquire(blocking=False):
        held.append(1)
    try:
        assert len(held) == printing.AT_ONCE + printing.IN_LINE
        with pytest.raises(printing.PrintingBusy):
            printing.pdf("<html lang=en><title>t</title>", {})
        with pytest.raises(printing.PrintingBusy):
            printing.check_room()
    finally:
        for _ in held:
            printing._line.release()


def test_however_many_print_half_of_the_threads_are_left_for_pictures(monkeypatch):
    for name in ("_line", "_presses"):
        monkeypatch.setattr(printing, name, getattr(printing, name))
    printing.keep_to(processes=2, threads=8)
    held = 0
    while printing._line.acquire(blocking=False):
        held += 1
    assert held == 4
    assert printing._presses.acquire(blocking=False)


def test_values_with_codes_do_not_print_them():
    for value in (a_slip(), a_share_slip(), reports.RecoveryKit(BASE, "ana", DAY, 1, KIT)):
        said = repr(value) + str(value)
        assert not any(code in said for code in (PIN, CODE, KIT))


def test_the_programs_that_look_at_papers_are_here():
    assert all(shutil.which(program) for program in ("pdftoppm", "pdftotext", "pdffonts", "zbarimg"))
