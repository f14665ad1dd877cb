"""Objects open whole and in ranges, for their own key and place; whatever was changed is noticed, never shown."""

import hashlib
import os
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.sealing.errors import Tampered, UnknownSuite
from vault.sealing.layout import Shape
from vault.sealing.stream import Kind, SealedObject, Sealer, open_octets, padded, seal_octets, unpadded

LOG2 = 14
S = 1 << LOG2
STEP = S + 16
KEY, STUDY, OBJECT = b"k" * 32, b"s" * 16, b"o" * 16
LENGTHS = [0, 1, S - 1, S, S + 1, 2 * S - 1, 2 * S, 2 * S + 1, 5 * S + 7]
PLAIN = os.urandom(6 * S)
quickly = settings(max_examples=40, deadline=None)


def sealed_of(plain: bytes, **other):
    given_ = {"key32": KEY, "study16": STUDY, "object_id16": OBJECT, "kind": Kind.INSTANCE, "log2": LOG2} | other
    return seal_octets(plain, **given_)


def place(kept, **other) -> dict:
    return {
        "key": KEY,
        "study": STUDY,
        "object_id": OBJECT,
        "kind": Kind.INSTANCE,
        "commitment": kept.commitment,
    } | other


def reader(sealed: bytes, kept, length: int | None = None, **other) -> SealedObject:
    return SealedObject(
        lambda offset, wanted: sealed[offset : offset + wanted],
        kept.length if length is None else length,
        **place(kept, **other),
    )


def assert_refused(sealed: bytes, kept, length: int | None = None, **other) -> None:
    """Whoever reads all of it is told, and nothing but true octets came out before."""
    came_out = bytearray()

    def read_all() -> None:
        for piece in reader(sealed, kept, length, **other).iter():
            came_out.extend(piece)

    with pytest.raises(Tampered):
        read_all()
    assert PLAIN.startswith(bytes(came_out))


# -- what goes in comes out ------------------------------------------------------------------------


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_sealed_comes_back(length):
    plain = PLAIN[:length]
    sealed, kept = sealed_of(plain)
    assert len(sealed) == kept.length
    assert kept.plain_length == length
    assert kept.sha256 == hashlib.sha256(plain).digest()
    whole = reader(sealed, kept)
    assert whole.length == length
    assert whole.read(0, length) == b"".join(whole.iter()) == open_octets(sealed, **place(kept)) == plain
    assert isinstance(whole.read(0, length), bytes)
    assert whole.read(0, length + 1000) == plain


@pytest.mark.parametrize("length", LENGTHS)
def test_the_octets_are_the_same_however_they_arrive(length):
    plain, salt = PLAIN[:length], b"t" * 32
    at_once, _ = sealed_of(plain, salt=salt)
    for size in (997, S - 1, S, S + 1, 3 * S):
        out = bytearray()
        sealer = Sealer(
            out.extend, key32=KEY, study16=STUDY, object_id16=OBJECT, kind=Kind.INSTANCE, log2=LOG2, salt=salt
        )
        for start in range(0, length, size):
            sealer.write(bytearray(plain[start : start + size]))
            sealer.write(b"")
        sealer.close()
        assert bytes(out) == at_once


@quickly
@given(
    st.sampled_from(LENGTHS),
    st.integers(0, 6 * S),
    st.one_of(st.sampled_from([0, 1, S - 1, S, S + 1, 2 * S]), st.integers(0, 6 * S)),
)
def test_any_range_is_that_range(length, offset, wanted):
    sealed, kept = sealed_of(PLAIN[:length])
    whole = reader(sealed, kept)
    if offset > length:
        with pytest.raises(ValueError):
            whole.read(offset, wanted)
        return
    expected = PLAIN[:length][offset : offset + wanted]
    assert whole.read(offset, wanted) == expected
    assert b"".join(whole.iter(offset, wanted)) == expected


@pytest.mark.parametrize("edge", [S, 2 * S])
@pytest.mark.parametrize("before", [-1, 0, 1])
@pytest.mark.parametrize("wanted", [0, 1, 2, S, S + 1])
def test_ranges_at_the_edge_of_a_segment(edge, before, wanted):
    plain, offset = PLAIN[: 3 * S], edge + before
    sealed, kept = sealed_of(plain)
    assert reader(sealed, kept).read(offset, wanted) == plain[offset : offset + wanted]


