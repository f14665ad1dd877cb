"""Pieces that were deflated by themselves make one gzip member, whatever they hold and however many there are."""

import gzip
import io
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dicomweb.gzipped import crc_of_both, deflated, member, stored

octets = st.one_of(
    st.binary(max_size=2000), st.builds(lambda one, many: one * many, st.binary(max_size=9), st.integers(0, 9000))
)


@settings(max_examples=300, deadline=None)
@given(octets, octets)
def test_the_checksum_of_the_whole_is_reckoned_from_those_of_its_parts(first, second):
    assert crc_of_both(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_the_checksum_holds_beyond_what_is_ever_held_in_memory():
    zeros = bytes(1 << 20)
    crc = zlib.crc32(b"a")
    for _ in range(64):
        crc = zlib.crc32(zeros, crc)
    of_zeros = 0
    for _ in range(64):
        of_zeros = zlib.crc32(zeros, of_zeros)
    assert crc_of_both(zlib.crc32(b"a"), of_zeros, 64 << 20) == crc
    assert crc_of_both(123, 0, 0) == 123


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), octets), max_size=8))
def test_pieces_make_one_member_that_every_decoder_reads(pieces):
    made = b"".join(member(stored(one[:65535]) if as_is else deflated(one) for as_is, one in pieces))
    whole = b"".join(one[:65535] if as_is else one for as_is, one in pieces)
    assert gzip.decompress(made) == whole
    one_member = zlib.decompressobj(wbits=31)
    assert one_member.decompress(made) == whole
    assert one_member.eof
    assert one_member.unused_data == b""
    with gzip.GzipFile(fileobj=io.BytesIO(made)) as file:
        assert file.read(10) == whole[:10]
