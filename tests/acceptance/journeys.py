"""`python -m tests.acceptance.journeys [times]`: how long the main journeys take, with a scripted person on a slow line.

A tap takes 300 ms of thought and typing goes at five characters a second; nobody reads. Phones have 5 Mbit/s, 40 ms and
a processor four times slower than this one; the doctor's computer has 20 Mbit/s and 20 ms. What is printed is the median
and the worst of all runs beside the target, with the taps and boxes that were counted.
"""

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.acceptance.household import PASSWORD, Household, as_person, chromium_of, lived_in
from tests.factories import Person, an_instance
from tests.phr.conftest import Patient

TAP_SECONDS, CHARACTER_SECONDS = 0.3, 0.2
SHARP = "#picture[data-shown=quick], #picture[data-shown=full], #picture[data-shown=lossy]"
TWO_SHOWN = """() => [...document.querySelectorAll('.v-picture')].filter(
  (one) => one.checkVisibility() && ['quick', 'full', 'lossy'].includes(one.dataset.shown)).length >= 2"""
PHONE = {"size": (390, 780), "megabits": 5, "latency": 40, "slower": 4}
DESK = {"size": (1366, 768), "megabits": 20, "latency": 20, "slower": 1}


@dataclass
class Somebody:
    """Somebody in front of a screen; counts what they do."""

    page: Page
    base: str
    taps: int = 0
    boxes: int = 0
    begun: float = field(default_factory=time.perf_counter)

    def goes(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.page.wait_for_selector("body[data-ready]")

    def starts(self) -> None:
        """The clock runs from here."""
        self.taps = self.boxes = 0
        self.begun = time.perf_counter()

    def taps_on(self, name: str, role: str = "button") -> None:
        time.sleep(TAP_SECONDS)
        self.taps += 1
        self.page.get_by_role(role, name=name).first.click()
        self.page.wait_for_load_state("domcontentloaded")

    def types(self, *boxes: tuple[str, str]) -> None:
        """One field, however many boxes it has."""
        self.boxes += 1
        for box, text in boxes:
            self.page.focus(box)
            self.page.keyboard.type(text, delay=CHARACTER_SECONDS * 1000)

    def sees(self, what: str = SHARP) -> None:
        self.page.wait_for_selector(what, timeout=60_000)


@dataclass(frozen=True)
class Measured:
    """One run."""

    seconds: float
    taps: int
    boxes: int


def on_screen(chromium: Browser, house: Household, profile: dict, who: str = "nobody") -> Somebody:
    """Somebody with a cold browser on a line and a machine of this profile."""
    width, height = profile["size"]
    context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=profile is PHONE)
    as_person(context, house, who)
    page = context.new_page()
    control = context.new_cdp_session(page)
    speed = profile["megabits"] * 1_000_000 / 8
    control.send("Network.enable")
    control.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": profile["latency"], "downloadThroughput": speed, "uploadThroughput": speed},
    )
    control.send("Emulation.setCPUThrottlingRate", {"rate": profile["slower"]})
    return Somebody(page, house.base)


def born(someone: Somebody) -> None:
    someone.types(("#born-day", "27"), ("#born-month", "3"), ("#born-year", "1958"))


def a_new_slip(house: Household, number: int) -> str:
    person = Person(name=f"New^Nia{number}", mrn=f"MRN-{1000 + number}", born="19580327", sex="F")
    house.center.pushes_a_knee(pictures=6, study=f"knee-{number}", person=person)
    return house.center.slip_for(person).reveal().replace("-", "")


def from_the_slip_to_the_picture(chromium: Browser, house: Household, number: int) -> Somebody:
    pin = a_new_slip(house, number)
    nia = on_screen(chromium, house, PHONE)
    nia.starts()
    nia.goes(f"/add#{pin}")
    nia.taps_on("Continue")
    born(nia)
    nia.taps_on("Continue")
    nia.taps_on("Use an account name instead", "link")
    nia.types(("#name", f"nia.new{number}"))
    nia.taps_on("Continue")
    nia.types(("#password", PASSWORD))
    nia.taps_on("Use a password")
    nia.taps_on("Look at the pictures", "link")
    nia.sees()
    return nia


def a_second_slip(chromium: Browser, house: Household, number: int) -> Somebody:
    pin = a_new_slip(house, number)
    ana = on_screen(chromium, house, PHONE, "nora")
    ana.starts()
    ana.goes(f"/add#{pin}")
    ana.taps_on("Continue")
    born(ana)
    ana.taps_on("Continue")
    ana.sees("text=Your scan is now in your account")
    return ana


def from_home_to_the_code(chromium: Browser, house: Household, number: int) -> Somebody:
    del number
    ana = on_screen(chromium, house, PHONE, "ana")
    ana.goes("/home")
    ana.starts()
    ana.taps_on("MRI of the right knee", "link")
    ana.taps_on("Share", "link")
    while not ana.page.url.endswith("/share/code"):
        ana.taps_on("Share now" if ana.page.url.endswith("/share/check") else "Continue")
    ana.sees(".kr-qr")
    return ana


