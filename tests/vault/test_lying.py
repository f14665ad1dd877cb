"""Finding pictures in as few questions as there are, and none that belong to others."""

import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault import given
from tests.vault.owners import a_picture, a_site, a_vault, link, push
from vault import reading, sharing
from vault.errors import BrokenRecord, NotThere
from vault.facts import PersonFacts
from vault.held_open import HeldOpen
from vault.joined import Joined, Part
from vault.keyring import KeyClass
from vault.sealing.errors import Tampered
from vault.sharing import GrantTerms
from vault.tables import BatchKeyRow, ScopeRow, StudyRow
from vault.tables_sharing import GrantKeyRow

BEN = PersonFacts(name="Sample^Ben", born="19850615", sex="M", mrn="MRN-9")
HERS, HIS = os.urandom(3 << 20), os.urandom(1000)
services = given.both_databases


@pytest.fixture
def knee(services, ana):
    site = a_site(services)
    link(services, site.site, ana)
    return push(services, site, a_picture("1.1", HERS)).study_id


def give(services, owner, *study_ids):
    with services.work() as work:
        ends = work.now + timedelta(hours=4)
        return sharing.new_grant(work, owner, GrantTerms(study_ids, frozenset(KeyClass), True, None, work.now, ends))


def octets_of(services, keyring, uid="1.1"):
    with services.reading() as work:
        found = reading.find_instance(work, keyring, "1.2.3", "1.2.3.1", uid)
    with found.octets.opened(services.blobs) as opened:
        return opened.read(0, opened.length)


def test_the_same_uid_at_two_people_is_each_ones_own(services, ana, knee):
    with services.work() as work:
        ben = a_vault(work)
    other = a_site(services, "Hill Clinic")
    link(services, other.site, ben, BEN)
    his = push(services, other, a_picture("1.1", HIS), person=BEN).study_id
    assert octets_of(services, ana) == HERS
    assert octets_of(services, ben) == HIS
    assert octets_of(services, give(services, ana, knee)) == HERS
    assert octets_of(services, give(services, ben, his)) == HIS
    with services.reading() as work:
        assert ana.holding(work, [knee, his]) == {knee}
        assert ben.holding(work, [knee, his]) == {his}


def test_pictures_of_many_sites_are_found_in_one_question(services, ana, knee):
    for number in range(4):  # with the first five scopes, which is no power of two
        site = a_site(services, f"Site {number}")
        link(services, site.site, ana)
        push(services, site, a_picture(f"1.1{number}", HIS + bytes([number])))
    assert octets_of(services, ana) == HERS
    assert octets_of(services, ana, "1.13") == HIS + b"\3"
    with services.reading() as work:
        assert len(reading.find_instances(work, ana, "1.2.3")) == 5


def test_a_key_from_elsewhere_opens_no_picture(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        for row in work.session.scalars(sa.select(GrantKeyRow)):
            row.ct = row.ct[:-1] + bytes([row.ct[-1] ^ 1])
        work.session.scalar(sa.select(BatchKeyRow).where(BatchKeyRow.owner == ana.vault_id)).row_mac = bytes(16)
    with pytest.raises(BrokenRecord):
        octets_of(services, ana)
    with pytest.raises(Tampered):
        octets_of(services, grant)


def test_a_scope_that_goes_to_another_takes_its_pictures_along(services, ana, knee):
    with services.work() as work:
        ben = a_vault(work)
        work.session.scalar(sa.select(ScopeRow).where(ScopeRow.owner == ana.vault_id)).owner = ben.vault_id
    with pytest.raises(NotThere):
        octets_of(services, ana)


def test_what_this_work_has_added_is_found_by_it(services, ana, knee):
    question = Joined(Part(StudyRow, only={"id"}), found=lambda wanted: wanted)
    with services.work() as work:
        before = work.session.get_one(StudyRow, knee)
        work.session.add(StudyRow(id=bytes(16), scope=before.scope, uid_bi=os.urandom(16), created=work.now))
        assert {study.id for (study,) in question.rows(work)} == {knee, bytes(16)}
    with services.reading() as work:
        (plain,) = question.rows(work)[:1]
        assert repr(plain[0]) == "StudyRow(…)"
        assert work.session.get(StudyRow, knee) is not None  # the same transaction, with a session after all


def test_pieces_stay_what_they_were_while_others_are_read(services, ana, knee):
    with services.reading() as work:
        found = reading.find_instance(work, ana, "1.2.3", "1.2.3.1", "1.1")
    source = HeldOpen(services.blobs)
    with found.octets.opened(source) as opened:
        pieces = list(opened.iter())
    with found.octets.opened(source) as again:
        assert again.read(1 << 20, 10) == HERS[1 << 20 : (1 << 20) + 10]
    source.close()
    assert len(pieces) == 3
    assert all(type(piece) is bytes for piece in pieces)
    assert b"".join(pieces) == HERS
