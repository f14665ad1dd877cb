"""The frame of every page: what it promises to eyes, ears, fingers and browsers."""

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, Response, render_template, render_template_string, request
from jinja2 import ChoiceLoader, FileSystemLoader, UndefinedError
from playwright.sync_api import expect, sync_playwright

from phr import dates
from phr.components import Components, furnish, grouped, spelled, template_folder
from phr.headers import install_headers
from tests.loopback import answering

ROOT = Path(__file__).parents[2]
SAMPLES = Path(__file__).parent / "samples"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
MISTYPED = "There is a typing mistake in the PIN. Look at your slip again."
PEOPLE = {"signed_in": True, "area": "patient", "idle_minutes": 30}


def parity(symbols: str) -> str:
    """The check symbol, from its definition: every power of x written out by shifting."""
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    total = 0
    for place, symbol in enumerate(symbols, start=1):
        value = alphabet.index(symbol)
        for _ in range(place):
            value <<= 1
            if value >= 32:
                value ^= 0b100101
        total ^= value
    return alphabet[total]


@pytest.fixture(scope="module")
def furnished():
    """An app with our frame and a few sample pages, and nothing else of the house."""
    app = Flask("phr", root_path=str(ROOT / "phr"), static_folder="static")
    app.jinja_loader = ChoiceLoader([FileSystemLoader(template_folder()), FileSystemLoader(SAMPLES)])
    furnish(app)
    install_headers(app)
    app.jinja_env.globals["csrf_token"] = lambda: "a-token"
    app.posted = []

    @app.get("/sample/<name>")
    def sample(name):
        about = {"now": datetime.now(UTC), "day": date(2026, 3, 3)}
        if name in {"home", "code"}:
            about |= PEOPLE
        if name == "doctor":
            about |= {"signed_in": True, "area": "guest"}
        if "wrong" in request.args:
            about["errors"] = {
                "pin": MISTYPED,
                "born": "Type your date of birth, such as 27 3 1958.",
                "way": "Pick one.",
            }
        return render_template(f"{name}.html", **about)

    @app.get("/wrong/<int:status>")
    def wrong(status):
        return render_template(f"errors/{status}.html"), status

    @app.post("/add")
    def add():
        app.posted.append(request.form["pin"])
        return Response('<link rel="icon" href="data:,"><p>taken</p>')

    @app.get("/state")
    def state():
        return Response("<p>Opened</p>")

    @app.get("/paper")
    def paper():
        return Response(b"%PDF", mimetype="application/pdf")

    @app.get("/data")
    def data():
        return {"a": 1}

    return app


# ---------------------------------------------------------------- what is written


def test_a_page_has_one_h1_that_begins_its_title(furnished):
    page = furnished.test_client().get("/sample/add").text
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", page) == ["Add your scan"]
    assert "<title>Add your scan - Keepray</title>" in page


def test_a_heading_may_name_a_person_while_the_title_does_not(furnished):
    page = furnished.test_client().get("/sample/home").text
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", page) == ["Hello, Ana"]
    assert "<title>Your scans - Keepray</title>" in page


def test_an_error_is_told_in_the_title_on_top_and_at_its_box(furnished):
    page = furnished.test_client().get("/sample/add?wrong=1").text
    assert "<title>Error: Add your scan - Keepray</title>" in page
    assert f'<a href="#pin">{MISTYPED}</a>' in page
    assert re.search(r'id="pin-error">.*Error:.*typing mistake', page)
    assert re.search(r'<input[^>]*id="pin"[^>]*aria-describedby="pin-hint pin-error"', page)


def test_every_form_carries_its_token_and_leaves_judging_to_the_server(furnished):
    page = furnished.test_client().get("/sample/code").text
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    assert forms
    assert all("novalidate" in form and 'name="csrf_token" value="a-token"' in form for form in forms)


def test_patients_find_their_places_and_strangers_do_not(furnished):
    client = furnished.test_client()
    here = client.get("/sample/home").text
    assert 'href="/home" aria-current="page"' in here
    assert 'href="/shares"' in here
    assert 'href="/shares"' not in client.get("/sample/add").text
    assert 'href="/shares"' not in client.get("/sample/doctor").text


def test_a_name_nobody_gave_is_an_error_in_our_pages(furnished):
    with furnished.test_request_context(), pytest.raises(UndefinedError):
        render_template_string("{{ nobody_gave_this }}")


def test_text_from_outside_stays_text(furnished):
    source = (
        '{% from "components/cards.html" import scan_card %}{{ scan_card(evil, evil, "/x", place=evil, note=evil) }}'
    )
    with furnished.test_request_context():
        drawn = render_template_string(source, evil='"><script>alert(1)</script>')
    assert "<script>" not in drawn
    source = '{{ nhs.input({"id": "a", "name": "a", "label": {"text": evil}, "hint": {"text": evil}, "value": evil}) }}'
    with furnished.test_request_context():
        drawn = render_template_string(source, evil='"><script>alert(1)</script>')
    assert "<script>" not in drawn


