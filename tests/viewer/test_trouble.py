"""What people see when a picture, the line or the sharing gives out."""

import pytest
from playwright.sync_api import expect
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.viewer.conftest import PHONE
from tests.viewer.gallery import Gallery
from tests.viewer.samples import a_ct, from_the_wheel, without_a_picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SENTENCE = "This kind of picture cannot be shown here: {}. You can save it for your doctor."


def a_gallery_of(*datasets: Dataset, toolbar: str = "clinician") -> Gallery:
    gallery = Gallery(toolbar=toolbar)
    gallery.hang(*datasets, study_title="Sample")
    return gallery


@pytest.mark.parametrize(
    ("name", "quality"),
    [
        ("MR_small_RLE.dcm", "full"),
        ("MR_small_bigendian.dcm", "full"),
        ("MR_small_jpeg_ls_lossless.dcm", "full"),
        ("693_J2KI.dcm", "lossy"),
        ("JPGExtended.dcm", "lossy"),
        ("examples_palette.dcm", "full"),
        ("examples_ybr_color.dcm", "lossy"),
        ("JPEG2000.dcm", "lossy"),
        ("rtdose_1frame.dcm", "simple"),  # 32 bits
        ("SC_rgb_rle_32bit.dcm", "simple"),
        ("SC_rgb_rle_16bit.dcm", "simple"),
        ("SC_rgb_jls_lossy_line.dcm", "simple"),
        ("SC_rgb_jpeg.dcm", "simple"),  # RGB that JPEG never turned into YCbCr
        ("J2K_pixelrep_mismatch.dcm", "simple"),  # signs that contradict the file
        ("liver_1frame.dcm", "simple"),  # outlines of one bit
    ],
)
def test_every_syntax_shows_a_picture_sharp_or_simple(visit, name, quality):
    me = visit(a_gallery_of(from_the_wheel(name)))
    me.sees(quality)
    least, most = me.greys()
    assert most - least > 100


def test_v04_a_picture_smaller_than_its_original_says_so(visit):
    me = visit(a_gallery_of(from_the_wheel("693_J2KI.dcm"), toolbar="patient"))
    me.sees("lossy")
    me.says("Made smaller by the scan center (lossy)")


def test_a_spacing_of_nothing_does_not_make_the_picture_vanish(visit):
    slices = a_ct(1)
    slices[0].PixelSpacing = [0, 0]
    me = visit(a_gallery_of(*slices))
    me.sees("full")
    assert me.greys()[1] > 240


