"""Sessions, drafts and tokens: what their secret opens, and when it stops."""

import os
from datetime import timedelta

import pytest

from tests.vault.owners import a_vault
from vault import openers, sharing
from vault.errors import Expired, NotThere
from vault.keyring import KeyClass
from vault.sealing.errors import Tampered
from vault.tables_sharing import DraftRow, SessionRow


@pytest.fixture
def signed_in(services):
    with services.work() as work:
        keyring = a_vault(work)
        from vault.tables import AccountRow

        account = os.urandom(16)
        work.session.add(
            AccountRow(id=account, login_bi=os.urandom(16), vault=keyring.vault_id, kind="person", created=work.now)
        )
        work.session.flush()
        secret = openers.add_session(
            work, keyring, account_id=account, area="patient", device="This phone", idle=1800, life=43200
        )
    return keyring, secret


def test_a_cookie_opens_the_vault_it_was_made_for(services, signed_in):
    keyring, secret = signed_in
    with services.reading() as work:
        session = openers.open_session(work, secret, "patient")
        assert session.keyring.library_key == keyring.library_key
        assert [device.words for device in openers.sessions_of(work, keyring)] == ["This phone"]


def test_another_cookie_opens_nothing(services, signed_in):
    with services.reading() as work, pytest.raises(Expired):
        openers.open_session(work, os.urandom(32), "patient")


def test_a_patients_cookie_is_no_providers(services, signed_in):
    with services.reading() as work, pytest.raises(Expired):
        openers.open_session(work, signed_in[1], "provider")


def test_a_device_left_alone_is_signed_out(services, clock, signed_in):
    clock.advance(seconds=1800)
    with services.reading() as work, pytest.raises(Expired):
        openers.open_session(work, signed_in[1], "patient")


def test_use_keeps_a_device_signed_in_but_never_past_twelve_hours(services, clock, signed_in):
    _, secret = signed_in
    for _ in range(24):
        clock.advance(minutes=29)
        with services.work() as work:
            session = openers.open_session(work, secret, "patient")
            assert openers.needs_touch(session, work.now)
            openers.touch(work, session.id)
    clock.advance(minutes=29)
    with services.reading() as work, pytest.raises(Expired):
        openers.open_session(work, secret, "patient")


def test_signing_out_kills_a_copied_cookie(services, signed_in):
    _, secret = signed_in
    with services.work() as work:
        openers.end_session(work, openers.open_session(work, secret, "patient").id)
    with services.reading() as work, pytest.raises(Expired):
        openers.open_session(work, secret, "patient")


def test_signing_out_everywhere_else_keeps_this_device(services, signed_in):
    keyring, here = signed_in
    with services.work() as work:
        session = openers.open_session(work, here, "patient")
        there = openers.add_session(
            work, keyring, account_id=session.account_id, area="patient", device="PC", idle=1800, life=43200
        )
        assert openers.end_sessions(work, keyring.vault_id, keep=session.id) == 1
    with services.reading() as work:
        openers.open_session(work, here, "patient")
        with pytest.raises(Expired):
            openers.open_session(work, there, "patient")


def test_a_session_moved_to_another_row_opens_nothing(services, signed_in):
    _, secret = signed_in
    with services.work() as work:
        stolen = openers.add_session(
            work,
            a_vault(work),
            account_id=openers.open_session(work, secret, "patient").account_id,
            area="patient",
            device="x",
            idle=60,
            life=60,
        )
        rows = {row.vault: row for row in work.session.query(SessionRow)}
        mine, theirs = rows.values()
        mine.ct, theirs.ct = theirs.ct, mine.ct
    with services.reading() as work:
        for cookie in (secret, stolen):
            with pytest.raises(Tampered):
                openers.open_session(work, cookie, "patient")


def test_a_draft_is_read_again_only_with_its_cookie(services, clock):
    secret = os.urandom(32)
    with services.work() as work:
        openers.keep_draft(work, secret, "7KQ4 and 27 3 1958", 600)
    with services.reading() as work:
        assert openers.draft(work, secret) == "7KQ4 and 27 3 1958"
        assert openers.draft(work, os.urandom(32)) is None
        assert b"7KQ4" not in work.session.query(DraftRow).one().ct
    clock.advance(minutes=10)
    with services.reading() as work:
        assert openers.draft(work, secret) is None