def a_doctor_at_a_strange_computer(chromium: Browser, house: Household, number: int) -> Somebody:
    del number
    code = house.people["ana"].shares()
    lee = on_screen(chromium, house, DESK)
    lee.starts()
    lee.goes("/see")
    lee.types(("#code", code))
    lee.taps_on("Continue")
    lee.types(("#name", "Dr. J. Lee"))
    lee.types(("#clinic", "Hill Clinic"))
    lee.taps_on("See the scans")
    lee.sees()
    return lee


def a_prior_beside_the_picture(chromium: Browser, house: Household, number: int) -> Somebody:
    """The doctor has the picture on the screen; the clock stops when the older one stands beside it."""
    lee = on_screen(chromium, house, DESK)
    lee.goes("/see")
    lee.types(("#code", _a_code_for_two_knees(house, number)))
    lee.taps_on("Continue")
    lee.types(("#name", "Dr. J. Lee"), ("#clinic", "Hill Clinic"))
    lee.taps_on("See the scans")
    lee.sees("#picture[data-shown=full], #picture[data-shown=lossy]")
    lee.page.locator("#picture").focus()
    lee.starts()
    time.sleep(TAP_SECONDS)
    lee.taps += 1
    lee.page.keyboard.press("p")
    lee.page.wait_for_function(TWO_SHOWN, timeout=60_000)
    return lee


def _a_code_for_two_knees(house: Household, number: int) -> str:
    """The code of somebody with a knee of today and one of two years before."""
    person = Person(name=f"Old^Otto{number}", mrn=f"MRN-{1000 + number}", born="19580327", sex="M")
    house.center.pushes_a_knee(pictures=6, study=f"now-{number}", person=person)
    house.center.pushes(
        *(
            an_instance(number=n, study=f"before-{number}", series="sagittal", person=person, modality="MR", rows=64, columns=64,
                        BodyPartExamined="KNEE", Laterality="R", StudyDate="20240303", StudyDescription="Knee MRI")
            for n in range(1, 7)
        )
    )  # fmt: skip
    otto = Patient(house.app, f"198.18.{number % 250}.7")  # of a network of his own: so many accounts are made in one
    otto.joins(f"otto.old{number}")
    otto.adds(house.center.slip_for(person))
    otto.get("/home")
    otto.post("/share/scans", all="yes")
    otto.post("/share/how", how="code")
    shown = otto.post("/share/check").text
    return re.sub(r"[^0-9A-Z]", "", re.findall(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', shown)[0])


def stopping(chromium: Browser, house: Household, number: int) -> Somebody:
    del number
    house.people["ana"].shares()
    ana = on_screen(chromium, house, PHONE, "ana")
    ana.goes("/shares")
    ana.starts()
    ana.taps_on("Stop sharing with whoever has the code", "link")
    ana.taps_on("Stop sharing")
    ana.sees("text=Sharing has stopped")
    return ana


JOURNEYS: list[tuple[str, float, Callable[[Browser, Household, int], Somebody]]] = [
    ("Slip with a square code, account, scan kept, picture", 90, from_the_slip_to_the_picture),
    ("Signed in: a second slip", 20, a_second_slip),
    ("Home to a code on the screen", 15, from_home_to_the_code),
    ("Doctor at a strange computer: address to picture", 20, a_doctor_at_a_strange_computer),
    ("Doctor: picture to the older one beside it", 5, a_prior_beside_the_picture),
    ("Stop sharing", 5, stopping),
]


def measured(times: int) -> dict[str, list[Measured]]:
    """Every journey, so many times, each in a cold browser."""
    found: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as home, lived_in(Path(home)) as house, sync_playwright() as playwright:
        chromium = chromium_of(playwright)
        for row, (name, _, journey) in enumerate(JOURNEYS):
            for run in range(times):
                someone = journey(chromium, house, row * 100 + run)
                found.setdefault(name, []).append(
                    Measured(time.perf_counter() - someone.begun, someone.taps, someone.boxes)
                )
                someone.page.context.close()
        chromium.close()
    return found


def table(found: dict[str, list[Measured]]) -> str:
    """Target against measured."""
    lines = [f"{'Journey':54} {'target':>7} {'median':>7} {'worst':>7} {'taps':>5} {'boxes':>6}"]
    for name, target, _ in JOURNEYS:
        runs = found[name]
        middle = statistics.median(one.seconds for one in runs)
        kept = "" if middle <= target else "  TOO LONG"
        worst = max(one.seconds for one in runs)
        lines.append(
            f"{name:54} {target:5.0f} s {middle:5.1f} s {worst:5.1f} s {runs[0].taps:5} {runs[0].boxes:6}{kept}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Answers 1 where a median is beyond its target."""
    found = measured(int(arguments[0]) if arguments else 3)
    sys.stdout.write(table(found) + "\n")
    late = [name for name, target, _ in JOURNEYS if statistics.median(one.seconds for one in found[name]) > target]
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
