"""Bearer secrets as octets: what reads back, what does not, and what is swept away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import tokens
from consent.tables import TokenRow
from consent.tokens import Bearer, Kind, octets_of, text_of


@given(st.binary(min_size=32, max_size=32))
def test_a_secret_reads_back_and_only_in_one_spelling(secret):
    text = text_of(secret)
    assert len(text) == 43
    assert octets_of(text) == secret
    assert octets_of(text + "=") is None
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(text[-1])
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    assert octets_of(text[:-1] + other) is None


@given(st.text(max_size=50))
def test_no_text_breaks_the_reader(text):
    assert octets_of(text) is None or len(text) == 43
    assert Bearer.read(text, *Kind) is None


@pytest.mark.parametrize("kind", list(Kind))
def test_a_token_is_read_as_its_own_kind_only(kind):
    bearer = Bearer.new(kind)
    text = bearer.reveal()
    assert Bearer.read(text, kind).id == bearer.id
    assert Bearer.read(text, *(other for other in Kind if other is not kind)) is None
    assert text not in f"{bearer} {bearer!r}"


def test_old_families_are_swept_and_young_ones_stay(services, ana, tracker, knee, clock):
    short = tracker.gets_tokens(ana, "patient/*.rs")
    tracker.gets_tokens(ana)
    clock.advance(minutes=30)
    with services.work() as w:
        assert tokens.sweep(w) == 2  # the code and the access token of the family without a refresh token
        assert tokens.find(w, short["access_token"], Kind.ACCESS) is None
        assert w.session.query(TokenRow).count() == 3
