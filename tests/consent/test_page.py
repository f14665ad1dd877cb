"""The page on which a patient lets an app in, in a real browser."""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from consent import sessions
from tests.consent.small_app import VERIFIER, SmallSettings, a_person, an_app, cookie_text, small_app
from tests.vault.owners import a_picture, a_site, link, push

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"


class Back(BaseHTTPRequestHandler):
    """The app's own page, on a machine of its own."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Back in the app</title>")

    def log_message(self, *words):
        pass


@pytest.fixture
def serving():
    """Start servers on free ports of this machine; they end with the test."""
    running = []

    def serve(server):
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return server

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_patient_lets_an_app_in_with_the_keyboard_on_a_small_phone(services, serving, tmp_path):
    if shutil.which("chromium") is None:
        pytest.fail("Chromium is needed")
    app_page = serving(HTTPServer(("127.0.0.1", 0), Back))
    our = serving(make_server("127.0.0.1", 0, lambda environ, start: app(environ, start), threaded=True))  # noqa: PLW0108  made below
    base = f"http://127.0.0.1:{our.server_port}"
    app = small_app(services, SmallSettings(base_url=base))
    ana = a_person(app, services, "ana")
    harbor = a_site(services)
    link(services, harbor.site, ana.keyring)
    push(services, harbor, a_picture("1.1", b"knee" * 100))
    push(services, harbor, a_picture("2.1", b"head", study_uid="2.2", series_uid="2.2.1"))
    redirect = f"http://127.0.0.1:{app_page.server_port}/back"
    tracker = an_app(app, services, redirect_uris=(redirect,), maker="Example Health Inc")
    with services.work() as w:
        cookie = cookie_text(sessions.sign_in(w, ana.person, device="Windows computer"))
    asked = base + "/oauth/authorize?" + urlencode(tracker.asking("patient/*.rs offline_access", aud=f"{base}/fhir"))

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 320, "height": 900})
        page.context.add_cookies([{"name": "phr", "value": cookie, "url": base}])
        page.goto(asked)
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.evaluate(AXE.read_text() + ";0")
        found = page.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
        assert [one["id"] for one in found["violations"]] == []
        page.get_by_label("Only those I tick here").focus()
        page.keyboard.press("Space")
        page.get_by_label("Knee MRI, 1 March 2026").first.focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Allow", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(redirect + "**")
        back = parse_qs(urlsplit(page.url).query)
        assert page.title() == "Back in the app"
        browser.close()

    assert back["iss"] == [base]
    token = tracker.exchanges(back["code"][0], redirect_uri=redirect, code_verifier=VERIFIER).json
    assert len(tracker.reads(token["access_token"]).json["seen"]) == 1
