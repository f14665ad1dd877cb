"""What an opened owner holds, and that none of it leaks."""

import copy
import os
import pickle

import pytest

from tests.vault.owners import a_picture, a_site, a_vault, link, push
from vault.errors import BrokenRecord, NoKey, NotThere
from vault.ids import new_id, parse_id
from vault.keyring import GrantKeyring, KeyClass, canonical_json, classes_from
from vault.sealing.errors import Tampered
from vault.secrets import Secrets
from vault.tables import BatchKeyRow, FieldRow


@pytest.fixture
def ana(services):
    with services.work() as work:
        return a_vault(work)


@pytest.mark.parametrize("which", ["vault", "grant"])
def test_a_keyring_is_neither_printed_nor_pickled_nor_copied(ana, which):
    key = os.urandom(32)
    keyring = ana if which == "vault" else GrantKeyring(os.urandom(16), key)
    assert repr(keyring) == f"{type(keyring).__name__}(…)"
    assert key.hex() not in f"{keyring!r} {keyring}"
    for losing in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            losing(keyring)


def test_the_settings_keys_are_neither_printed_nor_pickled(secrets):
    for key in (secrets.pepper, secrets.index_key, secrets.mail_key, secrets.audit_key):
        assert key.hex() not in repr(secrets)
        assert repr(key) not in repr(secrets)
    with pytest.raises(TypeError):
        pickle.dumps(secrets)


def test_the_settings_keys_are_whole_or_refused():
    good = os.urandom(32)
    with pytest.raises(ValueError, match="32 octets"):
        Secrets({1: good}, 1, good, good, good[:31])
    with pytest.raises(ValueError, match="newest pepper"):
        Secrets({1: good}, 2, good, good, good)


def test_a_word_is_kept_for_its_owner_and_its_subject(services, ana):
    grant = os.urandom(16)
    with services.work() as work:
        ana.keep_field(work, "label", "for Dr. Lee", subject=grant)
        ana.keep_field(work, "label", "mine")
        ana.keep_field(work, "label", "mine, really")
        assert ana.field(work, "label") == "mine, really"
        assert ana.fields(work, "label") == {grant: "for Dr. Lee", ana.vault_id: "mine, really"}
        assert ana.field(work, "name") is None
        assert a_vault(work).field(work, "label") is None
        assert b"Lee" not in work.session.get(FieldRow, (ana.vault_id, grant, "label")).ct


def test_a_word_moved_to_another_name_does_not_open(services, ana):
    with services.work() as work:
        ana.keep_field(work, "name", "Ana Perez")
        work.session.get(FieldRow, (ana.vault_id, ana.vault_id, "name")).name = "label"
    with services.reading() as work, pytest.raises(Tampered):
        ana.field(work, "label")


def test_a_root_key_that_this_server_did_not_seal_opens_nothing(services, ana):
    site = a_site(services)
    link(services, site.site, ana)
    batch = push(services, site, a_picture("1.1", b"x"))
    with services.reading() as work:
        assert ana.root_key(work, batch.id) == batch.root_key
    with services.work() as work:  # sealed by a stranger, under the right context
        thief = a_vault(work)
        work.session.get(BatchKeyRow, (batch.id, "vault", ana.vault_id)).ct = thief.seal_master_to(
            ana.pair.public, "vault", ana.vault_id, batch.id
        )
    with services.reading() as work, pytest.raises(BrokenRecord):
        ana.class_key(work, batch.id, KeyClass.META)
    with services.reading() as work, pytest.raises(NoKey):
        thief.root_key(work, batch.id)


def test_one_value_has_one_text_and_a_number_with_a_point_has_none():
    assert canonical_json({"b": [1, None, True], "a": "é"}) == '{"a":"é","b":[1,null,true]}'
    with pytest.raises(ValueError, match="canonical"):
        canonical_json([1.5])


def test_the_bits_of_a_grant_name_its_classes():
    assert list(classes_from(5)) == [KeyClass.META, KeyClass.REPORTS]
    assert list(classes_from(0)) == []


def test_an_identifier_is_read_as_it_is_written_and_no_other_way():
    made = new_id()
    assert parse_id(made.hex()) == made
    for text in ("", "0" * 31, "0" * 33, made.hex().upper() + "g", "g" * 32, "ABCDEF" * 5 + "AB", "٠" * 32):
        with pytest.raises(NotThere):
            parse_id(text)
