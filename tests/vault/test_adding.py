"""What people add to their own vault: theirs at once, theirs alone, and given only by name."""

import os

import pytest

from tests.vault import given
from tests.vault.owners import a_document, a_picture, a_vault
from vault import adding, audit, custody, reading, sharing
from vault.audit import Actor, Did
from vault.catalogue import open_catalogue
from vault.errors import BrokenRecord, NotThere
from vault.keyring import KeyClass
from vault.receiving import Receiving
from vault.record import first_record, lock_vault, write_record
from vault.settling import settle
from vault.tables import IngestRow, ScopeRow

STUDY = "1.2.3"
services = given.both_databases


@pytest.fixture
def ana(services):
    with services.work() as work:
        keyring = a_vault(work)
        audit.record(work, owner=keyring.owner, did=Did.SIGNED_UP, by=Actor("patient", keyring.vault_id))
        first_record(work, keyring, lock_vault(work, keyring.vault_id))
    return keyring


def adds(services, keyring, *objects, study=STUDY):
    batch = adding.open_own_batch(services, keyring, study)
    with Receiving(services, None) as receiving:
        kept = [receiving.instance(batch, one) for one in objects]
        receiving.commit()
    return batch, kept


def octets_of(services, keyring, uid):
    with services.reading() as work:
        found = reading.find_instance(work, keyring, STUDY, "1.2.3.1", uid)
    with found.octets.opened(services.blobs) as opened:
        return b"".join(opened.iter())


def test_what_is_added_is_read_back_and_says_who_added_it(services, ana):
    picture = os.urandom(70_003)
    batch, kept = adds(services, ana, a_picture("1.1", picture))
    assert kept == ["stored"]
    assert octets_of(services, ana, "1.1") == picture
    with services.work() as work:
        settle(work, ana)
        [study] = open_catalogue(work, ana).studies
        assert study.site_id is None
        [event] = [one for one in audit.events(work, ana.owner) if one.did is Did.RECEIVED]
        assert (event.by.kind, event.to) == ("patient", batch.study_id)
        assert work.session.query(IngestRow).count() == 0  # its owner's key is the only way to it


def test_the_same_disc_again_goes_on_where_it_stopped(services, ana):
    first, _ = adds(services, ana, a_picture("1.1", b"a" * 10), a_document("1.9", b"words"))
    again, kept = adds(
        services, ana, a_picture("1.1", b"a" * 10), a_document("1.9", b"words"), a_picture("1.2", b"b" * 10)
    )
    assert again.id == first.id
    assert kept == ["already", "already", "stored"]


def test_nobody_else_reads_it(services, ana):
    adds(services, ana, a_picture("1.1", b"a" * 10))
    with services.work() as work:
        stranger = a_vault(work)
    with services.reading() as work:
        assert open_catalogue(work, stranger).studies == ()
        with pytest.raises(NotThere):
            reading.find_instance(work, stranger, STUDY, "1.2.3.1", "1.1")


def test_a_rule_for_new_scans_does_not_give_what_the_patient_adds(services, ana):
    adds(services, ana, a_picture("1.1", b"a" * 10))
    with services.work() as work:
        settle(work, ana)
        terms = sharing.GrantTerms(
            study_ids=tuple(ana.study_ids(work)),
            classes=frozenset(KeyClass),
            view_only=False,
            standing=sharing.Standing(),
            not_before=work.now,
            expires=None,
        )
        grant = sharing.new_grant(work, ana, terms)
        write_record(work, ana)
    adds(services, ana, a_picture("9.1", b"c" * 10), study="1.2.9")
    adds(services, ana, a_picture("1.2", b"b" * 10))
    with services.work() as work:
        settle(work, ana)
        assert [study.uid for study in open_catalogue(work, grant).studies] == [STUDY]
    assert octets_of(services, grant, "1.2") == b"b" * 10  # more of a scan that was shared by name


def test_a_scope_that_somebody_moved_takes_nothing_in(services, ana):
    adds(services, ana, a_picture("1.1", b"a" * 10))
    with services.work() as work:
        other = a_vault(work)
        work.session.query(ScopeRow).update({"owner": other.vault_id})
    with pytest.raises(BrokenRecord):
        adding.open_own_batch(services, other, STUDY)


def test_what_was_added_can_be_removed_and_added_again(services, ana):
    batch, _ = adds(services, ana, a_picture("1.1", b"a" * 10))
    with services.work() as work:
        custody.forget_study(work, [batch.study_id], owner=ana, by=Actor("patient", ana.vault_id))
    _, kept = adds(services, ana, a_picture("1.1", b"a" * 10))
    assert kept == ["stored"]
