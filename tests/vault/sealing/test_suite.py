"""What is sealed opens with the right key in the right place, and nowhere else."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.sealing.derive import lp
from vault.sealing.errors import SealingError, Tampered, UnknownSuite
from vault.sealing.suite import (
    CheckpointKey,
    KeyPair,
    SigningKey,
    open_sealed,
    seal,
    unwrap,
    verify_checkpoint,
    verify_signature,
    wrap,
)

ANNA, BEN = KeyPair.from_seed(b"a" * 32), KeyPair.from_seed(b"b" * 32)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SECRET = bytes(range(32))


def id16(letter: str) -> bytes:
    return letter.encode() * 16


VAULT, SLOT, BATCH, CLAIM, SCOPE, TOKEN, GRANT, HOLDER, SESSION, LINK, ROW, ACCOUNT, MEMBER = map(id16, "VSBCOTGHELRAM")

# The table of docs/format.md 1: every column that holds ciphertext, by form and kind, with its context.
SEALED = [
    ("slot", (VAULT, SLOT, "password")),
    ("vault", (VAULT, BATCH)),
    ("claim", (CLAIM, BATCH)),
    ("site", (SCOPE, BATCH)),
    ("grant", (GRANT, BATCH, "img")),
    ("holder", (GRANT, HOLDER, "provider")),
    ("org", (MEMBER,)),
]
WRAPPED = [
    ("sess", (SESSION, VAULT)),
    ("vault", (VAULT, BATCH)),
    ("ingest", (BATCH, TOKEN)),
    ("pin", (CLAIM, TOKEN)),
    ("grant", (GRANT, BATCH, "img")),
    ("holder", (GRANT, HOLDER, "at")),
    ("record", (VAULT,)),
    ("lib", (VAULT, "link", ROW, "display")),
    ("shl", (VAULT, LINK)),
    ("mail", (ACCOUNT,)),
]
KINDS = sorted({kind for kind, _ in SEALED + WRAPPED})


def other_places(kind: str, context: tuple) -> list[tuple[str, tuple]]:
    """The same octets in another row, column or role: one part changed, left out, added, or two swapped."""
    changed = [
        (kind, (*context[:place], "elsewhere" if isinstance(part, str) else id16("x"), *context[place + 1 :]))
        for place, part in enumerate(context)
    ]
    swapped = [(kind, (context[1], context[0], *context[2:]))] if len(context) > 1 else []
    joined = [(kind, (context[0] + context[1], *context[2:]))] if len(context) > 1 and context[1:2] != ("link",) else []
    return [
        *changed,
        *swapped,
        *joined,
        (kind, context[:-1]),
        (kind, (*context, b"")),
        *((other, context) for other in KINDS if other != kind),
    ]


@pytest.mark.parametrize(("kind", "context"), SEALED, ids=lambda part: part if isinstance(part, str) else "")
def test_what_is_sealed_for_one_place_opens_in_no_other(kind, context):
    sealed = seal(ANNA.public, SECRET, kind, *context)
    assert open_sealed(ANNA, sealed, kind, *context) == ANNA.open(sealed, kind, *context) == SECRET
    for other_kind, other_context in other_places(kind, context):
        with pytest.raises(Tampered):
            open_sealed(ANNA, sealed, other_kind, *other_context)
    with pytest.raises(Tampered):
        open_sealed(BEN, sealed, kind, *context)


@pytest.mark.parametrize(("kind", "context"), WRAPPED, ids=lambda part: part if isinstance(part, str) else "")
def test_what_is_wrapped_for_one_place_unwraps_in_no_other(kind, context):
    wrapped = wrap(KEY, SECRET, kind, *context)
    assert unwrap(KEY, wrapped, kind, *context) == SECRET
    for other_kind, other_context in other_places(kind, context):
        with pytest.raises(Tampered):
            unwrap(KEY, wrapped, other_kind, *other_context)
    with pytest.raises(Tampered):
        unwrap(OTHER_KEY, wrapped, kind, *context)


def test_a_slot_sealed_as_one_kind_does_not_open_as_another():
    sealed = seal(ANNA.public, SECRET, "slot", VAULT, SLOT, "guardian")
    with pytest.raises(Tampered):
        open_sealed(ANNA, sealed, "slot", VAULT, SLOT, "password")


def test_a_key_takes_the_room_the_tables_expect():
    assert len(seal(ANNA.public, SECRET, "vault", VAULT, BATCH)) == 1169
    assert len(wrap(KEY, SECRET, "vault", VAULT, BATCH)) == 61
    assert len(ANNA.public) == 1216


def test_the_same_secret_is_never_sealed_to_the_same_octets():
    assert seal(ANNA.public, SECRET, "vault") != seal(ANNA.public, SECRET, "vault")
    assert len({wrap(KEY, SECRET, "vault")[1:13] for _ in range(50)}) == 50


@given(st.integers(0, 1169 * 8 - 1))
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_of_a_seal_is_noticed(bit):
    sealed = bytearray(SEALED_ONCE)
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Tampered):
        open_sealed(ANNA, bytes(sealed), "vault", VAULT, BATCH)


SEALED_ONCE = seal(ANNA.public, SECRET, "vault", VAULT, BATCH)


def test_any_flipped_bit_of_a_wrap_is_noticed():
    wrapped = wrap(KEY, SECRET, "vault", VAULT, BATCH)
    for bit in range(len(wrapped) * 8):
        changed = bytearray(wrapped)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            unwrap(KEY, bytes(changed), "vault", VAULT, BATCH)


@pytest.mark.parametrize("kept", [0, 1, 2, 12, 13, 28, 29, 60])
def test_a_wrap_cut_short_does_not_unwrap(kept):
    with pytest.raises(Tampered):
        unwrap(KEY, wrap(KEY, SECRET, "vault")[:kept], "vault")


@pytest.mark.parametrize("kept", [0, 1, 2, 1120, 1121, 1136, 1137, 1168])
def test_a_seal_cut_short_does_not_open(kept):
    with pytest.raises(Tampered):
        open_sealed(ANNA, seal(ANNA.public, SECRET, "vault")[:kept], "vault")


@pytest.mark.parametrize("suite", [0, 2, 255])
def test_an_unknown_suite_is_refused_by_name(suite):
    with pytest.raises(UnknownSuite):
        unwrap(KEY, bytes([suite]) + wrap(KEY, SECRET, "vault")[1:], "vault")
    with pytest.raises(UnknownSuite):
        open_sealed(ANNA, bytes([suite]) + seal(ANNA.public, SECRET, "vault")[1:], "vault")


@pytest.mark.parametrize(
    "public", [b"", ANNA.public[:-1], ANNA.public + b"x", ANNA.public[:1184] + bytes(32), b"\xff" * 1216]
)
def test_nothing_is_sealed_to_what_is_no_public_half(public):
    with pytest.raises(Tampered):
        seal(public, SECRET, "vault")


def test_a_pair_knows_its_public_half():
    assert ANNA.matches(KeyPair.from_seed(b"a" * 32).public)
    assert not ANNA.matches(BEN.public)
    assert not ANNA.matches(b"")


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_is_refused_before_use(length):
    for use in (
        lambda: wrap(bytes(length), SECRET, "vault"),
        lambda: unwrap(bytes(length), wrap(KEY, SECRET, "vault"), "vault"),
        lambda: KeyPair.from_seed(bytes(length)),
    ):
        with pytest.raises((ValueError, Tampered)):
            use()


def test_a_nonce_of_another_length_is_refused():
    from vault.sealing.suite import _wrap_with

    for length in (0, 8, 11, 13, 16):
        with pytest.raises(ValueError):
            _wrap_with(bytes(length), KEY, SECRET, b"")


def test_a_signature_stands_for_one_message_and_one_key():
    anna, ben = SigningKey.from_seed(b"a" * 32), SigningKey.from_seed(b"b" * 32)
    signature = anna.sign(b"I share this scan")
    assert (len(anna.public), len(signature)) == (32, 64)
    verify_signature(anna.public, b"I share this scan", signature)
    for public, message, signed in [
        (ben.public, b"I share this scan", signature),
        (anna.public, b"I share all scans", signature),
        (anna.public, b"I share this scan", signature[:-1]),
        (anna.public[:-1], b"I share this scan", signature),
        (anna.public, b"I share this scan", bytes(64)),
    ]:
        with pytest.raises(Tampered):
            verify_signature(public, message, signed)


def test_a_checkpoint_needs_both_signatures():
    key, other = CheckpointKey.from_seed(b"c" * 32), CheckpointKey.from_seed(b"d" * 32)
    signature, forged = key.sign(b"text"), other.sign(b"text")
    verify_checkpoint(key.public, b"text", signature)
    assert len(signature) == 2 + 64 + 2 + 3309
    ours, theirs = (signature[2:66], signature[68:]), (forged[2:66], forged[68:])
    for changed in (
        forged,
        lp(ours[0], theirs[1]),
        lp(theirs[0], ours[1]),
        lp(ours[0]),
        lp(ours[0], b""),
        lp(*ours) + b"x",
        signature[:-1],
        signature[:1],
        b"",
    ):
        with pytest.raises(Tampered):
            verify_checkpoint(key.public, b"text", changed)
    with pytest.raises(Tampered):
        verify_checkpoint(key.public, b"another text", signature)
    with pytest.raises(Tampered):
        verify_checkpoint(b"", b"text", signature)


@pytest.mark.parametrize("keeper", [KeyPair, SigningKey, CheckpointKey])
def test_a_key_shows_nothing_and_is_never_written_out(keeper):
    key = keeper.from_seed(b"a" * 32)
    for shown in (repr(key), str(key), f"{key}", f"{key!r:>9}", f"{key:>9}", repr([key])):
        assert "…" in shown
        assert "0x" not in shown
        assert "61" not in shown
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never written out"):
            write(key)
    with pytest.raises(AttributeError):
        key.public = b""


def test_what_does_not_open_tells_nothing_about_why():
    sealed = seal(ANNA.public, SECRET, "vault")
    told = set()
    for pair, octets, kind in [(BEN, sealed, "vault"), (ANNA, sealed, "claim"), (ANNA, sealed[:-1], "vault")]:
        with pytest.raises(SealingError) as error:
            open_sealed(pair, octets, kind)
        told.add((type(error.value), str(error.value)))
    assert len(told) == 1
