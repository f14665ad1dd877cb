"""Groups of pictures in words that a patient knows, where the site's own name is sure."""

import pytest

from phr.group_words import view_of
from tests.phr.test_pages_visits import shares_everything


@pytest.mark.parametrize(
    ("modality", "named", "read"),
    [
        ("MR", "t2_tse_sag_fs", "Side view"),
        ("MR", "PD COR FS", "Front view"),
        ("CT", "1.0 Axial Lung", "Seen from the feet"),
        ("MR", "t1_se_tra_p2", "Seen from the feet"),
        ("DX", "Knee LAT", "Side view"),
        ("CR", "Chest PA", "Front view"),
        ("MR", "SAG and COR T1", ""),
        ("CT", "CTA COR 0.6", ""),
        ("CT", "AP 5.0", ""),
        ("DX", "Hand PA", ""),
        ("US", "lateral", ""),
        ("MR", "Relaxed sagging", ""),
        ("MR", "", ""),
    ],
)
def test_a_group_is_called_by_what_it_shows_only_where_its_name_is_sure(app, modality, named, read):
    with app.test_request_context():
        assert view_of(named, modality) == read


def test_a_patient_reads_plain_words_with_the_sites_own_below_and_a_doctor_the_sites_alone(
    ana_with_a_scan, scan_center, doctor
):
    ana = ana_with_a_scan
    scan_center.pushes_a_knee(study="planes", SeriesDescription="t2_tse_sag_fs")
    ana.get("/home")
    page = ana.get(f"{ana.scan()}/pictures").text
    assert '<span class="v-group-own v-note">t2_tse_sag_fs</span>' in page
    assert page.index("Side view") < page.index("v-group-own")
    assert "Side view: t2_tse_sag_fs, 3 pictures" in ana.get(f"{ana.scan()}/pictures?picture=1").text
    doctor.opens(shares_everything(ana))
    shown = doctor.get("/see/view").text
    assert "t2_tse_sag_fs" in shown
    assert "Side view" not in shown