@pytest.mark.parametrize(("offset", "wanted"), [(-1, 1), (0, -1), (S + 1, 0), (S + 1, 5)])
def test_a_range_outside_the_object_is_a_mistake_of_the_caller(offset, wanted):
    sealed, kept = sealed_of(PLAIN[:S])
    with pytest.raises(ValueError):
        reader(sealed, kept).read(offset, wanted)
    with pytest.raises(ValueError):
        reader(sealed, kept).iter(offset, wanted)


def test_a_frame_fetches_only_its_own_segments():
    sealed, kept = sealed_of(PLAIN)
    asked = []

    def read_at(offset: int, wanted: int) -> memoryview:
        asked.append((offset, wanted))
        return memoryview(sealed)[offset : offset + wanted]

    whole = SealedObject(read_at, kept.length, **place(kept))
    assert whole.read(2 * S + 5, 10) == PLAIN[2 * S + 5 : 2 * S + 15]
    assert asked == [(0, 80), (80 + 2 * STEP, STEP)]


def test_a_long_read_asks_for_a_mebibyte_at_a_time():
    plain = os.urandom(3 << 20)
    sealed, kept = sealed_of(plain, log2=16)
    asked = []

    def read_at(offset: int, wanted: int) -> bytes:
        asked.append(wanted)
        return sealed[offset : offset + wanted]

    pieces = list(SealedObject(read_at, kept.length, **place(kept)).iter())
    assert b"".join(pieces) == plain
    assert {len(piece) for piece in pieces} == {1 << 20}
    assert max(asked) == (1 << 20) + 16 * 16  # sixteen segments with their tags
    assert len(asked) < 8


def test_an_object_is_found_inside_a_pack():
    first, second = sealed_of(PLAIN[: S + 9]), sealed_of(PLAIN[: 2 * S], object_id16=b"2" * 16)
    pack = first[0] + second[0]
    start = len(first[0])
    whole = SealedObject(
        lambda offset, wanted: pack[start + offset : start + offset + wanted],
        second[1].length,
        **place(second[1], object_id=b"2" * 16),
    )
    assert whole.read(0, whole.length) == PLAIN[: 2 * S]
    assert reader(pack, first[1]).read(0, S + 9) == PLAIN[: S + 9]


def test_the_same_octets_are_never_sealed_twice_alike():
    assert sealed_of(PLAIN[:100])[0] != sealed_of(PLAIN[:100])[0]
    assert sealed_of(PLAIN[:100])[1].commitment != sealed_of(PLAIN[:100])[1].commitment


@pytest.mark.parametrize("log2", [14, 16, 22])
def test_every_allowed_segment_size_comes_back(log2):
    sealed, kept = sealed_of(PLAIN, log2=log2)
    assert reader(sealed, kept).read(100, 5000) == PLAIN[100:5100]


@pytest.mark.parametrize(
    "other", [{"log2": 13}, {"log2": 23}, {"key32": b"short"}, {"study16": b""}, {"object_id16": b"x"}, {"salt": b"x"}]
)
def test_an_object_that_nobody_could_open_is_not_begun(other):
    with pytest.raises(ValueError):
        sealed_of(b"", **other)


def test_a_closed_object_takes_no_more():
    sealer = Sealer(lambda _: None, key32=KEY, study16=STUDY, object_id16=OBJECT, kind=Kind.INSTANCE)
    sealer.write(b"x")
    sealer.close()
    for late in (lambda: sealer.write(b"y"), sealer.close):
        with pytest.raises(ValueError):
            late()


def test_a_write_that_failed_never_uses_its_nonce_again():
    """After a full disk the same number must not seal other octets under the same key."""
    taken = []

    def write(octets) -> None:
        taken.append(bytes(octets))
        if len(taken) == 2:
            raise OSError

    sealer = Sealer(write, key32=KEY, study16=STUDY, object_id16=OBJECT, kind=Kind.INSTANCE, log2=LOG2, salt=b"t" * 32)
    with pytest.raises(OSError):
        sealer.write(bytes(2 * S))
    sealer.write(bytes(2 * S))
    assert taken[1] != taken[2]


