"""A site is known by what it registered; only it has the seed of its seal key."""

import pytest
import sqlalchemy as sa

from tests.vault.owners import a_picture, a_site, begin, push
from vault import audit
from vault.audit import Did
from vault.database import Services
from vault.errors import BrokenRecord, NotThere
from vault.ids import new_id
from vault.sealing.suite import KeyPair
from vault.sites import SiteDetails, add_site, all_sites, change_details, find_site, rekey_site, switch_off
from vault.tables import BatchKeyRow, BlobRow, IngestRow, SiteRow, StudyRow

DETAILS = SiteDetails("Harbor", "555 0100", "Europe/Vienna", "Pier 1", "urn:h", {"urn:x": "urn:h"}, "de")


def test_a_site_is_found_as_it_registered(services: Services):
    with services.work() as work:
        made = add_site(work, DETAILS)
    with services.reading() as work:
        site = find_site(work, made.site_id)
        assert [one.id for one in all_sites(work)] == [made.site_id]
        assert audit.events(work, site.owner)[0].did is Did.SITE_ADDED
    assert (site.details, site.active) == (DETAILS, True)
    assert KeyPair.from_seed(made.seal_seed).matches(site.seal_pk)
    assert made.seal_seed.hex() not in repr(made)
    assert repr(made.seal_seed) not in repr(made)


def test_a_site_can_be_described_anew_and_an_unknown_one_is_not_there(services: Services):
    site = a_site(services).site
    with services.work() as work:
        change_details(work, site.id, DETAILS)
        assert find_site(work, site.id).details == DETAILS
        with pytest.raises(NotThere):
            find_site(work, new_id())


def test_a_seal_key_from_elsewhere_is_not_sealed_to(services: Services):
    site = a_site(services).site
    with services.work() as work:
        work.session.execute(sa.update(SiteRow).values(seal_pk=KeyPair.from_seed(bytes(32)).public))
    with services.reading() as work, pytest.raises(BrokenRecord):
        find_site(work, site.id)


def test_no_token_of_a_site_that_is_switched_off_goes_on_with_a_batch(services: Services):
    here, elsewhere = a_site(services), a_site(services)
    begin(services, here)
    kept = begin(services, elsewhere)
    with services.work() as work:
        switch_off(work, here.site.id)
        assert not find_site(work, here.site.id).active
        assert list(work.session.scalars(sa.select(IngestRow.batch))) == [kept.id]


def test_a_site_that_lost_its_seed_can_push_again_what_waited(services: Services):
    site = a_site(services)
    push(services, site, a_picture("1.2.3.4", bytes(5000)))
    with services.work() as work:
        renewed = rekey_site(work, site.site.id)
    assert renewed.seal_seed != site.seed
    with services.reading() as work:
        assert KeyPair.from_seed(renewed.seal_seed).matches(find_site(work, site.site.id).seal_pk)
        assert work.session.scalars(sa.select(StudyRow.id)).all() == []
        assert work.session.scalars(sa.select(BatchKeyRow.batch)).all() == []
        assert work.session.scalars(sa.select(BlobRow.state)).all() == ["freed"]
    push(services, site.next_token(services), a_picture("1.2.3.4", bytes(5000)))
