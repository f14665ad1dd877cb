"""npm `fhirclient`, the SMART JavaScript library, in a page of another origin: a whole launch through our pages."""

import json
from pathlib import Path

from interop.scene import HERE, Scene, allows, another_origin, browsing, check, signs_in

LIBRARY = Path("node_modules/fhirclient/build/fhir-client.min.js")


def drive(scene: Scene) -> str:
    """The patient starts at the app, signs in and allows at Keepray, and is back at the app, which reads."""
    added: dict[str, bytes] = {"/fhir-client.js": (HERE / LIBRARY).read_bytes()}
    with another_origin(HERE / "js" / "smart_app", added) as origin, browsing() as (_, page):
        back = f"{origin}/app.html"
        asked = {
            "clientId": scene.register("Browser app", back),
            "iss": scene.told["fhir_base"],
            "redirectUri": back,
            "scope": "launch/patient openid fhirUser patient/*.rs offline_access",
            "pkceMode": "required",
        }
        added["/asked.json"] = json.dumps(asked).encode()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"{request.url.partition('?')[0]} {request.failure}"))
        page.goto(f"{origin}/launch.html")
        page.wait_for_url(f"{scene.base_url}/**")
        signs_in(page, scene)
        page.get_by_role("button", name="Allow", exact=True).wait_for()
        page.screenshot(path=scene.seen / "fhirclient-asks.png")
        allows(page)
        page.wait_for_url(f"{origin}/app.html*")
        page.wait_for_selector("body[data-done]", timeout=60_000)
        page.screenshot(path=scene.seen / "fhirclient-back.png")
        patient = scene.told["patient"]
        told = json.loads(page.locator("#told").inner_text())
    check("error" not in told and not wrong, "did everything", (told, wrong))
    check(told["patient"] == patient["patient_id"], "reads the patient", told)
    check(told["user"] == f"Patient/{patient['patient_id']}", "knows who is signed in (id_token)", told)
    check(len(told["studies"]) == len(scene.studies), "reads every page", told)
    check(told["refreshed"] and told["after"], "gets a new token and reads with it", told)
    check((told["revoked"], told["refused"]) == (200, 401), "ends its access", told)
    return (
        f"launched from another origin with PKCE, read {told['name']}, {len(told['studies'])} scans page by page, "
        f"{len(told['reports'])} reports, a picture of {told['picture']}; refreshed, revoked, then was refused"
    )