@pytest.fixture
def grant(services):
    with services.work() as work:
        owner = a_vault(work)
        terms = sharing.GrantTerms((), frozenset({KeyClass.META}), True, None, work.now, work.now + timedelta(hours=4))
        return owner, sharing.new_grant(work, owner, terms)


@pytest.mark.parametrize("kind", ["authz", "at", "rt", "guest"])
def test_a_token_opens_its_grant_and_only_as_its_own_kind(services, grant, kind):
    _, given = grant
    secret = openers.new_secret()
    with services.work() as work:
        openers.add_token_holder(work, given, secret=secret, kind=kind, expires=work.now + timedelta(minutes=15))
    with services.reading() as work:
        assert openers.open_token_holder(work, secret, kind).wrapping_key == given.wrapping_key
        for other in {"authz", "at", "rt", "guest"} - {kind}:
            with pytest.raises(NotThere):
                openers.open_token_holder(work, secret, other)


def test_a_token_never_outlives_its_grant(services, clock, grant):
    secret = openers.new_secret()
    with services.work() as work:
        openers.add_token_holder(work, grant[1], secret=secret, kind="rt", expires=work.now + timedelta(days=90))
    clock.advance(hours=4)
    with services.reading() as work, pytest.raises(Expired):
        openers.open_token_holder(work, secret, "rt")


def test_an_ended_grant_opens_nothing_at_the_next_request(services, grant):
    secret = openers.new_secret()
    with services.work() as work:
        openers.add_token_holder(work, grant[1], secret=secret, kind="at", expires=work.now + timedelta(minutes=15))
        sharing.end_grant(work, grant[1].grant_id)
    with services.reading() as work, pytest.raises((Expired, NotThere)):
        openers.open_token_holder(work, secret, "at")


def test_what_is_past_its_time_is_swept(services, clock, signed_in, grant):
    with services.work() as work:
        openers.keep_draft(work, os.urandom(32), "x", 60)
        openers.add_token_holder(
            work, grant[1], secret=os.urandom(32), kind="at", expires=work.now + timedelta(minutes=15)
        )
    clock.advance(hours=13)
    with services.work() as work:
        assert openers.sweep_openers(work) == 3


def test_showing_again_who_one_is_is_remembered_with_the_moment(services, clock, signed_in):
    _, secret = signed_in
    clock.advance(minutes=20)
    with services.work() as work:
        openers.touch_auth(work, openers.open_session(work, secret, "patient").id)
    with services.reading() as work:
        session = openers.open_session(work, secret, "patient")
        assert session.auth_time == session.seen == clock.now()
        assert not openers.needs_touch(session, work.now)
        assert session.created == clock.now() - timedelta(minutes=20)


def test_a_dropped_draft_is_forgotten(services):
    secret = os.urandom(32)
    with services.work() as work:
        openers.keep_draft(work, secret, "first", 600)
        openers.keep_draft(work, secret, "second", 600)
        assert openers.draft(work, secret) == "second"
        openers.drop_draft(work, secret)
        assert openers.draft(work, secret) is None


def test_a_token_past_its_own_time_or_dropped_opens_nothing(services, clock, grant):
    kept, dropped = openers.new_secret(), openers.new_secret()
    with services.work() as work:
        for secret in (kept, dropped):
            made = openers.add_token_holder(
                work, grant[1], secret=secret, kind="at", expires=work.now + timedelta(minutes=15)
            )
        openers.drop_token_holder(work, made)
        with pytest.raises(NotThere):
            openers.open_token_holder(work, dropped, "at")
    clock.advance(minutes=15)
    with services.reading() as work, pytest.raises(Expired):
        openers.open_token_holder(work, kept, "at")


def test_a_device_that_is_signed_out_is_in_no_list(services, clock, signed_in):
    keyring, _ = signed_in
    clock.advance(minutes=30)
    with services.reading() as work:
        assert openers.sessions_of(work, keyring) == []