def test_v04_dark_on_light_pictures_are_turned_the_right_way(visit):
    slices = a_ct(1)
    slices[0].PhotometricInterpretation = "MONOCHROME1"
    me = visit(a_gallery_of(*slices))
    me.sees("full")
    shot = me.shot().convert("L")
    assert shot.getpixel((shot.width // 2, 4)) > 240  # air is the lowest value, which here is white


def test_a_simple_view_can_be_zoomed_lit_and_turned(visit):
    me = visit(a_gallery_of(from_the_wheel("rtdose_1frame.dcm")))
    me.sees("simple")
    me.says("Simple view. A saved copy has the full quality.")
    plain = me.shot()
    for key in ("+", "r", "h", "i", "Alt+3"):
        before = me.shot()
        me.press(key)
        me.page.wait_for_timeout(150)
        assert me.shot() != before, key
    me.press("l")
    me.says("This picture is a simple view and cannot be measured.")
    me.press("Shift+R")
    me.page.wait_for_timeout(150)
    assert me.shot() == plain


def test_what_is_no_picture_is_named(visit):
    me = visit(a_gallery_of(without_a_picture(), toolbar="patient"))
    me.says(SENTENCE.format("ECG wave"))


def test_a_picture_that_nobody_can_open_is_named(visit):
    me = visit(a_gallery_of(from_the_wheel("MR_truncated.dcm")))
    me.says(SENTENCE.format("MR picture"))


def test_one_broken_picture_leaves_the_others(visit):
    gallery = a_gallery_of(*a_ct(5))
    good = next(iter(gallery.series.values()))
    gallery.missing.add(str(good[3].SOPInstanceUID))
    me = visit(gallery)
    me.sees("full")
    me.press("ArrowDown")
    me.says("Picture 4 is broken. The others are fine.")
    me.press("ArrowDown")
    me.at(5)


def test_w6_a_picture_that_fails_its_check_is_not_shown_and_says_why(visit):
    gallery = a_gallery_of(*a_ct(5))
    good = next(iter(gallery.series.values()))
    gallery.altered.add(str(good[3].SOPInstanceUID))
    me = visit(gallery)
    me.sees("full")
    me.press("ArrowDown")
    me.says("We checked this picture and it does not match what the scan center sent. We will not show it.")
    expect(me.picture).to_have_attribute("data-shown", "none")
    expect(me.page.locator("#quick:visible, #sharp:not(.v-unseen)")).to_have_count(0)
    me.press("s")
    expect(me.page.locator("#said")).to_contain_text("We checked this picture")
    me.press("ArrowDown")
    me.at(5)


def test_a_series_without_pictures_says_so(visit):
    gallery = a_gallery_of(*a_ct(1))
    uid = next(iter(gallery.series))
    gallery.empty.add(uid)
    me = visit(gallery)
    me.says("This group has no pictures. It may be a report only.")


@pytest.mark.parametrize("status", [401, 410])
@pytest.mark.parametrize(
    ("toolbar", "sentence"),
    [
        ("clinician", "Sharing has ended. Ask the patient to share again."),
        ("patient", "The key for this scan is locked. Sign in again."),
    ],
)
def test_j08_the_end_is_told_within_five_seconds_to_who_does_nothing(visit, status, toolbar, sentence):
    gallery = a_gallery_of(*a_ct(5), toolbar=toolbar)
    me = visit(gallery)
    me.sees("full")
    gallery.ended = status
    me.page.get_by_text(sentence).wait_for(timeout=5000)
    assert me.page.locator("canvas, img, #viewer").count() == 0
    assert "PEREZ" not in me.page.content().upper()
    assert me.page.title() == "Session ended"
    expect(me.page.locator("h1")).to_be_focused()


def test_the_end_is_told_at_once_to_who_asks_for_a_picture(visit):
    gallery = a_gallery_of(*a_ct(40, side=64))
    middle = str(next(iter(gallery.series.values()))[20].SOPInstanceUID)
    gallery.held = lambda path: "/frames/" in path and middle not in path
    me = visit(gallery)
    me.sees("full")
    gallery.ended = 403
    gallery.lets_go()
    me.page.get_by_text("Sharing has ended. Ask the patient to share again.").wait_for(timeout=3000)


def test_j03_pictures_go_on_when_the_line_comes_back(visit):
    gallery = a_gallery_of(*a_ct(30), toolbar="patient")
    gallery.slow = 0.3
    me = visit(gallery)
    me.sees("full")
    me.context.set_offline(True)
    me.press("End")
    me.says("You are not online. We will try again.")
    me.page.wait_for_timeout(1500)
    me.context.set_offline(False)
    me.at(30)
    expect(me.page.locator("#offline")).to_be_hidden()


def test_a_server_in_trouble_is_asked_again(visit):
    gallery = a_gallery_of(*a_ct(8))
    gallery.down = True
    me = visit(gallery)
    me.page.wait_for_timeout(1000)
    gallery.down = False
    me.sees("full")


def test_without_webgl_the_server_draws(visit):
    gallery = a_gallery_of(*a_ct(8), toolbar="patient")
    me = visit(gallery, path="/report")
    me.page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return kind.startsWith('webgl') ? null : get.call(this, kind, ...more); }"
    )
    me.page.goto(gallery.address + "/scans/1/pictures")
    me.sees("simple")
    me.says("Your browser is too old for the sharp pictures.")
    me.press("ArrowDown")
    me.page.wait_for_selector('#picture[data-number="6"][data-shown=simple]')
    assert me.greys()[1] > 200


def test_old_files_without_a_modality_are_shown(visit):
    slices = a_ct(1)
    del slices[0].Modality
    slices[0].SeriesInstanceUID = generate_uid()
    me = visit(a_gallery_of(*slices), size=PHONE)
    me.sees("full")
