"""People look at pictures in a real browser: what is asked, what is on the screen, and what hands can do."""

import pytest
from playwright.sync_api import expect

from tests.viewer.conftest import DESK, PHONE
from tests.viewer.gallery import Gallery
from tests.viewer.samples import a_ct

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

TOUCH = {"has_touch": True, "is_mobile": True}


@pytest.fixture
def gallery():
    gallery = Gallery()
    gallery.hang(*a_ct())
    return gallery


@pytest.fixture
def doctors_gallery(gallery):
    gallery.toolbar = "clinician"
    return gallery


@pytest.mark.parametrize(("size", "options"), [(DESK, {}), (PHONE, TOUCH)])
def test_a_patient_sees_the_middle_picture_and_what_looking_is_for(visit, gallery, size, options):
    me = visit(gallery, size=size, **options)
    me.sees("full")
    least, most = me.greys()
    assert least < 10
    assert most > 240
    me.says("For looking, not for finding illness. Ask your doctor what the pictures mean.")
    me.says("16 of 30")
    expect(me.picture).to_have_attribute(
        "aria-label", "Picture 16 of 30, CT of the chest, Chest, 1 mm, seen from the feet, Full quality"
    )
    assert me.complaints == []


def test_a_doctor_sees_whose_picture_it_is_and_that_it_is_for_reference(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    me.says("Reference viewing. Not for primary diagnosis on this screen unless your site has checked the display.")
    expect(me.corner("top-left")).to_have_text("Perez, Anaborn 27 March 1958")
    expect(me.corner("bottom-right")).to_contain_text("W 1500 L 40")
    expect(me.corner("bottom-left")).to_contain_text("Position 30.0 mm")
    me.press("o")
    expect(me.corner("top-left")).to_have_count(0)


def test_the_quick_view_is_asked_for_before_the_code_that_draws(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    quick = next(at for at, path in enumerate(gallery.asked) if path.endswith("/rendered"))
    code = next(at for at, path in enumerate(gallery.asked) if "/native-" in path)
    assert quick < code


def test_pictures_come_from_the_middle_outward_and_six_at_most_at_once(visit, gallery):
    gallery.slow = 0.05
    me = visit(gallery)
    while len(gallery.frames_asked()) < 30:
        me.page.wait_for_timeout(100)
    order = {str(one.SOPInstanceUID): at for at, one in enumerate(next(iter(gallery.series.values())))}
    asked = [order[path.split("/")[-3]] for path in gallery.frames_asked()]
    assert asked[0] == 15
    assert set(asked[1:7]) <= set(range(11, 20))  # six together, so in any order
    assert sorted(asked) == list(range(30))
    assert all(abs(at - 15) <= place // 2 + 6 for place, at in enumerate(asked))
    assert gallery.most_at_once <= 6


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        (["ArrowDown"], 17),
        (["ArrowUp", "ArrowUp"], 14),
        (["PageDown"], 26),
        (["PageUp"], 6),
        (["End"], 30),
        (["Home"], 1),
        (["End", "ArrowDown"], 30),
    ],
)
def test_keys_move_through_the_pictures(visit, gallery, keys, number):
    me = visit(gallery)
    me.sees("full")
    me.press(*keys)
    me.at(number)
    me.says(f"{number} of 30")


def test_wheel_slider_and_arrows_move_through_the_pictures(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    before = me.shot()
    me.picture.hover()
    for _ in range(3):
        me.page.mouse.wheel(0, 100)
    me.at(19)
    me.page.get_by_role("slider", name="Picture").fill("2")
    me.at(2)
    assert me.shot() != before
    me.page.get_by_role("button", name="Later picture").click()
    me.at(3)
    me.page.get_by_role("button", name="Earlier picture").click()
    me.at(2)


def test_v05_a_finger_scrolls_two_zoom_and_two_taps_start_over(visit, gallery):
    me = visit(gallery, size=PHONE, **TOUCH)
    me.sees("full")
    touch = fingers_of(me)
    touch("touchStart", (195, 400))
    for y in range(400, 340, -10):
        touch("touchMove", (195, y))
    touch("touchEnd")
    me.at(19)
    wide_before = _body_width(me)
    touch("touchStart", (180, 330), (210, 330))
    for step in range(1, 7):
        touch("touchMove", (180 - 5 * step, 330), (210 + 5 * step, 330))
    touch("touchEnd")
    me.page.wait_for_timeout(300)
    assert _greys_at_edge(me) > wide_before
    for _ in range(2):
        touch("touchStart", (195, 330))
        touch("touchEnd")
    me.page.wait_for_timeout(300)
    assert _greys_at_edge(me) == pytest.approx(wide_before, abs=3)


def fingers_of(me):
    """What a hand does on a phone: a kind of touch, and where its fingers are."""
    wire = me.context.new_cdp_session(me.page)

    def touch(kind, *points):
        at = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    return touch


def test_a_doctors_finger_that_rests_measures_where_it_goes_and_points_where_it_stays(visit, doctors_gallery):
    me = visit(doctors_gallery, size=PHONE, **TOUCH)
    me.sees("full")
    touch = fingers_of(me)
    touch("touchStart", (120, 300))
    me.says("Drag to measure a length.")
    for x in range(130, 230, 10):
        touch("touchMove", (x, 300))
    touch("touchEnd")
    said = me.page.locator("#said")
    expect(said).to_contain_text("Measured:")
    me.page.wait_for_timeout(200)
    side = min(me.picture.bounding_box()["width"], me.picture.bounding_box()["height"])
    assert float(said.inner_text().split()[1]) == pytest.approx(100 * 320 / side, rel=0.02)
    me.at(16)  # nothing was turned meanwhile
    touch("touchStart", (150, 350))
    me.says("Drag to measure a length.")
    touch("touchEnd")
    me.page.get_by_label("What do you want to point at?").fill("Here")
    me.page.get_by_role("button", name="Done").click()
    expect(me.page.locator("#sharp svg text").filter(has_text="Here").first).to_be_visible()
    assert me.complaints == []


def test_a_patients_finger_that_rests_does_nothing(visit, gallery):
    me = visit(gallery, size=PHONE, **TOUCH)
    me.sees("full")
    touch = fingers_of(me)
    touch("touchStart", (120, 300))
    me.page.wait_for_timeout(700)
    touch("touchMove", (180, 300))
    touch("touchEnd")
    expect(me.page.locator("#said")).to_have_text("")
    expect(me.page.locator("#sharp svg text")).to_have_count(0)


def _body_width(me):
    return _greys_at_edge(me)


def _greys_at_edge(me):
    """How bright the left eighth of the picture is: black air, until the body is zoomed into it."""
    shot = me.shot().convert("L")
    strip = shot.crop((0, shot.height // 3, shot.width // 8, 2 * shot.height // 3))
    histogram = strip.histogram()
    return sum(value * count for value, count in enumerate(histogram)) / sum(histogram)


def test_looks_and_the_slider_change_the_light(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    plain = me.mean()
    me.tool("Light").click()
    me.page.get_by_role("button", name="Lungs").click()
    me.page.wait_for_timeout(200)
    lungs = me.mean()
    assert lungs > plain + 20
    me.page.get_by_role("button", name="Bones").click()
    me.page.wait_for_timeout(200)
    assert me.mean() < plain
    me.page.get_by_role("slider", name="Darker or lighter").fill("60")
    me.page.wait_for_timeout(200)
    lighter = me.mean()
    me.page.get_by_role("slider", name="Darker or lighter").fill("-60")
    me.page.wait_for_timeout(200)
    assert me.mean() < lighter
    me.tool("Start over").click()
    me.page.wait_for_timeout(200)
    assert me.mean() == pytest.approx(plain, abs=1)


def test_a_doctor_picks_windows_by_number_and_by_arrow_keys(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    me.press("Alt+2")
    expect(me.corner("bottom-right")).to_contain_text("W 1500 L -600")
    me.press("Alt+4")
    expect(me.corner("bottom-right")).to_contain_text("W 80 L 40")
    me.press("w", "ArrowRight", "w")
    expect(me.corner("bottom-right")).not_to_contain_text("W 80 ")
    me.press("ArrowDown")
    me.at(17)


def test_playing_starts_only_when_asked_and_stops(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    me.page.wait_for_timeout(1000)
    me.at(16)
    me.tool("Play").click()
    me.page.wait_for_selector('#picture:not([data-number="16"])')
    me.tool("Pause").click()
    number = me.picture.get_attribute("data-number")
    me.page.wait_for_timeout(500)
    assert me.picture.get_attribute("data-number") == number


def test_zooming_moving_and_going_back(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    plain = me.shot()
    me.press("+", "+", "+")
    expect(me.corner("bottom-right")).to_contain_text("Zoom 195%")
    zoomed = me.shot()
    me.press("Shift+ArrowRight", "Shift+ArrowRight")
    me.page.wait_for_timeout(200)
    assert me.shot() != zoomed
    me.press("0")
    expect(me.corner("bottom-right")).to_contain_text("Zoom 100%")
    assert me.shot() == plain
    me.press("1")
    expect(me.corner("bottom-right")).to_contain_text(f"Zoom {round(128 / plain.height * 100)}%")


def test_measuring_tells_the_true_length(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    me.press("l")
    me.says("Length: press and drag, or click twice.")
    box = me.picture.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    me.page.mouse.move(x - 100, y)
    me.page.mouse.down()
    for step in range(1, 9):
        me.page.mouse.move(x - 100 + 25 * step, y)
    me.page.mouse.up()
    said = me.page.locator("#said")
    expect(said).to_contain_text("Measured:")
    me.page.wait_for_timeout(300)
    told = float(said.inner_text().split()[1])
    assert told == pytest.approx(200 * 320 / box["height"], rel=0.01)  # 320 mm fill the height
    expect(me.page.locator("#sharp svg text").first).to_contain_text("mm")
    me.press("Escape", "Delete")
    expect(said).to_have_text("Measurement deleted.")
    expect(me.page.locator("#sharp svg text")).to_have_count(0)
    assert me.complaints == []


def test_measuring_needs_no_pointer(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    me.press("a", "Enter", "ArrowDown", "ArrowDown", "Tab", "ArrowLeft")
    expect(me.page.locator("#said")).to_contain_text("°")
    me.press("Enter", "Escape", "ArrowDown")
    me.at(17)


def test_v04_letters_follow_the_patient_when_the_picture_is_turned(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")

    def sides():
        me.page.wait_for_timeout(150)
        return "".join(me.page.locator(f".v-side.v-{edge}").inner_text() for edge in ("top", "right", "bottom", "left"))

    def bar():
        """Where the white bar of the patient's left side is on the screen."""
        shot = me.shot().convert("L").point(lambda value: 255 if value > 250 else 0)
        left, top, right, bottom = shot.getbbox()
        return (left + right) / 2 / shot.width - 0.5, (top + bottom) / 2 / shot.height - 0.5

    assert sides() == "ALPR"
    assert bar()[0] > 0.1
    me.press("h")
    assert sides() == "ARPL"
    assert bar()[0] < -0.1
    me.press("h", "r")
    assert sides() == "RALP"
    assert bar()[1] > 0.1
    me.press("v")
    assert sides() == "LARP"
    assert bar()[1] < -0.1
    me.press("Shift+R")
    assert sides() == "ALPR"


def test_a_doctor_inverts(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    before = me.shot().convert("L").getpixel((me.shot().width // 2, 5))
    me.tool("Invert").click()
    me.page.wait_for_timeout(200)
    after = me.shot().convert("L").getpixel((me.shot().width // 2, 5))
    assert before < 10
    assert after > 245


def test_a_patient_has_no_measuring_and_no_turning(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    before = me.shot()
    me.press("l", "i", "r", "h", "d", "o", "1")
    me.page.wait_for_timeout(300)
    assert me.shot() == before
    for name in ("Length", "Invert", "Rotate", "Tags"):
        expect(me.tool(name)).to_have_count(0)


def test_changing_the_group_breaks_off_what_was_under_way(visit, gallery):
    overview = an_overview_beside(gallery)
    gallery.slow = 0.3
    me = visit(gallery)
    me.sees("full")
    me.page.get_by_role("link", name="Overview").click()
    me.says("4 of 7")
    me.sees("full")
    me.page.wait_for_timeout(2500)
    asked = "".join("o" if overview in path else "." for path in gallery.frames_asked())
    assert asked.count("o") == 7
    # The six that were under way may be told of late; nothing else of the first group comes between.
    assert len(asked.strip(".")) <= 7 + 6
    expect(me.page.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "true")
    me.press("[")
    me.says("16 of 30")


def until_all_came(me, count):
    while len(me.gallery.frames_asked()) < count:
        me.page.wait_for_timeout(100)


def test_other_groups_come_at_the_very_end(visit, gallery):
    overview = an_overview_beside(gallery)
    gallery.slow = 0.02
    me = visit(gallery)
    until_all_came(me, 37)
    asked = [overview in path for path in gallery.frames_asked()]
    assert asked == [False] * 30 + [True] * 7
    assert gallery.most_at_once <= 6
    me.press("]")
    me.at(4)
    assert len(gallery.frames_asked()) == 37  # it was there already
    assert me.complaints == []


def test_a_group_that_is_on_its_way_already_can_be_opened(visit, gallery):
    overview = an_overview_beside(gallery)
    gallery.slow = 0.02
    gallery.held = lambda path: overview in path and "/frames/" in path
    me = visit(gallery)
    until_all_came(me, 36)
    me.press("]")
    me.says("4 of 7")
    me.page.wait_for_timeout(500)
    gallery.lets_go()
    me.at(4)
    expect(me.page.locator("#offline")).to_be_hidden()


@pytest.mark.parametrize(
    ("size", "connection"),
    [(PHONE, "{effectiveType: '4g'}"), (DESK, "{saveData: true}"), (DESK, "{effectiveType: '3g'}")],
)
def test_nobody_pays_for_pictures_they_did_not_ask_for(visit, gallery, size, connection):
    overview = an_overview_beside(gallery)
    me = visit(gallery, size=size, path="/report")
    me.page.add_init_script(f"Object.defineProperty(navigator, 'connection', {{value: {connection}}})")
    me.page.goto(gallery.address + "/scans/1/pictures")
    me.sees("full")
    until_all_came(me, 30)
    me.page.wait_for_timeout(700)
    assert not [path for path in gallery.frames_asked() if overview in path]


def test_what_comes_beforehand_fills_half_of_the_memory_at_most(visit, gallery):
    overview = an_overview_beside(gallery)
    me = visit(gallery, path="/report")
    # A quarter of it, 2 MB, is for pictures; those of the first group take half of that.
    me.page.add_init_script("Object.defineProperty(navigator, 'deviceMemory', {value: 0.008})")
    me.page.goto(gallery.address + "/scans/1/pictures")
    me.sees("full")
    me.page.wait_for_timeout(1500)
    assert len([path for path in gallery.frames_asked() if overview in path]) < 7


def an_overview_beside(gallery):
    """A second group of seven pictures in the same scan; answers its UID."""
    others = a_ct(7, description="Overview", number=1)
    for one in others:
        one.StudyInstanceUID = next(iter(gallery.series.values()))[0].StudyInstanceUID
    return gallery.hang(*others)


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        (["ArrowDown", "ArrowDown"], 6),
        (["End", "ArrowUp"], 6),
        (["Home"], 1),
        (["PageDown", "ArrowUp"], 6),
    ],
)
def test_what_is_pressed_while_a_group_opens_is_not_lost(visit, gallery, keys, number):
    overview = an_overview_beside(gallery)
    me = visit(gallery)
    me.sees("full")
    gallery.held = lambda path: path.endswith(f"{overview}/metadata")
    me.press("]", *keys)
    me.says(f"{number} of 7")
    expect(me.picture).to_have_attribute("data-shown", "loading")
    gallery.lets_go()
    me.at(number)
    me.says(f"{number} of 7")


def test_a_picture_of_one_group_never_stands_under_the_name_of_another(visit, gallery):
    overview = an_overview_beside(gallery)
    me = visit(gallery)
    me.sees("full")
    gallery.held = lambda path: overview in path
    me.press("]")
    me.says("4 of 7")
    me.says("Loading …")
    assert me.greys()[1] < 100  # neither the old picture nor an old quick view
    gallery.held = lambda path: path.endswith("/metadata")
    me.sees("quick")
    assert me.greys()[1] > 240
    gallery.lets_go()
    me.at(4)


def test_earlier_scans_stand_in_the_same_list(visit, doctors_gallery):
    doctors_gallery.hang(*a_ct(5, description="Old chest"), study_title="CT of the chest, earlier")
    me = visit(doctors_gallery)
    me.sees("full")
    me.page.get_by_role("link", name="Old chest").click()
    me.says("3 of 5")
    me.sees("full")
    expect(me.corner("top-right")).to_contain_text("CT of the chest, earlier")


def test_the_report_opens_beside_and_runs_nothing(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    me.press("q")
    me.says("No broken bone is seen.")
    assert me.page.title().startswith("Shared pictures")
    assert me.page.locator("h1").count() == 1
    me.page.locator("#report").get_by_role("button", name="Close").click()
    expect(me.page.locator("#report")).to_be_hidden()


def test_tags_can_be_searched(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    me.press("d")
    me.page.get_by_label("Search tags").fill("birth")
    expect(me.page.locator(".v-dialog tbody tr")).to_have_text(["(0010,0030)Patient Birth DateDA19580327"])


def test_a20_letter_keys_can_be_switched_off_and_act_only_on_the_picture(visit, doctors_gallery):
    me = visit(doctors_gallery)
    me.sees("full")
    before = me.shot()
    me.tool("Keys").click()
    me.page.keyboard.press("i")
    me.page.get_by_label("Single-letter keys are on").uncheck()
    me.page.get_by_role("button", name="Close").click()
    me.press("i")
    me.page.wait_for_timeout(200)
    assert me.shot() == before
    me.press("ArrowDown")
    me.at(17)


def test_the_toolbar_is_one_stop_and_arrows_lead_through_it(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    me.tool("Play").focus()
    me.page.keyboard.press("ArrowRight")
    expect(me.tool("Speed")).to_be_focused()
    me.page.keyboard.press("End")
    expect(me.tool("Keys")).to_be_focused()
    assert me.page.locator('.v-toolbar button[tabindex="0"]').count() == 1


def test_hints_are_shown_once_and_can_be_skipped(visit, gallery):
    gallery.hints = "show"
    me = visit(gallery)
    me.says("Grey is normal. Colors do not mean good or bad.")
    me.page.get_by_role("button", name="Got it").click()
    me.page.reload()
    me.sees("full")
    expect(me.page.get_by_text("Grey is normal.")).to_have_count(0)


def test_a_saved_picture_has_a_name_that_tells_nothing(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    with me.page.expect_download() as download:
        me.tool("Save picture").click()
    assert download.value.suggested_filename == "picture-16.jpg"


@pytest.mark.parametrize(
    ("form", "name", "begins"),
    [
        ("Picture (JPEG)", "picture-16.jpg", b"\xff\xd8"),
        ("Picture (PNG)", "picture-16.png", b"\x89PNG"),
        ("DICOM file", "picture-16.dcm", b"\0" * 128 + b"DICM"),
    ],
)
def test_a_doctor_saves_the_picture_in_the_form_they_need(visit, doctors_gallery, form, name, begins):
    me = visit(doctors_gallery)
    me.sees("full")
    me.tool("Save picture").click()
    with me.page.expect_download() as download:
        me.page.get_by_role("button", name=form).click()
    assert download.value.suggested_filename == name
    assert download.value.path().read_bytes().startswith(begins)
    me.says("The picture is saved.")


def test_who_may_not_save_has_no_button_for_it(visit, gallery):
    gallery.may_save = "no"
    me = visit(gallery)
    me.sees("full")
    expect(me.tool("Save picture")).to_have_count(0)
    before = len(gallery.asked)
    me.press("s")
    me.page.wait_for_timeout(300)
    assert [path for path in gallery.asked[before:] if path.endswith("/rendered")] == []


def test_nothing_is_kept_in_the_browser(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    kept = me.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length, "
        "(await indexedDB.databases()).length, document.cookie]"
    )
    assert kept == [0, 0, 0, 0, ""]
