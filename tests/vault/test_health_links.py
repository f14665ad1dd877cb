"""A health link's keys: what the address opens, what it takes to guess, and that an end is an end."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault import given
from tests.vault.owners import a_vault
from vault import health_links, sharing
from vault.errors import BrokenRecord, NotThere, WrongPasscode
from vault.health_links import HealthLink
from vault.keyring import KeyClass
from vault.sealing import derive, slow
from vault.sealing.errors import Busy, Tampered
from vault.sharing import GrantTerms
from vault.tables_sharing import HealthFileRow, HealthLinkRow

services = given.both_databases


def gives_a_link(services, owner, *, flags="", expires=None):
    link = HealthLink.new(flags=flags, label="For the clinic")
    with services.work() as work:
        terms = GrantTerms((), frozenset(KeyClass), True, None, not_before=work.now, expires=expires)
        grant = sharing.new_grant(work, owner, terms)
        health_links.add_health_link(work, owner, grant, link)
    return grant, link


def test_whoever_has_the_address_opens_the_grant_and_the_key(services, ana):
    grant, link = gives_a_link(services, ana)
    opened = health_links.open_link(services, link.address, "")
    assert (opened.grant.grant_id, opened.key) == (grant.grant_id, link.key)
    assert opened.grant.wrapping_key == grant.wrapping_key
    with pytest.raises(NotThere):
        health_links.open_link(services, os.urandom(32), "")


def test_the_patient_sees_the_link_again_and_nobody_else_does(services, ana):
    grant, link = gives_a_link(services, ana, flags="PL")
    with services.work() as work:
        ben = a_vault(work)
    with services.reading() as work:
        again = health_links.link_of_grant(work, ana, grant.grant_id)
        assert (again.address, again.key, again.flags) == (link.address, link.key, "LP")
        assert (again.label, again.passcode) == ("For the clinic", link.passcode)
        with pytest.raises(Tampered):
            health_links.link_of_grant(work, ben, grant.grant_id)


def test_a_passcode_is_part_of_what_opens(services, ana):
    _, link = gives_a_link(services, ana, flags="P")
    assert len(link.passcode) == 6
    opened = health_links.open_link(services, link.address, link.passcode)
    assert opened.key == link.key
    with pytest.raises(WrongPasscode) as missing:
        health_links.open_link(services, link.address, "")
    assert missing.value.tries_left == 5  # nothing was guessed


def wrong(link):
    return "000000" if link.passcode != "000000" else "000001"


def test_wrong_passcodes_are_counted_for_life_and_right_ones_cost_nothing(services, ana, clock):
    _, link = gives_a_link(services, ana, flags="P")
    left = []
    for _ in range(4):
        with pytest.raises(WrongPasscode) as refused:
            health_links.open_link(services, link.address, wrong(link))
        left.append(refused.value.tries_left)
        clock.advance(days=30)
        health_links.open_link(services, link.address, link.passcode)
    with pytest.raises(WrongPasscode) as refused:
        health_links.open_link(services, link.address, wrong(link))
    assert [*left, refused.value.tries_left] == [4, 3, 2, 1, 0]
    with pytest.raises(NotThere):
        health_links.open_link(services, link.address, link.passcode)


def test_a_crowded_moment_costs_no_try(services, ana, monkeypatch):
    _, link = gives_a_link(services, ana, flags="P")
    monkeypatch.setattr(slow, "_gate", slow.Gate(at_once=1, queue=0))
    with slow._gate.held():
        for _ in range(health_links.TRIES):
            with pytest.raises(Busy):
                health_links.open_link(services, link.address, link.passcode)
    with pytest.raises(WrongPasscode) as refused:
        health_links.open_link(services, link.address, wrong(link))
    assert refused.value.tries_left == 4


def test_readers_are_known_by_what_only_the_link_derives(services, ana):
    (_, link), (_, other) = gives_a_link(services, ana), gives_a_link(services, ana)
    opened, again, elsewhere = (health_links.open_link(services, one.address, "") for one in (link, link, other))
    assert opened.reader_id("Dr. Bo") == again.reader_id("Dr. Bo")
    assert len({opened.reader_id("Dr. Bo"), opened.reader_id("Dr. Jo"), elsewhere.reader_id("Dr. Bo")}) == 3


def test_guesses_at_the_same_moment_do_not_outrun_the_counter(services, ana):
    _, link = gives_a_link(services, ana, flags="P")

    def guess(_):
        try:
            health_links.open_link(services, link.address, wrong(link))
        except WrongPasscode as refused:
            return refused.tries_left
        except NotThere:
            return None
        return "opened"

    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(guess, range(10)))
    assert sorted(one for one in told if one is not None) == [0, 1, 2, 3, 4]


def test_an_ended_grant_ends_its_link_and_its_files(services, ana, clock):
    grant, link = gives_a_link(services, ana)
    opened = health_links.open_link(services, link.address, "")
    with services.work() as work:
        secret = health_links.add_file(work, opened, "bundle", seconds=3600)
    with services.work() as work:
        sharing.end_grant(work, grant.grant_id)
    with services.reading() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(HealthLinkRow)) == 0
        assert work.session.scalar(sa.select(sa.func.count()).select_from(HealthFileRow)) == 0
        for asks in (
            lambda: health_links.open_file(work, secret),
            lambda: health_links.flags_at(work, link.address),
            lambda: health_links.link_of_grant(work, ana, grant.grant_id),
        ):
            with pytest.raises(NotThere):
                asks()


def test_a_link_whose_time_is_over_opens_nothing(services, ana, clock):
    _, link = gives_a_link(services, ana, expires=clock.now() + timedelta(hours=1))
    health_links.open_link(services, link.address, "")
    clock.advance(hours=1)
    with pytest.raises(NotThere):
        health_links.open_link(services, link.address, "")


def test_a_file_is_fetched_once_and_within_its_time(services, ana, clock):
    _, link = gives_a_link(services, ana)
    opened = health_links.open_link(services, link.address, "")
    with services.work() as work:
        first, late = (health_links.add_file(work, opened, "bundle", seconds=3600) for _ in range(2))
    with services.work() as work:
        again, what = health_links.open_file(work, first)
        assert (again.key, again.token, what) == (link.key, opened.token, "bundle")
        health_links.spend_file(work, first)
    with services.work() as work, pytest.raises(NotThere):
        health_links.spend_file(work, first)
    clock.advance(hours=1)
    with services.reading() as work, pytest.raises(NotThere):
        health_links.open_file(work, late)


@pytest.mark.parametrize("column", ["tries_left", "flags", "grant"])
def test_a_row_that_somebody_else_wrote_is_not_believed(services, ana, column):
    _, link = gives_a_link(services, ana, flags="P")
    other, _ = gives_a_link(services, ana)
    values = {"tries_left": 4, "flags": "", "grant": other.grant_id}
    with services.work() as work:
        forged = sa.update(HealthLinkRow).where(HealthLinkRow.id == link.id)
        work.session.execute(forged.values({column: values[column]}))
    with pytest.raises(BrokenRecord):
        health_links.open_link(services, link.address, link.passcode)


def test_the_token_needs_the_passcode_and_not_the_key(services, ana):
    _, link = gives_a_link(services, ana, flags="P")
    opened = health_links.open_link(services, link.address, link.passcode)
    assert opened.token not in {derive.link_token(link.key), derive.link_token(derive.link_opening(link.address, b""))}


def test_nothing_of_a_link_prints(services, ana):
    _, link = gives_a_link(services, ana, flags="P")
    opened = health_links.open_link(services, link.address, link.passcode)
    for text in (repr(link), str(opened), f"{link}"):
        assert link.passcode not in text
        assert link.address.hex() not in text
        assert "…" in text


def test_the_keys_are_those_that_the_format_says(services, ana):
    """Derived again from docs/format.md 8 alone."""
    import hashlib
    import hmac

    from vault.sealing.slow import stretch_passcode
    from vault.sealing.suite import unwrap

    def lp(*parts):
        return b"".join(len(one).to_bytes(2, "big") + one for one in parts)

    def expand(key, info, length=32):
        return hmac.digest(key, info + b"\x01", "sha256")[:length]

    _, link = gives_a_link(services, ana, flags="P")
    with services.reading() as work:
        row = work.session.scalar(sa.select(HealthLinkRow))
    assert row.id == expand(link.address, lp(b"phr1/tok/id", b"shl"), 16)
    pepper = services.secrets.pepper
    stretched = stretch_passcode(link.passcode, salt=row.salt, pepper=pepper, link_id=row.id)
    opening = expand(hmac.digest(stretched, link.address, hashlib.sha256), b"phr1/shl/open")
    assert row.commitment == expand(opening, b"phr1/shl/commit", 16)
    assert unwrap(opening, row.key_ct, "shl-key", row.id) == link.key
    opened = health_links.open_link(services, link.address, link.passcode)
    assert opened.token == expand(opening, b"phr1/shl/token")
    name = hmac.digest(expand(opening, b"phr1/shl/reader"), lp(b"Dr. Bo"), "sha256")
    assert opened.reader_id("Dr. Bo") == name[:16]


@pytest.mark.parametrize("column", ["owner_ct", "grant_ct", "key_ct"])
def test_ciphertexts_moved_from_another_link_open_nothing_even_to_who_can_sign_rows(services, ana, column):
    (grant, link), (_, other) = gives_a_link(services, ana), gives_a_link(services, ana)
    with services.work() as work:
        mine, theirs = (work.session.get(HealthLinkRow, one.id) for one in (link, other))
        setattr(mine, column, getattr(theirs, column))
        mine.row_mac = health_links._mac(work, mine)

    def shown_and_opened():
        with services.reading() as work:
            health_links.link_of_grant(work, ana, grant.grant_id)
        health_links.open_link(services, link.address, "")

    with pytest.raises(Tampered):
        shown_and_opened()


def test_a_file_moved_to_another_link_or_named_otherwise_opens_nothing(services, ana):
    (_, link), (_, other) = gives_a_link(services, ana), gives_a_link(services, ana)
    opened = health_links.open_link(services, link.address, "")
    with services.work() as work:
        secrets = [health_links.add_file(work, opened, "bundle", seconds=3600) for _ in range(2)]
        moved, renamed = (work.session.get(HealthFileRow, derive.token_id(one, "shl-file")) for one in secrets)
        moved.link, renamed.what = other.id, "access"
    for secret in secrets:
        with services.reading() as work, pytest.raises(Tampered):
            health_links.open_file(work, secret)
