"""npm `@ohif/app`: its ready build at another origin, with a token by configuration, or asking the patient."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image
from playwright.sync_api import Page, Response

from interop.scene import HERE, Failed, Json, Scene, allows, another_origin, browsing, check, signs_in

BUILD = HERE.parent / "build" / "ohif" / "dist"
CONFIG = HERE / "js" / "ohif" / "app-config.js"
WAIT = 60_000  # milliseconds; software rendering on a busy machine
SECONDS = 60
MANY = 40  # different greys; an empty field with its lettering has fewer


def with_token(scene: Scene) -> str:
    """The study list names the scans, finds one by its patient, and one opens with its picture."""
    with Window.opened(scene) as window:
        app = scene.allowed("OHIF", "launch/patient patient/*.rs offline_access", origins=(window.origin,))
        window.configure(TOKEN=app.token)
        page = window.page
        page.goto(window.origin)
        window.lists(scene.studies)
        page.screenshot(path=scene.seen / "ohif-list.png")
        page.get_by_role("textbox").first.fill("sam")
        page.wait_for_url("**patientName=sam**", timeout=WAIT)
        window.lists(scene.studies)
        page.get_by_role("textbox").first.fill("nobody")
        page.get_by_text(scene.studies[0]["description"]).wait_for(state="hidden", timeout=WAIT)
        for number, study in enumerate(scene.studies):
            page.goto(f"{window.origin}/viewer?StudyInstanceUIDs={study['study_uid']}")
            window.draws(study)
            page.screenshot(path=scene.seen / f"ohif-picture-{number}.png")
        window.was_refused_nothing()
    done = f"listed {len(scene.studies)} scans, searched by name, opened and drew each"
    return f"{done}; {window.count} requests, none refused"


def by_asking(scene: Scene) -> str:
    """OHIF finds where to ask (OpenID Connect), the patient signs in and allows, and OHIF has its list and picture."""
    with Window.opened(scene) as window:
        window.configure(CLIENT_ID=scene.register("OHIF that asks", f"{window.origin}/callback"))
        window.page.goto(window.origin)
        window.page.wait_for_url(f"{scene.base_url}/**", timeout=WAIT)
        signs_in(window.page, scene)
        allows(window.page)
        window.page.wait_for_url(f"{window.origin}/**", timeout=WAIT)
        window.lists(scene.studies)
        study = scene.studies[1]
        # Clicked, not typed as an address: its session ends with the page.
        window.page.get_by_text(study["description"]).first.dblclick()
        window.draws(study)
        window.page.screenshot(path=scene.seen / "ohif-asked.png")
        window.was_refused_nothing()
    return f"found where to sign in, was allowed by the patient, drew a picture; {window.count} requests, none refused"


@dataclass
class Window:
    """A browser at an OHIF of another origin."""

    scene: Scene
    origin: str
    page: Page
    added: dict[str, bytes]
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    @classmethod
    @contextmanager
    def opened(cls, scene: Scene) -> Iterator["Window"]:
        if not BUILD.exists():
            raise Failed("OHIF's build is not there: make interop fetches it.")
        added: dict[str, bytes] = {}
        with another_origin(BUILD, added) as origin, browsing(width=1400, height=900) as (_, page):
            window = cls(scene, origin, page, added)
            page.on("response", window.note)
            yield window

    def configure(self, **values: str) -> None:
        config = CONFIG.read_text().replace("@BASE@", self.scene.base_url)
        for name in ("TOKEN", "CLIENT_ID"):
            config = config.replace(f"@{name}@", values.get(name, ""))
        self.added["/app-config.js"] = config.encode()

    def note(self, answer: Response) -> None:
        if answer.url.startswith(self.scene.base_url):
            self.asked[answer.url.removeprefix(self.scene.base_url).partition("?")[0], answer.status] += 1

    @property
    def count(self) -> int:
        return sum(self.asked.values())

    def lists(self, studies: list[Json]) -> None:
        for study in studies:
            self.page.get_by_text(study["description"]).first.wait_for(timeout=WAIT)

    def draws(self, study: Json) -> None:
        """The picture of the opened study is on the screen, not an empty field."""
        canvas = self.page.locator("canvas.cornerstone-canvas").first
        canvas.wait_for(timeout=WAIT)
        greys = 0
        for _ in range(SECONDS):
            with Image.open(io.BytesIO(canvas.screenshot())) as shot:
                greys = len(set(shot.convert("L").resize((200, 200)).get_flattened_data()))
            if greys >= MANY:
                return
            self.page.wait_for_timeout(1000)
        raise Failed(f"Of “{study['description']}” there is no picture but a field of {greys} greys.")

    def was_refused_nothing(self) -> None:
        refused = [one for one in self.asked if one[1] >= 400]
        check(not refused, "is refused nothing", refused)
        check(any("/frames/" in path for path, _ in self.asked), "fetches frames", self.asked)
