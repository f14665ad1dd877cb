"""npm `kill-the-clipboard`, a receiver of SMART Health Links, in a page of an origin that nobody registered."""

import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from interop.scene import HERE, Failed, Json, Scene, another_origin, browsing, check

VITE = HERE.parent / "node_modules" / "vite" / "bin" / "vite.js"


def drive(scene: Scene) -> str:
    """It opens a link with a number, and one of a single file; asks in vain with a wrong number, and once stopped."""
    patient = scene.patient
    whole = patient.gives_a_link(label="For the emergency room", number="yes")
    single = patient.gives_a_link(opens="reports", number="no")
    with another_origin(_built(scene)) as origin, browsing() as (_, page):
        page.goto(origin)
        page.wait_for_selector("body[data-ready]")
        wrong = _receives(page, whole.link, "000000" if whole.number != "000000" else "000001")
        check(wrong.get("error") == "SHLInvalidPasscodeError", "is refused a wrong number", wrong)
        told = _receives(page, whole.link, whole.number)
        page.screenshot(path=scene.seen / "health-link.png")
        check("error" not in told, "opens the link", told)
        check(told["label"] == "For the emergency room", "reads the label", told["label"])
        check(told["types"].count("ImagingStudy") == len(scene.studies), "has every scan", told["types"])
        check(told["pdf"] and set(told["pdf"]) == {"%PDF-"}, "has the reports as PDF", told["pdf"])
        check(told["live"] == 1 and told["seen"]["picture"], "looks at a picture with the link's token", told["seen"])
        one = _receives(page, single.link)
        check("DiagnosticReport" in one.get("types", ()), "opens the single file", one)
        patient.stops(whole.id)
        ended = _receives(page, whole.link, whole.number)
        check(ended.get("error") == "SHLManifestNotFoundError", "finds nothing once it was stopped", ended)
    _validate(scene, [*told["bundles"], *one["bundles"]])
    return (
        f"opened a link of {len(told['types'])} resources with its number and drew a picture of "
        f"{told['seen']['picture']} with its token, opened one of a single file; refused: wrong number, stopped link"
    )


def _receives(page: Page, link: str, number: str = "") -> Json:
    return page.evaluate("([link, number]) => receive(link, number || undefined)", [link, number])


def _built(scene: Scene) -> Path:
    """The page with its libraries, as a browser can load it."""
    made = scene.folder / "link_app"
    command: list[Any] = ["node", VITE, "build", HERE / "js" / "link_app", "--outDir", made, "--logLevel", "error"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"The page cannot be built: {done.stderr[-1500:]}")
    return made


def _validate(scene: Scene, bundles: list[Json]) -> None:
    told = scene.node(
        "validate.mjs", resources=[{"where": "link", "resource": one} for one in bundles], broken=bundles[0]
    )
    check(not told["said"], "is given valid FHIR", told["said"])
