"""The device lock in a real Chromium, whose own authenticator makes the keys: with the PRF extension and without."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from phr.app import create_app
from tests.loopback import answering
from tests.phr.conftest import PASSWORD
from tests.phr.test_pages_browser import Visitor, chromium  # noqa: F401  a fixture
from vault.tables import PasskeyRow, SlotRow

pytestmark = pytest.mark.browser


@pytest.fixture
def house(settings, services, renderer) -> Iterator[str]:
    """The app under a name, since browsers make no passkeys for numbers."""
    with answering() as server:
        base = f"http://localhost:{server.server_port}"
        server.app = create_app(replace(settings, base_url=base), services=services)
        server.app.extensions["renderer"] = renderer
        yield base


class Phone(Visitor):
    """A visitor whose device has a lock."""

    def __init__(self, context, base: str) -> None:
        super().__init__(context, base)
        self.cdp = context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable")
        self.sent: list[str] = []
        self.page.on("request", lambda asked: self.sent.append(asked.post_data or ""))

    def has_a_lock(self, *, with_key: bool) -> str:
        options = {
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
            "hasPrf": with_key,
        }  # fmt: skip
        return self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def joins(self, name: str) -> None:
        self.goes("/join/name")
        self.types(name=name)
        self.presses("Continue")

    def signs_out(self) -> None:
        self.goes("/account")
        self.presses("Sign out")


@pytest.fixture
def phone(chromium: Browser, house: str) -> Iterator[Phone]:  # noqa: F811
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    yield Phone(context, house)
    context.close()


def rows(services, table) -> list:
    with services.reading() as work:
        return list(work.session.scalars(sa.select(table)))


def test_a_device_lock_makes_the_account_and_opens_it_again(phone: Phone, services):
    phone.has_a_lock(with_key=True)
    phone.joins("ana.perez")
    phone.presses("Use device lock")
    assert phone.page.url.endswith("/home")
    assert [slot.kind for slot in rows(services, SlotRow)] == ["passkey"]
    phone.signs_out()
    phone.goes("/sign-in")
    phone.presses("Use device lock")
    assert phone.page.url.endswith("/home")
    # The key comes in a box of its own, once: the answer beside it holds nothing of the extension.
    answers = [body for body in phone.sent if "answer=" in body]
    assert len(answers) == 2
    assert all("clientExtensionResults" not in body and "prf" not in body for body in answers)
    assert all(len(body.rpartition("key=")[2]) == 43 for body in answers)
    assert phone.complaints == []


def test_a_device_lock_beside_the_password_is_shown_listed_and_removed(phone: Phone, services):
    phone.joins("ana.perez")
    phone.types(password=PASSWORD)
    phone.presses("Use a password")
    phone.has_a_lock(with_key=True)
    phone.goes("/account/devices")
    phone.follows("Use this device's lock")
    phone.presses("Use device lock")
    assert phone.page.url.endswith("/account/devices")
    assert "This device's lock opens your account now." in phone.page.inner_text("main")
    phone.goes("/account/devices/lock")
    phone.page.get_by_role("button", name="Use device lock").click()
    phone.page.get_by_text("This device lock is set up already.").wait_for()
    phone.signs_out()
    phone.goes("/sign-in")
    phone.presses("Use device lock")
    phone.goes("/check?next=/account/devices")
    phone.presses("Use device lock")
    assert phone.page.url.endswith("/account/devices")
    phone.follows("Remove")
    phone.presses("Remove")
    assert "The device lock is removed." in phone.page.inner_text("main")
    assert [slot.kind for slot in rows(services, SlotRow)] == ["password"]
    phone.signs_out()
    phone.goes("/sign-in")
    phone.presses("Use device lock")
    assert "This device lock did not open your account." in phone.page.inner_text("main")


def test_a_lock_without_a_key_says_so_and_a_password_comes_next(phone: Phone, services):
    phone.has_a_lock(with_key=False)
    phone.joins("ana.perez")
    phone.presses("Use device lock")
    assert "it cannot unlock scans. Please make a password too." in phone.page.inner_text("main")
    phone.types(password=PASSWORD)
    phone.presses("Use a password")
    assert phone.page.url.endswith("/home")
    phone.signs_out()
    phone.goes("/sign-in")
    phone.presses("Use device lock")
    assert phone.page.url.endswith("/sign-in/password")
    phone.types(password="not that one at all")
    phone.presses("Sign in")
    phone.types(password=PASSWORD)
    phone.presses("Sign in")
    assert phone.page.url.endswith("/home")
    assert [row.slot for row in rows(services, PasskeyRow)] == [None]
    assert [slot.kind for slot in rows(services, SlotRow)] == ["password"]


def test_who_turns_away_from_the_lock_may_use_a_password(phone: Phone):
    lock = phone.has_a_lock(with_key=True)
    phone.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": lock, "isUserVerified": False})
    phone.joins("ana.perez")
    phone.page.get_by_role("button", name="Use device lock").click()
    phone.page.get_by_text("Nothing happened. Try again, or use a password.").wait_for()
    phone.check()
    phone.types(password=PASSWORD)
    phone.presses("Use a password")
    assert phone.page.url.endswith("/home")


def test_without_scripts_the_password_stays(chromium: Browser, house: str):  # noqa: F811
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    page = context.new_page()
    for path in ("/sign-in", "/join/name"):
        page.goto(house + path)
        if path == "/join/name":
            page.fill("#name", "ana.perez")
            page.get_by_role("button", name="Continue").click()
        assert not page.get_by_role("button", name="Use device lock").is_visible()
        assert page.locator("#password").is_visible()
    context.close()
