"""The same decisions where two processes may write at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from consent import grants, guests
from consent.grants import Redeemer
from consent.receipts import has_reviewed, mark_reviewed
from consent.shared import live_for
from tests.consent.small_app import a_person, a_site_row, a_site_system, an_app, signed, small_app
from tests.vault.owners import a_picture, a_site, link, push
from vault import audit
from vault.audit import Did

pytestmark = pytest.mark.postgres


@pytest.fixture
def services(postgres_services):
    return postgres_services


@pytest.fixture
def app(services):
    return small_app(services)


@pytest.fixture
def ana(app, services):
    return a_person(app, services, "ana").signs_in()


@pytest.fixture
def knee(services, ana):
    harbor = a_site(services)
    link(services, harbor.site, ana.keyring)
    return push(services, harbor, a_picture("1.1", b"knee" * 100)).study_id


def test_an_app_is_let_in_refreshes_and_is_stopped(app, services, ana, knee):
    tracker = an_app(app, services)
    token = tracker.gets_tokens(ana)
    second = tracker.refreshes(token["refresh_token"]).json
    assert tracker.reads(second["access_token"]).json["seen"] == ["1.2.3"]
    with services.reading() as w:
        grant_id = live_for(w, ana.access())[0].grant_id
    ana.ends(grant_id)
    assert tracker.reads(second["access_token"]).status_code == 401


@pytest.mark.case("7.7")
def test_two_refreshes_at_once_leave_one_line(app, services, ana, knee):
    tracker = an_app(app, services)
    token = tracker.gets_tokens(ana)

    def refresh(_):
        return app.test_client().post(
            "/oauth/token",
            data={"grant_type": "refresh_token", "refresh_token": token["refresh_token"]} | tracker.credentials,
        )

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(refresh, range(4)))
    assert {answer.status_code for answer in answers} <= {200, 400}
    working = [
        one for one in answers if one.status_code == 200 and tracker.reads(one.json["access_token"]).status_code == 200
    ]
    assert len(working) <= 1


def test_a_code_is_exchanged_by_one_of_four(app, services, ana, knee):
    tracker = an_app(app, services)
    code = tracker.is_let_in(ana)

    def exchange(_):
        return an_exchange(app, tracker, code).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(exchange, range(4))) == [200, 400, 400, 400]


def an_exchange(app, tracker, code):
    from tests.consent.small_app import REDIRECT, VERIFIER

    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return app.test_client().post("/oauth/token", data=form | tracker.credentials)


def test_one_assertion_at_once_counts_once(app, services):
    pacs = a_site_system(app, services, a_site_row(services))
    assertion = signed(pacs.key, pacs.client_id)
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: pacs.asks(client_assertion=assertion).status_code, range(4)))
    assert sum(status == 200 for status in statuses) == 1


@pytest.mark.parametrize("again", range(3))
def test_giving_redeeming_and_stopping_at_once_never_lock_up(app, services, ana, knee, again):
    codes = [ana.gives_code(knee)[1] for _ in range(4)]
    tracker = an_app(app, services)
    lines = [tracker.gets_tokens(ana)["refresh_token"] for _ in range(3)]

    def redeem(code):
        return grants.redeem(services, code, Redeemer("Dr. J. Lee"), source="192.0.2.7")

    def stop(_):
        with services.work() as w:
            return grants.end_all(w, ana.access_in(w))

    def refresh(text):
        assert tracker.refreshes(text).status_code in {200, 400}

    def revoke(text):
        assert tracker.revokes(text).status_code == 200

    def tried(deed, what):
        from vault.errors import Expired, WrongSecret

        try:
            deed(what)
        except (Expired, WrongSecret):
            return False
        return True

    deeds = [*((redeem, code) for code in codes), *((refresh, text) for text in lines), (revoke, lines[0])]
    deeds[2:2] = [(stop, 0)]
    deeds[6:6] = [(stop, 1)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda pair: tried(*pair), deeds))
    stop(2)
    with services.reading() as w:
        assert live_for(w, ana.access()) == []


def test_a_review_said_twice_at_the_same_moment_is_told_once(services, ana, knee):
    """Both begin before either is written down."""
    cookie = grants.redeem(services, ana.gives_code(knee)[1], Redeemer("Dr. J. Lee"), source="192.0.2.7").cookie
    came, both_began = services.clock.now(), Barrier(2)

    def press(_):
        with services.work() as w:
            _, access = guests.open_guest(w, cookie.octets())
            assert not has_reviewed(w, access, knee, came=came)
            both_began.wait(10)
            mark_reviewed(w, access, knee, came=came)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(press, range(2)))
    with services.reading() as w:
        assert [one.did for one in audit.events(w, ana.keyring.owner)].count(Did.REVIEWED) == 1
