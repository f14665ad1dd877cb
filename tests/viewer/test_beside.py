"""Pictures beside each other: earlier scans, other directions, marked ones, planes, and the report that names them."""

from datetime import date

import pytest
from playwright.sync_api import expect

from tests.viewer.conftest import PHONE
from tests.viewer.gallery import Gallery
from tests.viewer.samples import a_coronal, a_ct, a_film, a_key_object, a_presentation

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

BEFORE = date(2024, 5, 2)
TOUCH = {"has_touch": True, "is_mobile": True}


@pytest.fixture
def chest():
    return a_ct(30)


@pytest.fixture
def gallery(chest):
    """A doctor's: a chest from below and from the front, and one of two years before."""
    gallery = Gallery(toolbar="clinician")
    gallery.hang(*chest)
    gallery.hang(*a_coronal(chest))
    gallery.hang(*a_ct(20, description="Chest, old", number=3), taken=BEFORE)
    return gallery


def stand(me, *numbers):
    """Waits until these pictures stand beside each other, all sharp."""
    places = me.page.locator(".v-pane .v-picture")
    expect(places).to_have_count(len(numbers))
    for at, number in enumerate(numbers):
        expect(places.nth(at)).to_have_attribute("data-number", str(number))
    expect(me.page.locator(".v-pane .v-picture:not([data-shown=full])")).to_have_count(0)


