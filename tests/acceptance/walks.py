"""Pages that come only after an answer, reached as people reach them, each with a name.

Every walk is taken by somebody new where it leaves something behind, so that it can be taken again at another width.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import sqlalchemy as sa
from playwright.sync_api import Page, Route

from tests.acceptance.household import PASSWORD, Household, settled
from tests.factories import Person, an_instance
from tests.phr.conftest import ANA, SECTIONS, Doctor
from tests.phr.test_pages_scans import record_number_on
from vault.facts import Section
from vault.sites import change_details, find_site
from vault.tables_sharing import CounterRow

Window = Callable[[str], Page]
Walk = Iterator[tuple[str, Page]]
NUMBERS = itertools.count(1)
ASKS = (*SECTIONS[:2], Section("Impression", "No tear. Recommend repeat MRI in 6 months."))
SHARP = "#picture[data-shown=full], #picture[data-shown=lossy]"


def all_walks(window: Window, house: Household) -> Walk:
    """Each page of each walk; `window` opens one for somebody by name, as the fixture of that name does."""
    with house.services.work() as work:
        work.session.execute(sa.delete(CounterRow))  # all sit at one address, which may not sign up so often in an hour
    for walk in (the_first_visit, a_share, a_link, a_disc, a_doctor_who_joins, a_doctor_at_the_door, a_printed_history):
        yield from walk(window, house)


def the_first_visit(window: Window, house: Household) -> Walk:
    """P3 to P9, R1, R4, the recovery kit with its code, and R2 while the law keeps the report back."""
    number = next(NUMBERS)
    person = Person(name=f"Walker^Wim{number}", mrn=f"MRN-{2000 + number}", born="19580327", sex="M")
    study = house.center.pushes_a_knee(pictures=2, study=f"walk-{number}", person=person)
    house.center.reports(study, person=person, sections=ASKS)
    page = settled(window("nobody"), f"{house.base}/add#{house.center.slip_for(person).reveal().replace('-', '')}")
    presses(page, "Continue")
    yield "add birth", page
    fills(page, born_day="27", born_month="3", born_year="1958")
    presses(page, "Continue")
    fills(page, mail=f"wim{number}@example.org")
    presses(page, "Send me a code")
    yield "join code", page
    fills(page, code=re.search(r"\b(\d{6})\b", house.app.extensions["mailer"].letters()[0].text)[1])
    presses(page, "Continue")
    yield "join password", page
    fills(page, password=PASSWORD)
    presses(page, "Use a password")
    yield "scan just added", page
    report = page.get_by_role("link", name="Read the report").get_attribute("href")
    yield "report ask", settled(page, house.base + report)
    presses(page, "Read it now")
    yield "report with a follow-up", page
    settled(page, f"{house.base}/account/recovery-kit")
    presses(page, "Get my recovery kit")
    yield "account kit with its code", page
    _keeps_reports_back(house, 30)
    yield "report held", settled(page, house.base + report)
    _keeps_reports_back(house, 0)


def _keeps_reports_back(house: Household, days: int) -> None:
    with house.services.work() as work:
        details = find_site(work, house.center.site.id).details
        change_details(work, house.center.site.id, replace(details, reports_held_days=days))


def a_share(window: Window, house: Household) -> Walk:
    """S5, S6 and S8; at the end nothing is shared that was not before."""
    page = settled(window("ana"), f"{house.base}/share/how?scan={house.scan.rpartition('/')[2]}")
    presses(page, "Continue")
    yield "share check", page
    presses(page, "Share now")
    yield "share code", page
    Doctor(house.app, "198.51.100.9").opens(
        re.sub(r"[^0-9A-Z]", "", page.locator(".kr-code .nhsuk-u-visually-hidden").first.inner_text())
    )
    yield "share opened", settled(page, f"{house.base}/share/code")
    _stops_the_newest(page, house)


def a_link(window: Window, house: Household) -> Walk:
    """S9 with a number."""
    page = settled(window("ana"), f"{house.base}/share/how?scan={house.scan.rpartition('/')[2]}")
    page.locator("input[value=link]").check()
    presses(page, "Continue")
    presses(page, "Continue")
    presses(page, "Share now")
    yield "share link ready", page
    _stops_the_newest(page, house)


def _stops_the_newest(page: Page, house: Household) -> None:
    settled(page, f"{house.base}/shares")
    page.get_by_role("link", name="Stop sharing").first.click()
    page.wait_for_url("**/stop")
    presses(page, "Stop sharing")


def _let_go(page: Page, held: list[Route]) -> None:
    """What is held goes on; that it was asked for may be told before it is held."""
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()


def a_disc(window: Window, house: Household) -> Walk:
    """U2 to U5; what the page waits for is held until it was looked at."""
    study = f"disc-{next(NUMBERS)}"
    pictures = [an_instance(number=n, study=study, person=ANA, rows=32, columns=32) for n in (1, 2)]
    page = settled(window("ana"), f"{house.base}/upload")
    held: list[Route] = []
    for address in ("**/upload/found", "**/upload/pictures"):
        page.route(address, lambda route: held.append(route))  # noqa: PLW0108  (Playwright marks its handlers)
    files = [{"name": f"{n}.dcm", "mimeType": "", "buffer": octets} for n, octets in enumerate(pictures)]
    with page.expect_request("**/upload/found"):
        page.set_input_files("#files", files)
    yield "upload looking", page
    _let_go(page, held)
    page.wait_for_selector("#mine")
    yield "upload found", page
    with page.expect_request("**/upload/pictures"):
        page.get_by_role("button", name="Add the ticked scans").click()
    yield "upload adding", page
    _let_go(page, held)
    page.wait_for_url("**/upload/added")
    page.wait_for_selector("body[data-ready]")
    yield "upload added", page


def a_doctor_who_joins(window: Window, house: Household) -> Walk:
    """The code app, and the viewer in an account."""
    page = settled(window("nobody"), f"{house.base}/pro/join")
    fills(page, name="Dr. W. Walk", clinic="Hill Clinic", login=f"dr.walk{next(NUMBERS)}", password=PASSWORD)
    page.locator("main form [type=submit]").last.click()
    page.wait_for_url("**/pro/code-app")
    page.wait_for_selector("body[data-ready]")
    yield "pro code-app", page
    page = window("provider")
    page.goto(f"{house.base}{house.patients[0]}/view")
    page.wait_for_selector(SHARP, timeout=60_000)
    yield "pro viewer", page


def a_doctor_at_the_door(window: Window, house: Household) -> Walk:
    """V2."""
    page = settled(window("nobody"), f"{house.base}/see")
    fills(page, code=house.waiting_code)
    presses(page, "Continue")
    yield "see who", page


def a_printed_history(window: Window, house: Household) -> Walk:
    """The record number of a paper, checked."""
    number = record_number_on(house.people["ana"].get("/history.pdf").data)
    page = settled(window("ana"), f"{house.base}/history/verify")
    fills(page, number=number)
    presses(page, "Check")
    yield "history verified", page


def fills(page: Page, **boxes: str) -> None:
    """What is typed, by the box's id."""
    for box, text in boxes.items():
        page.fill(f"#{box.replace('_', '-')}", text)


def presses(page: Page, name: str) -> None:
    """A button, and the page that comes is there."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).first.click()
    page.wait_for_selector("body[data-ready]")
