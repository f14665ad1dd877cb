"""From the paper slip to the scan in one's own account."""

from tests.phr.conftest import BORN


def test_the_front_page_has_two_doors(browser):
    page = browser.get("/").text
    assert 'href="/add"' in page
    assert 'href="/see"' in page


def test_a_slip_becomes_a_scan_in_a_new_account(ana, scan_center):
    uid = scan_center.pushes_a_knee()
    assert uid
    pin = scan_center.slip_for()
    ana.post("/add", pin=pin.reveal())
    ana.post("/add/birth", **BORN)
    assert ana.path == "/join"
    shown = ana.joins()
    assert ana.path.startswith("/scans/")
    assert "Your scan is now in your account. The slip no longer works." in shown.text
    assert "MRI of the right knee" in shown.text
    assert "3 March 2026" in shown.text
