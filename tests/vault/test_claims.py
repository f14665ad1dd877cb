"""A slip takes what a site left, once, for whoever holds it and knows the birth date."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.fakes import FrozenClock
from tests.vault.owners import ANA, PushingSite, a_picture, a_site, a_vault, begin, push
from vault import accounts, audit
from vault.audit import Actor, Did
from vault.claims import Issued, Taken, expire, issue, reissue, status, take
from vault.database import Services
from vault.errors import BrokenRecord, ClaimExpired, ClaimUsed, Wait, WrongBirthDate, WrongPin, WrongSealSeed
from vault.ids import Id, new_id
from vault.keyring import WRAPPED_KEY_OCTETS, Owner, OwnerKind, VaultKeyring
from vault.links import links_of
from vault.patients import SitePatient, identify
from vault.sealing.codes import ClaimPin
from vault.sites import rekey_site
from vault.tables import BatchKeyRow, BlobRow, ClaimRow, IngestRow, LinkRow, ScopeRow, StudyRow

HERE = "192.0.2.7"
SOMEONE_ELSE = replace(ANA, born="19460201")


def known(services: Services, site: PushingSite, person=ANA) -> SitePatient:
    return identify(services.secrets, site.site, mrn=person.mrn, issuer=person.issuer, born=person.born or None)


def asked(services: Services, site: PushingSite, person=ANA, *, days: int = 90) -> dict:
    return {
        "site": site.site,
        "patient": known(services, site, person),
        "born": person.born or None,
        "days": days,
        "seal_seed": site.seed,
        "by": Actor("site", site.site.id),
    }


def a_slip(services: Services, site: PushingSite, person=ANA) -> Issued:
    return issue(services, **asked(services, site, person))


def an_owner(services: Services) -> VaultKeyring:
    with services.work() as work:
        keyring = a_vault(work)
        keyring.keep_field(work, "name", "Ana Perez")
        return keyring


def taken(
    services: Services, pin: ClaimPin, keyring: VaultKeyring, *, born: str = ANA.born, source: str = HERE
) -> Taken:
    return take(services, pin=pin, born=born, keyring=keyring, account_id=keyring.vault_id, source=source)


def standing(services: Services, site: PushingSite):
    return status(services, patient=known(services, site))


def another_pin(pin: ClaimPin) -> ClaimPin:
    return ClaimPin.new(pin.locator)


def owners_of_keys(services: Services) -> list[str]:
    with services.reading() as work:
        return sorted(work.session.scalars(sa.select(BatchKeyRow.owner_kind)))


# -- the main path ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["push", "slip"])
def test_pin_and_birth_date_bring_the_scan_into_the_vault_whichever_came_first(services: Services, first: str):
    site, ana = a_site(services), an_owner(services)
    picture = a_picture("1.2.3.4", os.urandom(3000))
    if first == "push":
        batch = push(services, site, picture)
        slip = a_slip(services, site)
        assert slip.studies == 1
    else:
        slip = a_slip(services, site)
        batch = push(services, site, picture)
        assert batch.owner.kind is OwnerKind.CLAIM
    assert slip.pin is not None
    assert owners_of_keys(services) == ["claim", "site"]
    got = taken(services, slip.pin, ana)
    assert (got.study_ids, got.site_id, got.site_name) == ((batch.study_id,), site.site.id, "Harbor Scan Center")
    assert owners_of_keys(services) == ["vault"]
    with services.reading() as work:
        assert ana.root_key(work, batch.id) == batch.root_key
        assert len(work.session.scalars(sa.select(BatchKeyRow.ct)).one()) == WRAPPED_KEY_OCTETS
        assert work.session.scalars(sa.select(IngestRow.batch)).all() == []
        assert [link.id for link in links_of(work, ana.vault_id)] == [got.link_id]
        assert (ana.field(work, "born", subject=got.link_id), ana.field(work, "name", subject=got.link_id)) == (
            ANA.born,
            "Ana Perez",
        )
        accounts.check_record(work, ana)


def test_after_the_claim_pushes_come_straight_and_no_slip_is_needed(services: Services):
    site, ana = a_site(services), an_owner(services)
    taken(services, a_slip(services, site).pin, ana)
    batch = push(services, site.next_token(services), a_picture("1.2.3.4", b"x"))
    assert batch.owner == ana.owner
    assert a_slip(services, site) == Issued(None, None, None, linked=True, studies=0)
    assert reissue(services, **asked(services, site)).linked
    assert standing(services, site).linked


def test_who_took_what_is_on_three_chains_and_the_site_never_learns_the_vault(services: Services):
    site, ana = a_site(services), an_owner(services)
    slip = a_slip(services, site)
    taken(services, slip.pin, ana)
    with services.reading() as work:
        n, h = audit.head(work, Owner(OwnerKind.CLAIM, slip.claim_id))
        linked, claimed, *_ = audit.events(work, ana.owner)
        assert (linked.did, claimed.did, claimed.to) == (Did.LINKED, Did.CLAIMED, slip.claim_id)
        assert (claimed.detail["claim_n"], claimed.detail["claim_h"]) == (n, h.hex())
        seen_by_site = audit.events(work, site.site.owner)
        assert seen_by_site[0].did is Did.CLAIMED
        assert ana.vault_id.hex() not in repr([(event.by, event.to, event.detail) for event in seen_by_site])


# -- what does not open it --------------------------------------------------------------------------


def test_a_wrong_pin_a_wrong_birth_date_and_an_unknown_slip_open_nothing_and_look_alike(services: Services):
    site, ana = a_site(services), an_owner(services)
    pin = a_slip(services, site).pin
    answers = []
    for tried, born in ((another_pin(pin), ANA.born), (pin, "19580328"), (ClaimPin.new(pin.locator ^ 1), ANA.born)):
        with pytest.raises(WrongPin) as wrong:
            taken(services, tried, ana, born=born)
        answers.append((str(wrong.value), wrong.value.tries_left))
    assert answers == [(answers[0][0], left) for left in (29, 28, 27)]
    assert standing(services, site).state == "open"
    with services.reading() as work:
        assert {event.did for event in audit.events(work, ana.owner)} == {Did.CLAIM_FAILED}
        assert work.session.scalars(sa.select(ClaimRow.fails)).one() == 2
    assert taken(services, pin, ana).site_id == site.site.id


def test_the_eleventh_wrong_try_on_one_slip_waits(services: Services, monkeypatch: pytest.MonkeyPatch):
    site, ana = a_site(services), an_owner(services)
    pin = a_slip(services, site).pin
    for _ in range(10):
        from vault import attempts

        attempts.spend(services, attempts.Limit.CLAIM_SLIP, pin.locator.to_bytes(4, "big"), ana.vault_id)
    with pytest.raises(Wait) as wait:
        taken(services, pin, ana)
    assert wait.value.seconds == 900
    assert taken(services, pin, an_owner(services)).site_id == site.site.id


def test_the_site_is_told_of_the_hundredth_wrong_try(services: Services):
    site, ana = a_site(services), an_owner(services)
    slip = a_slip(services, site)
    with services.work() as work:
        work.session.execute(sa.update(ClaimRow).values(fails=99))
    with pytest.raises(WrongPin):
        taken(services, another_pin(slip.pin), ana)
    assert standing(services, site).many_wrong_tries
    with services.reading() as work:
        assert audit.events(work, site.site.owner)[0].did is Did.CLAIM_FAILED


def test_without_a_known_birth_date_what_is_typed_there_does_not_matter(services: Services):
    site, ana = a_site(services), an_owner(services)
    pin = a_slip(services, site, replace(ANA, born="1958")).pin
    assert taken(services, pin, ana, born="20010101").link_id is not None
    assert begin(services, site.next_token(services), person=ANA).owner == ana.owner


def test_a_used_slip_says_so_to_its_holder_and_both_sides_are_told(services: Services, clock: FrozenClock):
    site, ana, thief = a_site(services), an_owner(services), an_owner(services)
    pin = a_slip(services, site).pin
    taken(services, pin, ana)
    with pytest.raises(ClaimUsed) as used:
        taken(services, pin, thief)
    assert (used.value.day, used.value.site_id) == (clock.now().date().isoformat(), site.site.id)
    with pytest.raises(WrongPin):
        taken(services, another_pin(pin), thief)
    with services.reading() as work:
        for owner in (ana.owner, site.site.owner):
            assert audit.events(work, owner)[0].detail == {"used_before": 1}


@pytest.mark.parametrize("row", ["claim", "batchkey", "scope"])
def test_a_row_written_by_another_hand_is_not_taken(services: Services, row: str):
    site, ana = a_site(services), an_owner(services)
    push(services, site, a_picture("1.2.3.4", b"x"))
    pin = a_slip(services, site).pin
    change = {
        "claim": sa.update(ClaimRow).values(patient_bi=bytes(32)),
        "batchkey": sa.update(BatchKeyRow).values(row_mac=bytes(16)),
        "scope": sa.update(ScopeRow).values(owner=bytes(16)),
    }
    with services.work() as work:
        work.session.execute(change[row])
    with pytest.raises(BrokenRecord):
        taken(services, pin, ana)
    with services.reading() as work:
        assert work.session.scalars(sa.select(ClaimRow.state)).one() == "open"


# -- two at once ------------------------------------------------------------------------------------


def _race(services: Services) -> None:
    site = a_site(services)
    batch = push(services, site, a_picture("1.2.3.4", b"x"))
    pin = a_slip(services, site).pin
    owners = [an_owner(services) for _ in range(8)]

    def grab(place: int) -> str:
        try:
            taken(services, pin, owners[place], source=f"192.0.{place}.1")
        except ClaimUsed:
            return "late"
        return "won"

    with ThreadPoolExecutor(8) as together:
        results = list(together.map(grab, range(8)))
    assert sorted(results) == ["late"] * 7 + ["won"]
    winner = owners[results.index("won")]
    with services.reading() as work:
        assert winner.root_key(work, batch.id) == batch.root_key
        assert [row.vault for row in work.session.scalars(sa.select(LinkRow))] == [winner.vault_id]
        accounts.check_record(work, winner)


def test_of_eight_who_hold_one_slip_exactly_one_takes_it(services: Services):
    _race(services)


@pytest.mark.postgres
def test_of_eight_who_hold_one_slip_exactly_one_takes_it_on_postgresql_too(postgres_services: Services):
    _race(postgres_services)


def _push_while_taken(services: Services) -> None:
    """Every batch acknowledged in the race is one that the winner can open."""
    site, ana = a_site(services), an_owner(services)
    pin = a_slip(services, site).pin
    with ThreadPoolExecutor(4) as together:
        taking = together.submit(taken, services, pin, ana)
        tokens = [site.next_token(services) for _ in range(12)]
        pushes = [together.submit(begin, services, one, study_uid=f"1.2.{n}") for n, one in enumerate(tokens)]
        batches = [one.result() for one in pushes]
        taking.result()
    with services.reading() as work:
        assert [ana.root_key(work, batch.id) for batch in batches] == [batch.root_key for batch in batches]


def test_no_push_is_lost_between_a_claim_and_its_vault(services: Services):
    _push_while_taken(services)


@pytest.mark.postgres
def test_no_push_is_lost_on_postgresql_either(postgres_services: Services):
    _push_while_taken(postgres_services)


def _reissue_while_taken(services: Services) -> None:
    """Whoever is first, nothing is lost, and nobody waits for the other for ever."""
    for _ in range(3):
        site, ana = a_site(services), an_owner(services)
        batch = push(services, site, a_picture("1.2.3.4", b"x"))
        pin = a_slip(services, site).pin
        with ThreadPoolExecutor(2) as together:
            taking = together.submit(taken, services, pin, ana)
            again = together.submit(reissue, services, **asked(services, site)).result()
        if not again.linked:
            assert isinstance(taking.exception(), ClaimExpired)
            taken(services, again.pin, ana)
        with services.reading() as work:
            assert ana.root_key(work, batch.id) == batch.root_key


def test_a_slip_reissued_while_it_is_taken_loses_nothing(services: Services):
    _reissue_while_taken(services)


@pytest.mark.postgres
def test_nor_does_it_on_postgresql(postgres_services: Services):
    _reissue_while_taken(postgres_services)


# -- issuing again ----------------------------------------------------------------------------------


def test_only_the_sites_own_seed_issues_a_slip(services: Services):
    site, other = a_site(services), a_site(services)
    for seed in (other.seed, b"short"):
        with pytest.raises(WrongSealSeed):
            issue(services, **asked(services, site) | {"seal_seed": seed})


def test_a_slip_is_good_for_a_day_to_a_year(services: Services):
    site = a_site(services)
    for days in (0, 366):
        with pytest.raises(ValueError):
            issue(services, **asked(services, site, days=days))


def test_a_second_slip_is_not_issued_while_one_is_open(services: Services):
    site = a_site(services)
    first = a_slip(services, site)
    assert a_slip(services, site) == Issued(first.claim_id, None, first.expires, linked=False, studies=0)
    with pytest.raises(WrongBirthDate):
        a_slip(services, site, SOMEONE_ELSE)


def test_a_reissued_slip_takes_everything_and_the_old_one_nothing(services: Services):
    site, ana = a_site(services), an_owner(services)
    first = a_slip(services, site)
    batch = push(services, site, a_picture("1.2.3.4", b"x"))
    second = reissue(services, **asked(services, site.next_token(services)))
    assert (second.studies, owners_of_keys(services)) == (1, ["claim", "site"])
    with pytest.raises(ClaimExpired):
        taken(services, first.pin, ana)
    assert taken(services, second.pin, ana).study_ids == (batch.study_id,)
    with services.reading() as work:
        assert ana.root_key(work, batch.id) == batch.root_key


def test_a_reissue_mends_a_wrong_birth_date(services: Services):
    site, ana = a_site(services), an_owner(services)
    a_slip(services, site, SOMEONE_ELSE)
    push(services, site, a_picture("1.2.3.4", b"x"), person=SOMEONE_ELSE)
    pin = reissue(services, **asked(services, site)).pin
    assert len(taken(services, pin, ana).study_ids) == 1
    assert begin(services, site.next_token(services), person=ANA).owner == ana.owner


def test_a_reissue_after_the_seed_was_lost_leaves_out_what_nobody_can_open(services: Services):
    site, ana = a_site(services), an_owner(services)
    a_slip(services, site)
    push(services, site, a_picture("1.2.3.4", b"x"))
    with services.work() as work:
        renewed = rekey_site(work, site.site.id)
        from vault.sites import find_site

        again = PushingSite(find_site(work, site.site.id), renewed.seal_seed, site.pusher)
    slip = reissue(services, **asked(services, again))
    assert slip.studies == 0
    push(services, again.next_token(services), a_picture("1.2.3.4", b"x"))
    assert len(taken(services, slip.pin, ana).study_ids) == 1


# -- running out ------------------------------------------------------------------------------------


def test_a_slip_that_has_run_out_takes_nothing_even_before_the_sweep(services: Services, clock: FrozenClock):
    site, ana = a_site(services), an_owner(services)
    pin = a_slip(services, site).pin
    clock.advance(days=90)
    assert standing(services, site).state == "expired"
    with pytest.raises(ClaimExpired):
        taken(services, pin, ana)
    second = a_slip(services, site.next_token(services))
    assert taken(services, second.pin, ana).link_id is not None


def test_what_nobody_took_is_kept_for_a_week_and_then_erased(services: Services, clock: FrozenClock):
    site = a_site(services)
    a_slip(services, site)
    push(services, site, a_picture("1.2.3.4", b"x"))
    clock.advance(days=90)
    assert (expire(services), expire(services)) == (1, 0)
    assert standing(services, site).state == "expired"
    assert standing(services, site).instances == 1
    assert begin(services, site.next_token(services), study_uid="1.2.9").owner.kind is OwnerKind.SITE
    clock.advance(days=7)
    expire(services)
    assert standing(services, site).instances == 0
    with services.reading() as work:
        assert len(work.session.scalars(sa.select(StudyRow.id)).all()) == 1  # the one that came after
        assert work.session.scalars(sa.select(BlobRow.state)).all() == ["freed"]
        assert Did.CLAIM_EXPIRED in [event.did for event in audit.events(work, site.site.owner)]
    clock.advance(days=30)
    expire(services)
    assert standing(services, site).state == "none"


def test_within_the_week_a_reissue_still_brings_everything(services: Services, clock: FrozenClock):
    site, ana = a_site(services), an_owner(services)
    a_slip(services, site)
    push(services, site, a_picture("1.2.3.4", b"x"))
    clock.advance(days=93)
    expire(services)
    slip = reissue(services, **asked(services, site))
    clock.advance(days=5)
    expire(services)
    assert len(taken(services, slip.pin, ana).study_ids) == 1


# -- what the site may know -------------------------------------------------------------------------


def test_a_site_knows_how_its_slip_stands(services: Services, clock: FrozenClock):
    site, ana = a_site(services), an_owner(services)
    assert standing(services, site).state == "none"
    slip = a_slip(services, site)
    push(services, site, a_picture("1.2.3.4", b"x"), a_picture("1.2.3.5", b"y"))
    now = standing(services, site)
    assert (now.state, now.linked, now.studies, now.instances) == ("open", False, 1, 2)
    assert (now.issued, now.expires) == (clock.now(), clock.now() + timedelta(days=90))
    taken(services, slip.pin, ana)
    now = standing(services, site)
    assert (now.state, now.linked, now.studies, now.instances, now.many_wrong_tries) == ("claimed", True, 0, 0, False)


def test_a_live_link_of_another_vault_stays_and_the_scan_goes_to_who_took_it(services: Services):
    site, first, second = a_site(services), an_owner(services), an_owner(services)
    pin = a_slip(services, site).pin
    with services.work() as work:
        claim = work.session.scalars(sa.select(ClaimRow)).one()
        from vault.keyring import row_mac
        from vault.links import link_fields

        link = LinkRow(
            id=new_id(),
            bi=claim.patient_bi,
            dob_check=claim.dob_check,
            vault=first.vault_id,
            site=claim.site,
            scope=claim.scope,
            state="live",
            created=work.now,
        )
        link.row_mac = row_mac(work, "link", link.id, *link_fields(link))
        work.session.add(link)
    assert taken(services, pin, second).link_id is None
    with services.reading() as work:
        assert Id(work.session.scalars(sa.select(LinkRow.vault)).one()) == first.vault_id
        assert audit.events(work, site.site.owner)[0].detail == {"linked_elsewhere": 1}
