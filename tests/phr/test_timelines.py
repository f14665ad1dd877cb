"""The drawings of scans and shares: they say what their tables say, and the tables say what happened."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from phr import words
from phr.dose import _totals
from phr.timelines import REGION_OF, REGIONS, WIDTH, chart_of_shares
from tests.factories import an_instance
from tests.phr.conftest import ANA


def test_every_part_of_the_body_has_its_region():
    whole = {"limb", "whole body", "chest, belly and pelvis"}
    assert set(words.PART_OF.values()) - set(REGION_OF) <= whole
    assert set(REGION_OF.values()) | {"other"} == set(REGIONS)


def test_a_year_and_a_region_hold_as_many_as_there_were(ana_with_a_scan, scan_center):
    more = {"person": ANA, "modality": "CR", "BodyPartExamined": "FOOT"}
    scan_center.pushes(
        an_instance(study="foot", series="one", StudyDate="20260110", **more),
        an_instance(study="chest", series="one", StudyDate="20240512", **(more | {"BodyPartExamined": "CHEST"})),
    )
    page = ana_with_a_scan.get("/home") and ana_with_a_scan.get("/timeline").text
    table = re.search(r'<table class="kr-counts">.*?</table>', page, re.DOTALL)[0]
    heads = re.findall(r'<th scope="col">([^<]+)</th>', table)
    rows = {
        row[0]: row[1:]
        for row in (
            re.findall(r">([^<>\s][^<>]*)</t[hd]>", one) for one in re.findall(r"<tr><th scope=\"row\".*?</tr>", table)
        )
    }
    assert heads == ["Year", "Chest", "Legs and feet"]
    assert rows == {"2026": ["–", "2"], "2024": ["1", "–"]}
    dots = re.findall(r'class="kr-chart__count"[^>]*>(\d+)<', page)
    assert sorted(dots) == ["1", "2"]


def test_a_share_that_ended_is_a_bar_with_an_end(ana_with_a_scan, doctor, clock):
    doctor.opens(ana_with_a_scan.shares())
    first = re.search(r'href="(/shares/[0-9a-f]{32})"', ana_with_a_scan.get("/shares").text)[1]
    clock.advance(minutes=3)
    ana_with_a_scan.post(f"{first}/stop")
    page = ana_with_a_scan.get("/timeline").text
    assert page.count('<rect class="kr-chart__bar"') == 1
    assert "kr-chart__bar--open" not in page
    assert "goes on" not in page
    assert "Dr. J. Lee, Hill Clinic" in page


def test_who_has_nothing_reads_so(ana):
    ana.joins()
    page = ana.get("/timeline").text
    assert "You have no scans yet." in page
    assert "You have not shared anything yet." in page
    assert '<svg class="kr-chart"' not in page


class Share:
    """What a drawing asks of a share."""

    def __init__(self, days: int, ended: datetime | None = None) -> None:
        self.began, self.ended = NOW - timedelta(days=days), ended
        self.who, self.state, self.lines = f"{days}", "sent", ("1 scan.",)


NOW = datetime(2026, 3, 3, tzinfo=UTC)


def test_bars_lie_within_the_drawing_and_begin_where_sharing_began():
    chart = chart_of_shares([Share(100), Share(50, NOW - timedelta(days=25)), Share(0)], now=NOW)
    assert [bar.who for bar in chart.bars] == ["0", "50", "100"]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in chart.bars)
    newest, middle, oldest = chart.bars
    assert oldest.x < middle.x < newest.x
    assert [bar.open for bar in chart.bars] == [True, False, True]


def a_dose_report(code: str, amount: str) -> dict:
    """A dose report's tree with one total, two levels down (PS3.16 TID 10011)."""
    total = {
        "0040A043": {"Value": [{"00080100": {"Value": [code]}}]},
        "0040A300": {"Value": [{"0040A30A": {"Value": [amount]}}]},
    }
    return {"0040A730": {"Value": [{"0040A730": {"Value": [total]}}]}}


def test_what_the_machine_wrote_is_shown_and_nothing_is_added_up(ana_with_a_scan, scan_center):
    ct = {"person": ANA, "study": "belly", "series": "axial", "BodyPartExamined": "ABDOMEN", "StudyDate": "20250110"}
    scan_center.pushes(
        an_instance(number=1, CTDIvol=9.25, **ct),
        an_instance(number=2, CTDIvol=11.5, **ct),
        an_instance(
            study="foot",
            series="one",
            person=ANA,
            modality="DX",
            BodyPartExamined="FOOT",
            StudyDate="20240110",
            ImageAndFluoroscopyAreaDoseProduct="2.5",
        ),
    )
    ana_with_a_scan.get("/home")
    assert 'href="/timeline/doses"' in ana_with_a_scan.get("/timeline").text
    page = ana_with_a_scan.get("/timeline/doses").text
    assert re.findall(r'data-label="Amount">([^<]+)<', page) == ["11.5 mGy", "0.25 Gy·cm²"]
    assert "CT of the belly" in page


def test_a_dose_report_says_its_totals_wherever_they_stand():
    assert list(_totals(a_dose_report("113813", "512.4"))) == [("dlp", 512.4)]
    assert list(_totals(a_dose_report("113722", "0.00012"))) == [("dap", pytest.approx(1.2))]
    assert list(_totals(a_dose_report("113813", "much"))) == []
    assert list(_totals(a_dose_report("121342", "7"))) == []


def test_who_had_no_x_rays_reads_so(ana_with_a_scan):
    assert "/timeline/doses" not in ana_with_a_scan.get("/timeline").text
    assert "Your scans have no numbers about radiation in them." in ana_with_a_scan.get("/timeline/doses").text
