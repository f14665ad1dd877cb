"""Keys that follow from keys stay apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.sealing import derive
from vault.sealing.canonical import canonical_json

KEY = b"k" * 32
SITE, SCOPE = b"s" * 16, b"c" * 16

PART = st.one_of(st.binary(max_size=12), st.text(max_size=6), st.integers(0, 2**64 - 1))


def octets(part) -> bytes:
    return part.encode() if isinstance(part, str) else part.to_bytes(8, "big") if isinstance(part, int) else part


@settings(max_examples=50, deadline=None)
@given(st.lists(PART, max_size=5), st.lists(PART, max_size=5))
def test_two_lists_of_parts_are_joined_alike_only_if_they_are_alike(ours, theirs):
    alike = list(map(octets, ours)) == list(map(octets, theirs))
    assert (derive.lp(*ours) == derive.lp(*theirs)) == alike


def test_a_part_has_at_most_65535_octets():
    assert len(derive.lp(bytes(65_535))) == 65_537
    with pytest.raises(ValueError):
        derive.lp(bytes(65_536))


def test_text_that_cannot_be_written_is_refused_without_repeating_it():
    with pytest.raises(ValueError) as error:
        derive.lp("my password \ud800")
    assert error.type is ValueError
    assert "password" not in str(error.value)
    assert error.value.__suppress_context__


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_number_is_a_u64(number):
    with pytest.raises(OverflowError):
        derive.lp(number)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_nothing_follows_from_a_key_of_another_length(length):
    for follow in (
        lambda: derive.expand(bytes(length), "phr1/x"),
        lambda: derive.check_value(bytes(length)),
        lambda: derive.dummy_salt(bytes(length), b""),
    ):
        with pytest.raises(ValueError):
            follow()


def test_no_two_labels_are_the_same():
    values = [label.value for label in derive.Label.__members__.values()]
    assert len(values) == len(set(values)) == len(derive.Label)
    assert all(value.startswith("phr1/") for value in values)


def test_every_derivation_from_one_key_gives_something_else():
    made = [
        *(make(KEY) for make in (derive.vault_kem_seed, derive.vault_library_key, derive.vault_catalogue_key)),
        *(make(KEY) for make in (derive.vault_signing_seed, derive.duplicate_key, derive.grant_wrap_key)),
        *(make(KEY) for make in (derive.grant_kem_seed, derive.session_id, derive.session_key, derive.session_csrf)),
        *(make(KEY) for make in (derive.slot_kem_seed, derive.claim_kem_seed, derive.code_key)),
        *(make(KEY) for make in (derive.code_commitment, derive.check_value)),
        *(derive.class_key(KEY, key_class) for key_class in ("meta", "img", "rep")),
        derive.series_key(KEY, SCOPE),
        *(derive.token_id(KEY, kind) for kind in ("rt", "authz", "shl-at", "at", "site")),
        *(derive.token_key(KEY, kind) for kind in ("rt", "authz", "shl-at", "at", "site")),
        derive.uid_index(KEY, SCOPE, "1.2"),
        derive.content_mac(KEY, SCOPE, b"1.2"),
        derive.duplicate_mac(KEY, SCOPE, b"1.2"),
        derive.login_index(KEY, "1.2"),
        derive.counter_index(KEY, SCOPE, "1.2"),
        derive.row_mac(KEY, "link", SCOPE, "1.2"),
        derive.dummy_salt(KEY, b"1.2"),
    ]
    assert len({value[:16] for value in made}) == len(made)


def test_a_uid_has_another_index_in_another_scope():
    assert derive.uid_index(KEY, SCOPE, "1.2") != derive.uid_index(KEY, SITE, "1.2")


@pytest.mark.parametrize("typed", ["anna@example.org", " Anna@Example.ORG\n", "ａｎｎａ@example.org"])
def test_a_name_is_found_however_it_was_typed(typed):
    assert derive.login_index(KEY, typed) == derive.login_index(KEY, "ANNA@EXAMPLE.ORG")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=8))
def test_a_folded_name_stays_as_it_is(name):
    assert derive.folded(derive.folded(name)) == derive.folded(name)


def test_two_names_are_two_accounts():
    assert derive.login_index(KEY, "anna@example.org") != derive.login_index(KEY, "anne@example.org")


def test_a_row_with_one_field_moved_has_another_mac():
    mac = derive.row_mac(KEY, "link", SCOPE, b"ab", b"c")
    assert mac != derive.row_mac(KEY, "link", SCOPE, b"a", b"bc")
    assert mac != derive.row_mac(KEY, "claim", SCOPE, b"ab", b"c")
    assert mac != derive.row_mac(KEY, "link", SITE, b"ab", b"c")


def test_a_statement_is_bound_to_its_vault():
    assert derive.grant_statement(SCOPE, b"{}") != derive.grant_statement(SITE, b"{}")
    longest = b"{" * derive.LONGEST_PART
    signed = {derive.grant_statement(SCOPE, longest + more) for more in (b"", b"1", b"2")}
    assert len(signed) == 3
    assert [len(one) < 200 for one in sorted(signed, key=len)] == [True, True, False]


def test_json_has_one_form():
    assert canonical_json({"b": [1, True, None], "a": "Müller\n"}) == '{"a":"Müller\\n","b":[1,true,null]}'.encode()
    assert canonical_json({"\uffff": 1, "\U00010000": 2}).decode().index("\uffff") == 2


@pytest.mark.parametrize("value", [1.0, {"a": [0.5]}, {1: "a"}, {"a": {None: 1}}, b"a", {"a": {1, 2}}, float("nan")])
def test_what_has_no_one_form_is_refused(value):
    with pytest.raises(ValueError):
        canonical_json(value)
