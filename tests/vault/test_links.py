"""A push reaches the patient it is meant for, or nobody."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.vault.owners import ANA, a_picture, a_site, a_vault, begin, link, push
from vault import audit
from vault.audit import Did
from vault.database import Services
from vault.errors import AmbiguousPatient, BrokenRecord, NotThere
from vault.keyring import OwnerKind
from vault.links import identify, links_of, place_for, unlink
from vault.patients import is_full_date, namespace_of
from vault.secrets import Secrets
from vault.sites import Site, SiteDetails
from vault.tables import LinkRow, ScopeRow, VaultRow

SOMEONE_ELSE = replace(ANA, born="19460201")
NO_BIRTH_DATE = replace(ANA, born="")


def registered(**details: object) -> Site:
    return Site(b"\x0a" * 16, SiteDetails("Harbor", **details), True, b"")


@pytest.mark.usefixtures("true_cost")
def test_the_blind_indexes_are_those_of_the_format():
    secrets = Secrets({1: b"\x11" * 32}, 1, b"\x11" * 32, bytes(32), bytes(32))
    patient = identify(secrets, registered(default_issuer="urn:x"), mrn=" 12345", issuer=None, born="19460201")
    assert patient.bi.hex() == "6ad57dc1b2dcf81b6e9bf503f3c41f3e711d3075927c83060446f6deaebe9c6d"
    assert patient.dob_check == 0x70
    assert "6ad5" not in repr(patient)


def test_half_a_birth_date_is_none(secrets: Secrets):
    assert not is_full_date("1946")
    assert not is_full_date("19461301")
    assert identify(secrets, registered(), mrn="1", issuer=None, born="1946").dob_check is None


def test_what_messages_call_an_authority_is_mapped_to_the_one_meant():
    one = registered(default_issuer="urn:h")
    assert [namespace_of(one, issuer) for issuer in (None, "HARBOR", "urn:x")] == ["urn:h"] * 3
    several = registered(default_issuer="urn:h", issuers={"HARBOR": "urn:h", "LAB": "urn:lab"})
    assert [namespace_of(several, issuer) for issuer in (None, "HARBOR", "LAB", "urn:x")] == [
        "urn:h",
        "urn:h",
        "urn:lab",
        "urn:x",
    ]


def test_what_nobody_claims_waits_with_the_site_in_one_scope(services: Services):
    site = a_site(services)
    first, second = begin(services, site), begin(services, site, study_uid="1.2.4")
    assert first.owner.kind is OwnerKind.SITE
    assert first.scope_id == second.scope_id


def test_a_birth_date_that_comes_later_joins_what_came_without_one(services: Services):
    site = a_site(services)
    without = begin(services, site, person=NO_BIRTH_DATE)
    assert begin(services, site, person=ANA).scope_id == without.scope_id
    assert begin(services, site, person=SOMEONE_ELSE).scope_id != without.scope_id


def test_a_linked_patient_gets_the_push_at_once(services: Services):
    site = a_site(services)
    with services.work() as work:
        keyring = a_vault(work)
    link_id = link(services, site.site, keyring)
    for person in (ANA, NO_BIRTH_DATE):
        assert begin(services, site.next_token(services), person=person).owner == keyring.owner
    with services.reading() as work:
        assert [(one.id, one.site_id) for one in links_of(work, keyring.vault_id)] == [(link_id, site.site.id)]


def test_the_same_number_with_another_birth_date_does_not_reach_the_linked_vault(services: Services):
    site = a_site(services)
    with services.work() as work:
        keyring = a_vault(work)
    link(services, site.site, keyring)
    assert begin(services, site, person=SOMEONE_ELSE).owner.kind is OwnerKind.SITE


def test_without_a_birth_date_two_links_of_one_number_are_refused(services: Services):
    site = a_site(services)
    with services.work() as work:
        one, other = a_vault(work), a_vault(work)
    link(services, site.site, one)
    link(services, site.site, other, SOMEONE_ELSE)
    with pytest.raises(AmbiguousPatient):
        begin(services, site, person=NO_BIRTH_DATE)
    assert begin(services, site, person=SOMEONE_ELSE).owner == other.owner


@pytest.mark.parametrize("row", [LinkRow, ScopeRow, VaultRow])
def test_a_row_written_by_another_hand_delivers_nothing(services: Services, row):
    site = a_site(services)
    with services.work() as work:
        mine, thief = a_vault(work), a_vault(work)
    link(services, site.site, mine)
    changes = {
        LinkRow: {"vault": thief.vault_id},
        ScopeRow: {"owner": thief.vault_id},
        VaultRow: {"vpk": thief.pair.public},
    }
    with services.work() as work:
        work.session.execute(sa.update(row).values(**changes[row]))
    with pytest.raises(BrokenRecord):
        begin(services, site)


def test_an_unlinked_site_waits_for_a_slip_again_and_what_came_stays(services: Services):
    site = a_site(services)
    with services.work() as work:
        keyring, stranger = a_vault(work), a_vault(work)
    link_id = link(services, site.site, keyring)
    before = push(services, site, a_picture("1.2.3.4", b"x"))
    with services.work() as work:
        with pytest.raises(NotThere):
            unlink(work, stranger, link_id)
        unlink(work, keyring, link_id)
        assert links_of(work, keyring.vault_id) == []
        assert audit.events(work, keyring.owner)[0].did is Did.UNLINKED
    after = begin(services, site.next_token(services))
    assert after.owner.kind is OwnerKind.SITE
    assert after.scope_id != before.scope_id
    with services.reading() as work:
        assert before.study_id in keyring.study_ids(work)


@pytest.mark.postgres
def test_on_postgresql_a_push_finds_its_place_too(postgres_services: Services):
    site = a_site(postgres_services)
    patient = identify(postgres_services.secrets, site.site, mrn="1", issuer=None, born="19460201")
    with postgres_services.work() as work:
        first = place_for(work, patient)
    with postgres_services.work() as work:
        assert place_for(work, patient) == first