@pytest.mark.parametrize(
    "name",
    ["button", "input", "error_summary", "summary_list", "date_input", "table", "tag", "password_input", "details"],
)
def test_the_design_systems_pieces_answer_to_our_names(name):
    assert callable(getattr(Components(), name))


def test_a_piece_that_does_not_exist_is_named():
    with pytest.raises(AttributeError, match="carousel"):
        Components().carousel  # noqa: B018


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 429, 500, 503])
def test_every_mishap_says_what_to_do(furnished, status):
    page = furnished.test_client().get(f"/wrong/{status}").text
    assert re.search(r"<h1[^>]*>.+</h1>", page)
    assert "Need help?" in page


def test_codes_are_read_letter_by_letter(furnished):
    assert grouped("7kq4-m9tx 2rwp5hd3") == "7kq4 m9tx 2rwp 5hd3"
    assert spelled("7KQ4M9TX") == "7 K Q 4, M 9 T X"
    page = furnished.test_client().get("/sample/code").text
    assert '<span class="nhsuk-u-visually-hidden">7 K Q 4, M 9 T X, ' in page


def test_dates_spell_the_month_and_today_is_called_today():
    now = datetime(2026, 3, 3, 14, 42, tzinfo=UTC)
    assert dates.in_words(date(2026, 3, 3)) == "3 March 2026"
    assert dates.moment_in_words(now - timedelta(hours=4), now=now) == "today, 10:42"
    assert dates.moment_in_words(now - timedelta(hours=20), now=now) == "2 March 2026, 18:42"
    tag = dates.time_tag(now, now=now + timedelta(days=2))
    assert tag == '<time datetime="2026-03-03T14:42+00:00" title="3 March 2026, 14:42">3 March 2026, 14:42</time>'


# ---------------------------------------------------------------- what is sent along


def test_only_scripts_with_this_answers_nonce_run(furnished):
    client = furnished.test_client()
    first, second = client.get("/sample/add"), client.get("/sample/add")
    nonce = re.search(r"script-src 'nonce-([^']+)' 'strict-dynamic'", first.headers["Content-Security-Policy"]).group(1)
    assert re.findall(r'<script[^>]*nonce="([^"]+)"', first.text) == [nonce]
    assert nonce not in second.headers["Content-Security-Policy"]
    assert "unsafe" not in first.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/sample/add", "/wrong/404", "/data", "/paper", "/nowhere", "/static/site/site.css"])
def test_every_answer_carries_its_guards(furnished, path):
    with furnished.test_client().get(path) as answer:
        headers = answer.headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_only_static_files_are_ever_kept(furnished):
    client = furnished.test_client()

    def keeping(path):
        with client.get(path) as answer:
            return answer.headers["Cache-Control"]

    for path in ("/sample/add", "/data", "/paper", "/nowhere", "/static/site/nothing.css"):
        assert keeping(path) == "no-store"
    assert keeping("/static/site/site.css") == "no-cache"
    named = re.search(r'href="(/static/site/site.css\?v=[0-9a-f]+)"', client.get("/sample/add").text).group(1)
    assert "immutable" in keeping(named)


def test_over_https_the_browser_is_told_to_stay_there(furnished):
    answer = furnished.test_client().get("/data", base_url="https://keepray.example")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_a_header_that_a_route_set_stays(furnished):
    with furnished.test_request_context():
        answer = furnished.process_response(
            Response("x", headers={"Cache-Control": "private", "X-Frame-Options": "SAMEORIGIN"})
        )
    assert answer.headers["Cache-Control"] == "private"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_form_leads_away_only_where_its_route_said_so(furnished):
    from flask import g

    with furnished.test_request_context():
        g.form_targets = ["https://app.example"]
        answer = furnished.process_response(Response("x", mimetype="text/html"))
    assert "form-action 'self' https://app.example" in answer.headers["Content-Security-Policy"]
    assert furnished.test_client().get("/sample/add").headers["Content-Security-Policy"].endswith("form-action 'self'")


# ---------------------------------------------------------------- what a browser makes of it


@pytest.fixture(scope="module")
def address(furnished):
    with answering(furnished) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser):
    page = browser.new_page(viewport={"width": 320, "height": 640})
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: asked.url.startswith(("http://127.0.0.1", "data:")) or page.complaints.append(asked.url),
    )
    yield page
    assert page.complaints == []
    page.close()


def opened(tab, address, path):
    tab.goto(address + path)
    tab.wait_for_selector("body[data-ready]")
    return tab


def faults_of(tab) -> list[str]:
    tab.evaluate(AXE.read_text() + ";0")
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    return [fault["id"] for fault in tab.evaluate("rules => axe.run(document, {runOnly: rules})", rules)["violations"]]


