"""npm `@ohif/app`: its ready build served from another origin, with a bearer token by configuration."""

import io
from collections import Counter

from PIL import Image
from playwright.sync_api import Page, Response

from interop.scene import HERE, Failed, Scene, another_origin, browsing, check

BUILD = HERE.parent / "build" / "ohif" / "dist"
CONFIG = HERE / "js" / "ohif" / "app-config.js"
WAIT = 120_000  # milliseconds; software rendering on a busy machine
SECONDS = 60
MANY = 40  # different greys; an empty field with its lettering has fewer


def drive(scene: Scene) -> str:
    """The study list names the scans; one opens, and its picture is drawn."""
    if not BUILD.exists():
        raise Failed("OHIF's build is not there: make interop fetches it.")
    added: dict[str, bytes] = {}
    asked: Counter[tuple[str, int]] = Counter()
    with another_origin(BUILD, added) as origin, browsing(width=1400, height=900) as (_, page):
        app = scene.allowed("OHIF", "launch/patient patient/*.rs offline_access", origins=(origin,))
        config = CONFIG.read_text().replace("@BASE@", scene.base_url).replace("@TOKEN@", app.token)
        added["/app-config.js"] = config.encode()
        page.on("response", lambda answer: _note(asked, scene, answer))
        page.goto(origin)
        for study in scene.studies:
            page.get_by_text(study["description"]).first.wait_for(timeout=WAIT)
        page.screenshot(path=scene.seen / "ohif-list.png")
        study = scene.studies[0]
        page.goto(f"{origin}/viewer?StudyInstanceUIDs={study['study_uid']}")
        greys = _greys_of_picture(page)
        page.screenshot(path=scene.seen / "ohif-picture.png")
    refused = {path: status for path, status in asked if status >= 400}
    check(not refused, "is refused nothing", refused)
    check(any("/frames/" in path for path, _ in asked), "fetches frames", asked)
    check(greys >= MANY, "draws a picture, not an empty field", greys)
    done = f"listed {len(scene.studies)} scans, opened “{study['description']}” and drew it"
    return f"{done}; {sum(asked.values())} requests, none refused"


def _note(asked: Counter[tuple[str, int]], scene: Scene, answer: Response) -> None:
    if answer.url.startswith(scene.base_url):
        asked[answer.url.removeprefix(scene.base_url).partition("?")[0], answer.status] += 1


def _greys_of_picture(page: Page) -> int:
    """How many different greys the drawn picture has, once it has many; waits for that."""
    canvas = page.locator("canvas.cornerstone-canvas").first
    canvas.wait_for(timeout=WAIT)
    greys = 0
    for _ in range(SECONDS):
        with Image.open(io.BytesIO(canvas.screenshot())) as shot:
            greys = len(set(shot.convert("L").resize((200, 200)).get_flattened_data()))
        if greys >= MANY:
            break
        page.wait_for_timeout(1000)
    return greys