def test_i3_an_earlier_scan_hangs_beside_with_one_key_and_scrolls_along(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    me.press("p")
    stand(me, 16, 11)
    expect(me.page.locator(".v-pane-head").nth(1)).to_contain_text("2 May 2024")
    me.press("ArrowDown", "ArrowDown", "ArrowDown")
    me.at(19)
    stand(me, 19, 14)
    me.press("Alt+2")
    expect(me.page.locator(".v-bottom-right")).to_contain_text(["W 1500 L -600", "W 1500 L -600"])
    me.press("x", "ArrowDown")
    me.at(20)
    stand(me, 20, 14)
    me.press("p")
    expect(me.page.locator(".v-pane")).to_have_count(1)
    assert me.complaints == []


def test_a_scan_of_another_part_of_the_body_is_no_earlier_one(visit, chest):
    gallery = Gallery(toolbar="clinician")
    gallery.hang(*chest)
    gallery.hang(*a_ct(20, description="Head"), study_title="CT of the head", taken=BEFORE)
    me = visit(gallery)
    me.sees("full")
    me.press("p")
    me.says("There is no other scan of the same part here.")
    expect(me.page.locator(".v-pane")).to_have_count(1)


def test_slices_of_one_space_meet_by_where_they_lie(visit, gallery, chest):
    thick = a_ct(15, description="Thick", number=7)
    for at, one in enumerate(thick):
        one.StudyInstanceUID, one.FrameOfReferenceUID = chest[0].StudyInstanceUID, chest[0].FrameOfReferenceUID
        one.ImagePositionPatient = [-160, -160, at * 4.0]
    uid = gallery.hang(*thick)
    me = visit(gallery)
    me.sees("full")
    me.press("Control+2")
    expect(me.page.locator(".v-pane")).to_have_count(2)
    me.page.locator(f'a[data-series="{uid}"]').drag_to(me.page.locator(".v-pane").nth(1))
    expect(me.page.locator(".v-pane-head").first).to_contain_text("16 of 30")
    stand(me, 16, 8)
    me.page.locator("#picture").focus()
    me.press("x", "Home")
    me.at(1)
    stand(me, 1, 1)
    me.press("PageDown", "ArrowDown", "ArrowDown")
    me.at(13)
    stand(me, 13, 7)  # 24 mm is the thirteenth of 2 mm and the seventh of 4 mm


def test_scout_lines_show_where_one_picture_crosses_the_other_and_a_click_leads_there(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    me.press("Control+2", "c")
    stand(me, 16, 5)
    line = me.page.locator(".v-pane").nth(1).locator(".v-lines line")
    expect(line).to_have_count(1)
    high = float(line.get_attribute("y1"))
    me.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    me.at(20)
    expect(line).not_to_have_attribute("y1", str(high))
    assert float(line.get_attribute("y1")) < high  # toward the head is up
    box = me.page.locator("#picture").bounding_box()
    me.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.25)
    expect(me.page.locator(".v-pane .v-picture").nth(1)).to_have_attribute("data-number", "2")
    expect(me.page.locator(".v-pane").first.locator(".v-lines line")).to_have_count(4)


def test_a_patient_compares_with_one_tap_and_the_two_are_not_linked(visit, gallery):
    gallery.toolbar = "patient"
    me = visit(gallery)
    me.sees("full")
    me.tool("Compare with 2024").click()
    stand(me, 16, 11)
    me.press("ArrowDown")
    me.at(17)
    stand(me, 17, 11)
    me.page.get_by_role("button", name="Close this place").nth(1).click()
    expect(me.page.locator(".v-pane")).to_have_count(1)


def test_on_a_phone_the_earlier_scan_takes_the_pictures_place(visit, gallery):
    gallery.toolbar = "patient"
    me = visit(gallery, size=PHONE, **TOUCH)
    me.sees("full")
    me.tool("Compare with 2024").click()
    me.says("11 of 20")
    me.tool("Compare with 2026").click()
    me.says("16 of 30")
    expect(me.page.locator(".v-pane")).to_have_count(1)


@pytest.mark.parametrize("marking", [a_key_object, a_presentation])
def test_marked_pictures_come_first_and_k_leads_to_all(visit, gallery, chest, marking):
    gallery.hang(marking(chest[7], chest[20]))
    me = visit(gallery)
    me.sees("full")
    me.says("Marked by the radiologist")
    me.says("1 of 2")
    assert any(str(chest[7].SOPInstanceUID) in path for path in gallery.frames_asked())
    me.press("ArrowDown", "k")
    me.at(21)
    me.says("21 of 30")
    me.press("k")
    me.says("2 of 2")


def test_marked_pictures_that_are_late_take_nobody_away_from_where_they_went(visit, gallery, chest):
    uid = gallery.hang(a_key_object(chest[7]))
    gallery.held = lambda path: path.endswith(f"{uid}/metadata")
    me = visit(gallery)
    me.sees("full")
    me.press("ArrowDown")
    me.at(17)
    gallery.lets_go()
    me.says("Marked by the radiologist")
    me.at(17)


def test_a_list_of_marks_that_may_not_be_read_keeps_nobody_from_the_pictures(visit, gallery, chest):
    empty = a_key_object(chest[0])
    del empty.ContentSequence, empty.CurrentRequestedProcedureEvidenceSequence
    gallery.hang(empty)
    me = visit(gallery)
    me.at(16)
    expect(me.page.get_by_text("Marked by the radiologist")).to_have_count(0)
    me.press("k")
    me.says("No pictures are marked in this scan.")


def test_a_picture_that_the_report_names_is_one_click_away(visit, gallery):
    gallery.report = "<p>A spot (Series 2, image 9), see image 3 of series 4. Old: series 9 image 1.</p>"
    me = visit(gallery)
    me.sees("full")
    me.press("q")
    report = me.page.locator("#report")
    report.get_by_role("link", name="Series 2, image 9").click()
    me.at(9)
    expect(me.picture).to_be_focused()
    report.get_by_role("link", name="image 3 of series 4").click()
    me.says("3 of 8")
    expect(report.get_by_role("link", name="series 9")).to_have_count(0)


def test_a_report_that_can_be_answered_is_read_here_and_answered_on_its_page(visit, gallery):
    gallery.report = (
        "<details class=kr-part><summary><h2>Findings</h2></summary><p class=kr-report>No "
        "<a class=kr-picture-named href=/x>series 2 image 9</a></p></details><p class=kr-quick><img alt=Quick></p>"
        "<div class=kr-confirm><form><button>I have reviewed this report</button></form>"
        "<p>This tells the patient.</p></div>"
    )
    me = visit(gallery)
    me.sees("full")
    me.press("q")
    report = me.page.locator("#report")
    expect(report).to_contain_text("Findings")
    expect(report).not_to_contain_text("This tells the patient.")
    expect(report.get_by_role("img")).to_have_count(0)
    report.get_by_role("link", name="series 2 image 9").click()
    me.at(9)


def test_a_page_that_asks_first_is_answered_on_the_page_itself(visit, gallery):
    gallery.report = (
        "<p>Your doctor has not looked at it yet.</p><h2>What do you want to do?</h2>"
        "<form><button>Read it now</button></form><p>You can change your mind.</p>"
    )
    me = visit(gallery)
    me.sees("full")
    me.press("q")
    report = me.page.locator("#report")
    expect(report).to_contain_text("Your doctor has not looked at it yet.")
    expect(report).not_to_contain_text("What do you want to do?")
    expect(report).not_to_contain_text("You can change your mind.")
    expect(report.get_by_role("link", name="Open the report page")).to_be_visible()


def test_on_a_phone_the_report_stands_under_the_picture(visit, gallery):
    gallery.toolbar = "patient"
    gallery.report = "<p class=kr-report>A spot (series 2, image 9).</p>"
    me = visit(gallery, size=PHONE, **TOUCH)
    me.sees("full")
    assert me.page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
    me.tool("Report").click()
    report = me.page.locator("#report")
    report.get_by_role("link", name="series 2, image 9").click()
    me.at(9)
    picture, below = me.picture.bounding_box(), report.bounding_box()
    assert below["y"] >= picture["y"] + picture["height"] >= picture["y"] + 200
    assert below["y"] + below["height"] <= PHONE["height"]
    report.get_by_role("button", name="Close").click()
    expect(me.tool("Report")).to_be_visible()


def test_an_address_leads_to_the_picture_that_a_report_names(visit, gallery, chest):
    gallery.hang(a_key_object(chest[20]))
    me = visit(gallery, path="/scans/1/pictures?scan=1&group=2&image=9")
    me.at(9)
    me.says("9 of 30")
    me.press("ArrowDown")
    me.at(10)
    me.says("Marked by the radiologist")
    me.at(10)


def test_an_address_that_names_no_picture_here_begins_as_usual(visit, gallery):
    me = visit(gallery, path="/scans/1/pictures?scan=1&group=9&image=9")
    me.at(16)
    me = visit(gallery, path="/scans/1/pictures?scan=1&group=2&image=900")
    me.says("Series 2 has no image 900 here.")
    me.at(16)


def test_without_javascript_the_named_picture_is_one_click_away(visit, gallery):
    me = visit(gallery, path="/scans/1/pictures?scan=1&group=2&image=9", java_script_enabled=False)
    me.page.get_by_role("link", name="Look at the pictures one by one").click()
    expect(me.page.get_by_role("img", name="Picture 9 of 30, CT of the chest")).to_be_visible()


def test_three_planes_go_through_one_point_and_back(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    me.press("m")
    planes = me.page.locator(".v-planes .v-picture")
    expect(planes).to_have_count(3)
    expect(planes.nth(1)).to_have_attribute("aria-label", "Coronal, Picture 64 of 128")
    expect(planes.first).to_be_focused()
    me.page.keyboard.press("End")
    expect(planes.first).to_have_attribute("data-number", "30")
    box = planes.nth(1).bounding_box()
    me.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(planes.first).not_to_have_attribute("data-number", "30")
    letters = [edge.inner_text() for edge in planes.nth(1).locator(".v-side").all()]
    assert letters == ["L", "R", "F", "H"]
    me.page.get_by_label("Brightest of (MIP)").select_option("20")
    me.tool("Length").click()
    me.says("This works on the pictures themselves.")
    me.page.get_by_role("button", name="Back to the pictures").click()
    me.press("ArrowDown")
    me.at(17)
    assert me.complaints == []


def test_planes_are_refused_with_a_reason(visit, gallery, chest):
    del chest[12].ImagePositionPatient
    me = visit(gallery)
    me.sees("full")
    me.press("m")
    me.says("Three planes need one group of at least 5 grey slices, all alike and equally far apart.")
    expect(me.page.locator(".v-planes")).to_have_count(0)


def test_planes_are_not_for_phones(visit, gallery):
    me = visit(gallery, size=PHONE, **TOUCH)
    me.sees("full")
    me.press("m")
    me.says("Three planes need a computer with a large screen.")


def test_a_film_plays_at_its_own_speed_once_it_has_enough(visit):
    gallery = Gallery(toolbar="clinician")
    gallery.hang(a_film(30, milliseconds=50))
    gallery.held = lambda path: "/frames/" in path and not path.endswith("/frames/16")
    me = visit(gallery)
    me.sees("full")
    me.tool("Speed").click()
    expect(me.page.get_by_label("Pictures a second")).to_have_value("20")
    me.press("Home", "Space")
    me.says("Waiting for pictures …")
    expect(me.picture).to_have_attribute("data-number", "1")
    gallery.lets_go()
    expect(me.picture).not_to_have_attribute("data-number", "1", timeout=20_000)
    assert len(gallery.frames_asked()) >= 15
    me.tool("Pause").click()
    assert gallery.most_at_once <= 6


def test_four_places_share_six_requests(visit, gallery):
    gallery.slow = 0.05
    me = visit(gallery)
    me.sees("full")
    me.press("Control+4")
    stand(me, 16, 5, 16, 16)
    me.page.get_by_role("button", name="Close this place").first.click()
    stand(me, 5, 16, 16)
    expect(me.picture).to_have_attribute("data-number", "5")
    assert gallery.most_at_once <= 6


def test_a_doctor_points_with_an_arrow_and_words_that_stay_here(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    asked = len(gallery.asked)
    me.press("t")
    box = me.picture.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    me.page.mouse.move(x, y)
    me.page.mouse.down()
    me.page.mouse.move(x + 60, y - 40, steps=4)
    me.page.mouse.up()
    me.page.get_by_label("What do you want to point at?").fill("Here")
    me.page.keyboard.press("Enter")
    expect(me.page.locator("#sharp svg text").first).to_contain_text("Here")
    assert not [
        path
        for path in gallery.asked[asked:]
        if "/frames/" not in path and path != "/alive" and not path.endswith("/metadata")
    ]
    me.press("Escape", "Delete")
    expect(me.page.locator("#sharp svg text")).to_have_count(0)
    assert me.complaints == []