# -- another place, another key --------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, S, 3 * S])
@pytest.mark.parametrize(
    "other",
    [
        {"key": b"x" * 32},
        {"study": b"x" * 16},
        {"object_id": b"x" * 16},
        {"kind": Kind.DOCUMENT},
        {"commitment": b"x" * 16},
        {"commitment": b""},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_object_opens_only_for_its_own_key_study_name_kind_and_commitment(length, other):
    sealed, kept = sealed_of(PLAIN[:length])
    with pytest.raises(Tampered):
        reader(sealed, kept, **other)


@pytest.mark.parametrize("kind", Kind)
def test_no_kind_passes_for_another(kind):
    sealed, kept = sealed_of(b"x", kind=kind)
    assert open_octets(sealed, **place(kept, kind=kind)) == b"x"
    for other in set(Kind) - {kind}:
        relabelled = sealed[:6] + bytes([other]) + sealed[7:]
        for octets in (sealed, relabelled):
            with pytest.raises(Tampered):
                open_octets(octets, **place(kept, kind=other))


def test_an_older_write_of_the_same_object_is_refused():
    old, _ = sealed_of(PLAIN[:S])
    _, kept = sealed_of(PLAIN[:S])
    with pytest.raises(Tampered):
        reader(old, kept)


# -- changed octets --------------------------------------------------------------------------------


@quickly
@given(st.sampled_from([0, 1, S, S + 1, 3 * S]), st.data())
def test_any_flipped_bit_is_noticed(length, data):
    sealed, kept = sealed_of(PLAIN[:length])
    bit = data.draw(st.one_of(st.integers(0, 80 * 8 - 1), st.integers(0, len(sealed) * 8 - 1)))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << bit % 8
    assert_refused(bytes(changed), kept)


def test_every_bit_of_the_header_is_checked_before_any_segment():
    sealed, kept = sealed_of(b"x")
    for bit in range(80 * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            reader(bytes(changed), kept)


@pytest.mark.parametrize("where", [4, 5])
def test_another_version_or_suite_is_refused_by_name(where):
    sealed, kept = sealed_of(b"x")
    with pytest.raises(UnknownSuite):
        reader(sealed[:where] + b"\x02" + sealed[where + 1 :], kept)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (0, 2)])
def test_segments_that_changed_places_are_noticed(one, other):
    sealed, kept = sealed_of(PLAIN[: 3 * S])
    segments = [sealed[80 + index * STEP : 80 + (index + 1) * STEP] for index in range(3)]
    segments[one], segments[other] = segments[other], segments[one]
    assert_refused(sealed[:80] + b"".join(segments), kept)


def test_a_segment_of_another_object_of_the_study_is_noticed():
    sealed, kept = sealed_of(PLAIN[: 3 * S])
    foreign, _ = sealed_of(PLAIN[: 3 * S], object_id16=b"2" * 16)
    assert_refused(sealed[: 80 + STEP] + foreign[80 + STEP : 80 + 2 * STEP] + sealed[80 + 2 * STEP :], kept)


@pytest.mark.parametrize("length", [0, 1, S, S + 1, 2 * S, 2 * S + 1])
@pytest.mark.parametrize("cut", [1, 2, 15, 16, 17, S, S + 16, S + 17])
def test_what_was_cut_off_is_noticed_also_when_the_row_says_so_too(length, cut):
    sealed, kept = sealed_of(PLAIN[:length])
    if cut > len(sealed):
        return
    assert_refused(sealed[:-cut], kept)
    assert_refused(sealed[:-cut], kept, length=kept.length - cut)


@pytest.mark.parametrize("length", [0, 1, S, S + 1, 2 * S])
@pytest.mark.parametrize("more", [1, 16, 17, S + 16, S + 17])
def test_what_was_added_is_noticed_when_the_row_says_so_too(length, more):
    sealed, kept = sealed_of(PLAIN[:length])
    assert_refused(sealed + bytes(more), kept, length=kept.length + more)


def test_a_cut_object_shows_its_beginning_only_while_it_is_true():
    """The middle still opens; the end does not, and says so."""
    sealed, kept = sealed_of(PLAIN[: 3 * S])
    whole = reader(sealed[: 80 + 2 * STEP], kept, length=80 + 2 * STEP)
    assert whole.read(0, S) == PLAIN[:S]
    with pytest.raises(Tampered):
        whole.read(S, S)


def test_an_emptied_object_is_noticed_when_it_is_opened():
    sealed, kept = sealed_of(PLAIN[:S])
    assert_refused(sealed[:96], kept, length=96)
    assert_refused(b"", kept)
    assert_refused(b"", kept, length=0)


@pytest.mark.parametrize("length", [-1, 0, 80, 95, 80 + STEP + 1, 80 + STEP + 16, 80 + 2 * STEP + 16])
def test_a_length_that_no_object_has_is_refused_before_any_segment(length):
    sealed, kept = sealed_of(PLAIN[: 3 * S])
    with pytest.raises(Tampered):
        reader(sealed, kept, length=length)


def test_exactly_the_lengths_that_a_writer_makes_are_accepted():
    made = {80 + n + 16 * max(1, -(-n // S)) for n in range(2 * S + 40)}
    for length in [*range(70, 200), *range(80 + S - 40, 80 + STEP + 60), *range(80 + 2 * S, 80 + 2 * STEP + 30)]:
        try:
            accepted = Shape.of(length, LOG2).plain_length >= 0
        except Tampered:
            accepted = False
        assert accepted == (length in made), length


def test_what_could_not_be_authenticated_is_wiped(monkeypatch):
    sealed, kept = sealed_of(PLAIN[: 2 * S])
    changed = bytearray(sealed)
    changed[80 + S + 3] ^= 1  # a bit of the first segment's tag: the library deciphers all of it first
    whole = reader(bytes(changed), kept)
    buffers, before = [], whole._open_segment

    def seen(index, octets, plain):
        buffers.append(plain)
        return before(index, octets, plain)

    monkeypatch.setattr(whole, "_open_segment", seen)
    with pytest.raises(Tampered):
        whole.read(0, 10)
    assert bytes(buffers[0]) == bytes(S)


@pytest.mark.parametrize("given_back", [0, 1, 15, 16, 17, S, STEP - 1, STEP + 1, 2 * STEP])
def test_a_store_that_gives_too_little_or_too_much_is_not_believed(given_back):
    sealed, kept = sealed_of(PLAIN[: 2 * S])

    def read_at(offset: int, wanted: int) -> bytes:
        return sealed[offset : offset + (given_back if offset else wanted)]

    with pytest.raises(Tampered):
        SealedObject(read_at, kept.length, **place(kept)).read(0, 1)


@pytest.mark.parametrize("length", [0, 1, S, 2 * S, 2 * S + 1])
def test_nothing_is_read_at_the_very_end(length):
    sealed, kept = sealed_of(PLAIN[:length])
    assert reader(sealed, kept).read(length, 0) == reader(sealed, kept).read(length, 5) == b""


def test_an_open_object_shows_no_key():
    sealed, kept = sealed_of(b"x")
    sealer = Sealer(lambda _: None, key32=KEY, study16=STUDY, object_id16=OBJECT, kind=Kind.INSTANCE)
    for shown in (reader(sealed, kept), sealer, sealer._keys):
        assert repr(shown) == f"{type(shown).__name__}(…)"
        with pytest.raises(TypeError, match="never written out"):
            pickle.dumps(shown)
    assert kept.sha256.hex() not in repr(kept)
    assert repr(kept.sha256) not in repr(kept)


# -- padding ---------------------------------------------------------------------------------------


@quickly
@given(st.binary(max_size=3000), st.sampled_from([1, 1024, 4096]))
def test_what_is_padded_comes_back(octets, multiple):
    whole = padded(octets, multiple)
    assert len(whole) % multiple == 0
    assert len(octets) + 4 <= len(whole) < len(octets) + 4 + multiple
    assert unpadded(whole) == octets


def test_records_of_nearly_the_same_length_look_alike():
    assert len({len(padded(bytes(length), 1024)) for length in range(1, 1020)}) == 1


@pytest.mark.parametrize("octets", [b"", b"\0\0\0", b"\0\0\0\x02x", b"\0\0\0\x01x\0\x01", b"\xff\xff\xff\xff"])
def test_what_is_not_padded_so_is_refused(octets):
    with pytest.raises(Tampered):
        unpadded(octets)
