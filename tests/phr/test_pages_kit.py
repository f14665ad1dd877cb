"""Being reminded of the recovery kit: when there is something to lose, and never in the way."""

import re

from tests.phr.conftest import PASSWORD, Patient

NUDGE = "Do not get locked out"


def test_the_kit_is_spoken_of_once_pictures_were_seen_and_may_be_put_off(ana_with_a_scan):
    ana = ana_with_a_scan
    here = ana.scan()
    assert NUDGE not in ana.get(here).text
    ana.get(f"{here}/pictures")
    assert NUDGE in ana.get(here).text
    ana.post("/account/recovery-kit/later", page=here, scan=here.rpartition("/")[2])
    assert ana.path == here
    assert NUDGE not in ana.get(here).text
    assert NUDGE in ana.get("/home").text
    ana.post("/sign-out", page="/account")
    ana.signs_in()
    assert NUDGE in ana.get(here).text


def test_signing_out_leads_past_it_until_a_kit_was_checked(ana_with_a_scan, app):
    ana = ana_with_a_scan
    assert 'action="/sign-out"' in main_of(ana, "/account")
    ana.get(f"{ana.scan()}/pictures")
    assert 'href="/sign-out"' in main_of(ana, "/account")
    page = main_of(ana, "/sign-out")
    assert NUDGE in page
    assert 'href="/account/recovery-kit"' in page
    shared = Patient(app, "192.0.2.1")
    shared.post("/sign-in", login="ana.perez", password=PASSWORD, shared="yes")
    assert 'action="/sign-out"' in main_of(shared, "/account"), "one press is all that stands before leaving"
    shown = ana.post("/account/recovery-kit").text
    code = re.sub(r"[^0-9A-Z]", "", re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', shown)[1])
    ana.post("/account/recovery-kit/check", page="/account/recovery-kit", group=code[8:12])
    assert 'action="/sign-out"' in main_of(ana, "/account")
    assert NUDGE not in main_of(ana, "/sign-out")
    ana.post("/sign-out", page="/sign-out")
    assert ana.path == "/"


def main_of(person: Patient, path: str) -> str:
    """What stands on the page itself, without the time-out's form."""
    return person.get(path).text.partition('id="main"')[2].partition("</main>")[0]


def test_the_kit_is_printed_from_a_page_of_the_browser_and_saved_as_a_file(ana):
    ana.joins()
    assert 'formtarget="_blank"' in ana.post("/account/recovery-kit").text
    printed = ana.post("/account/recovery-kit.pdf", page="/account/recovery-kit", print="yes")
    saved = ana.post("/account/recovery-kit.pdf", page="/account/recovery-kit")
    assert printed.headers["Content-Disposition"].startswith("inline")
    assert saved.headers["Content-Disposition"].startswith("attachment")
