"""Statements the server signs: as long as a large study needs, under an address as long as it may be."""

import pytest

from consent.attesting import attest, attesting_keys, read_attested
from consent.errors import NotAttested

KIND = "some-list+json"


def test_a_list_of_twenty_thousand_is_signed_and_proved(secrets):
    said = {"instances": [{"instance": f"1.2.840.{number}", "sha256": "a" * 64} for number in range(20_000)]}
    text = attest(secrets, said, kind=KIND, keys_at=f"https://{'long.' * 40}example.org/dicomweb/manifest-keys")
    assert read_attested(text, attesting_keys(secrets), kind=KIND) == said


def test_another_algorithm_is_not_believed(secrets):
    head, body, _ = attest(secrets, {"count": 1}, kind=KIND, keys_at="https://a.example").split(".")
    keys = attesting_keys(secrets)
    unsigned = attest(secrets, {"count": 1}, kind=KIND, keys_at="https://a.example").replace(
        head, "eyJhbGciOiJub25lIn0"
    )
    for forged in (f"{head}.{body}.AAAA", unsigned, "eyJhbGciOiJub25lIn0." + body + "."):
        with pytest.raises(NotAttested):
            read_attested(forged, keys, kind=KIND)