@pytest.mark.browser
@pytest.mark.parametrize(
    "path", ["/sample/add", "/sample/add?wrong=1", "/sample/home", "/sample/code", "/sample/doctor"]
)
def test_pages_fit_a_small_phone_and_have_no_known_barrier(tab, address, path):
    opened(tab, address, path)
    assert faults_of(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    tab.evaluate("document.documentElement.className = 'kr-text-150'")
    assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    tab.set_viewport_size({"width": 640, "height": 800})
    tab.evaluate("document.documentElement.style.fontSize = '200%'")
    assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.browser
def test_fingers_find_every_target(tab, address):
    opened(tab, address, "/sample/home")
    small = tab.evaluate(
        """[...document.querySelectorAll('a, button, input, select, summary')]
        .filter(e => e.checkVisibility() && !e.closest('.nhsuk-u-visually-hidden') && !e.classList.contains('nhsuk-skip-link'))
        .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
    )
    assert small == []


@pytest.mark.browser
def test_our_font_is_the_one_people_see(tab, address):
    opened(tab, address, "/sample/code")
    assert tab.evaluate("document.fonts.ready.then(() => document.fonts.check('16px \"Atkinson Hyperlegible Next\"'))")
    assert "Atkinson" in tab.evaluate("getComputedStyle(document.querySelector('p')).fontFamily")


@pytest.mark.browser
def test_a_pin_behind_the_hash_moves_into_its_box_and_out_of_the_address(tab, address):
    good = "7KQ4M9TX2RWP5HD"
    opened(tab, address, f"/sample/add#{good}{parity(good)}")
    assert tab.url == f"{address}/sample/add"
    assert tab.input_value("#pin") == grouped(good + parity(good))


@pytest.mark.browser
def test_a_mistyped_pin_is_named_before_anything_is_sent(tab, address, furnished):
    furnished.posted.clear()
    good = "7KQ4M9TX2RWP5HD" + parity("7KQ4M9TX2RWP5HD")
    opened(tab, address, "/sample/add")
    for typed, sentence in (
        ("", "Type the PIN from your slip."),
        (good[:-1], "The PIN needs 16 letters and numbers. You typed 15."),
        (good[1] + good[0] + good[2:], MISTYPED),
        ("8" + good[1:], MISTYPED),
    ):
        tab.fill("#pin", typed)
        tab.click("text=Continue")
        expect(tab.locator(".nhsuk-error-summary a")).to_have_text(sentence)
        expect(tab.locator("#pin-error")).to_have_text(sentence)
        expect(tab.locator(".nhsuk-error-summary")).to_be_focused()
        assert tab.title().startswith("Error: ")
        tab.wait_for_timeout(1100)  # the button ignores a second press within a second
    assert faults_of(tab) == []
    assert furnished.posted == []
    tab.fill("#pin", good.lower().replace("0", "o").replace("1", "l"))
    tab.click("text=Continue")
    expect(tab.locator("body")).to_have_text("taken")
    assert furnished.posted == [grouped(good)]


@pytest.mark.browser
def test_a_page_that_changes_by_itself_needs_no_eval_and_no_inline_style(tab, address):
    opened(tab, address, "/sample/changing")
    expect(tab.locator("#state")).to_have_text("Opened")


@pytest.mark.browser
def test_two_minutes_before_the_end_people_are_asked(tab, address):
    tab.clock.install()
    opened(tab, address, "/sample/home")
    tab.clock.run_for("28:06")
    expect(tab.get_by_role("dialog", name="Are you still there?")).to_be_visible()
    expect(tab.locator("#time-out-title")).to_be_focused()
    assert faults_of(tab) == []
    tab.evaluate("new BroadcastChannel('here-patient').postMessage('here')")  # as another tab does
    expect(tab.locator("#time-out")).to_be_hidden()
    tab.clock.run_for("28:06")
    expect(tab.locator("#time-out")).to_be_visible()
    with tab.expect_request("**/stay") as asked:
        tab.keyboard.press("Escape")
    assert asked.value.method == "POST"
    assert asked.value.post_data == "csrf_token=a-token&area=patient"
    expect(tab.locator("#time-out")).to_be_hidden()
    tab.complaints.clear()  # this small app has no /stay


@pytest.mark.browser
def test_in_forced_colours_and_in_print_the_page_still_says_all(tab, address):
    opened(tab, address, "/sample/home")
    tab.emulate_media(forced_colors="active", reduced_motion="reduce")
    assert tab.evaluate("document.getAnimations().length") == 0
    tab.emulate_media(media="print", forced_colors="none")
    assert not tab.is_visible(".kr-header")
    assert not tab.is_visible("text=Stop sharing")
    assert tab.is_visible("text=Dr. J. Lee, Hill Clinic")
