"""What the pages say, told without a browser."""

import pytest

from phr.pages.shown import ShownInstance, ShownSeries, ShownStudy, begin_with
from phr.pages.viewer import PictureWanted
from tests.viewer.gallery import Gallery, app_for
from tests.viewer.samples import a_ct, without_a_picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def a_series(count: int, **more) -> ShownSeries:
    return ShownSeries(uid=f"1.{count}", instances=tuple(ShownInstance(f"2.{at}") for at in range(count)), **more)


def a_study(*series: ShownSeries) -> ShownStudy:
    return ShownStudy(uid="1", title="CT", series=series)


@pytest.fixture
def gallery():
    gallery = Gallery()
    gallery.hang(*a_ct(6))
    return gallery


@pytest.fixture
def read(gallery):
    visitor = app_for(gallery).test_client()
    return lambda query="": visitor.get(f"/scans/1/pictures{query}").get_data(as_text=True)


def test_we_begin_with_the_largest_group_that_is_no_overview():
    scout, chest, small = a_series(90, description="Localizer"), a_series(30), a_series(4)
    assert begin_with([a_study(scout, small, chest)])[1] is chest


def test_we_begin_with_the_pictures_the_radiologist_marked():
    marked = a_series(4, has_key_pictures=True)
    assert begin_with([a_study(a_series(30), marked)])[1] is marked


def test_an_overview_is_better_than_nothing():
    scout = a_series(1, description="Scout")
    assert begin_with([a_study(ShownSeries(uid="3", instances=(), modality="SR"), scout)])[1] is scout


def test_without_groups_there_is_nothing_to_begin_with():
    assert begin_with([a_study()]) is None


def test_a_scan_without_a_picture_is_not_what_we_begin_with():
    curve = a_study(ShownSeries(uid="3", instances=(ShownInstance("4", 0),), modality="ECG"))
    knee = a_series(3)
    assert begin_with([curve, a_study(knee)])[1] is knee
    assert begin_with([curve]) == (curve, curve.series[0])


def test_frames_of_many_objects_are_counted_through():
    series = ShownSeries(uid="1", instances=(ShownInstance("a", 2), ShownInstance("b", 0), ShownInstance("c", 3)))
    assert series.count == 5
    assert series.picture(2) == (series.instances[0], 2)
    assert series.picture(3) == (series.instances[2], 1)
    with pytest.raises(IndexError):
        series.picture(6)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, None),
        ({"series": "2"}, None),
        ({"picture": "3"}, PictureWanted(study=1, series=1, picture=3)),
        ({"picture": "x", "series": "-1"}, PictureWanted(study=1, series=1, picture=1)),
        ({"picture": "9" * 40}, PictureWanted(study=1, series=1, picture=1)),
    ],
)
def test_a_query_names_a_picture_or_the_viewer(query, wanted):
    assert PictureWanted.parse(query) == wanted


@pytest.mark.parametrize(("asked", "shown"), [("0", 1), ("1", 1), ("6", 6), ("7", 6), ("999999", 6)])
def test_a_number_past_an_end_means_the_end(read, asked, shown):
    assert f"Picture {shown} of 6" in read(f"?picture={asked}&series=5&study=9")


def test_the_title_names_neither_scan_nor_person(read, gallery):
    gallery.toolbar = "clinician"
    page = read()
    assert "<title>Shared pictures - Keepray</title>" in page
    assert page.count("<h1") == 1


def test_the_page_holds_the_quick_view_and_no_script_of_its_own(read, gallery):
    page = read()
    study, series = next(iter(gallery.titles)), next(iter(gallery.series))
    assert f'src="/dicomweb/studies/{study}/series/{series}/rendered"' in page
    assert f'src="/dicomweb/studies/{study}/series/{series}/thumbnail"' in page
    assert "<script>" not in page
    assert " style=" not in page


def test_a_scan_without_groups_says_so(gallery, read):
    gallery.series.clear()
    assert "This scan has no pictures. It may be a report only." in read()
    assert "This scan has no pictures. It may be a report only." in read("?picture=1")


def test_a_group_without_pictures_has_no_page_of_one():
    gallery = Gallery()
    gallery.hang(without_a_picture(), study_title="Heart curve")
    page = app_for(gallery).test_client().get("/scans/1/pictures?picture=1").get_data(as_text=True)
    assert "This scan has no pictures." in page
