"""DICOM JSON written as a file and read again is the same, whatever it says (PS3.18 annex F)."""

import io
import struct

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_gateway.dicom.from_json import file_of
from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.errors import UnreadableDicom

IDENTITY = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.4"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.5"]},
}

letters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\\^=\0")
words = st.text(letters, min_size=1, max_size=12).map(str.strip).filter(bool)
plain = st.from_regex(r"[A-Z0-9_]{1,12}", fullmatch=True)
single = st.floats(width=32, allow_nan=False, allow_infinity=False)
double = st.floats(allow_nan=False, allow_infinity=False)
people = st.fixed_dictionaries({"Alphabetic": words}, optional={"Ideographic": words, "Phonetic": words})


def values(one, most=3):
    return st.lists(one, min_size=1, max_size=most)


# A tag of each kind; empty values among others are null.
LEAVES = {
    "00080008": ("CS", values(plain | st.none())), "00081030": ("LO", values(words | st.none())),
    "00100010": ("PN", values(people, 2)), "00104000": ("LT", values(words, 1)),
    "00180050": ("DS", values(st.integers(-(10**9), 10**9).map(float), 1)),
    "00181149": ("IS", values(st.integers(-(2**31), 2**31 - 1))), "00189306": ("FD", values(double)),
    "00189073": ("FD", values(double, 1)), "00280010": ("US", values(st.integers(0, 65535), 1)),
    "00209165": ("AT", values(st.from_regex(r"[0-9A-F]{8}", fullmatch=True))),
    "00720076": ("FL", values(single)), "0072007E": ("SL", values(st.integers(-(2**31), 2**31 - 1))),
    "00720082": ("SV", values(st.integers(-(2**53), 2**53))),
    "00120021": ("LO", values(words, 1)), "00081190": ("UR", values(st.just("https://example.org/a"), 1)),
}  # fmt: skip


def told(vr, found):
    return {"vr": vr, "Value": found} if any(one is not None for one in found) else {"vr": vr}


def elements():
    kinds = {tag: found.map(lambda given, vr=vr: told(vr, given)) for tag, (vr, found) in LEAVES.items()}
    return st.fixed_dictionaries({}, optional=kinds | {"00081080": st.just({"vr": "LO"})})


items = st.recursive(
    elements(),
    lambda inner: st.builds(
        lambda row, below: row | {"00400275": {"vr": "SQ", "Value": below}},
        elements(),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=4,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items)
def test_what_is_written_is_read_again(row):
    said = dict(sorted((row | IDENTITY).items()))
    octets = file_of(said, {})
    incoming = read_instance([octets])
    assert b"".join(incoming.octets) == octets
    kept = {tag: one for tag, one in incoming.metadata.items() if tag != "00083002"}
    if "00080005" not in said:
        kept.pop("00080005", None)
    assert kept == said
    assert list(incoming.metadata) == sorted(incoming.metadata)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items)
def test_the_library_reads_the_same_file_the_same(row):
    ds = pydicom.dcmread(io.BytesIO(file_of(row | IDENTITY, {})))
    for tag, element in row.items():
        values = element.get("Value")
        if element["vr"] == "SQ":
            assert len(ds[tag].value) == len(values)
        elif element["vr"] in {"US", "SL", "FD", "FL", "SV"} and values:
            found = ds[tag].value
            assert list(found if isinstance(found, (list, pydicom.multival.MultiValue)) else [found]) == values
        elif element["vr"] == "PN" and values:
            first = ds[tag].value if len(values) == 1 else ds[tag].value[0]
            assert first.alphabetic.rstrip() == values[0]["Alphabetic"].rstrip()
        elif element["vr"] in {"LO", "LT"} and values and len(values) == 1:
            assert str(ds[tag].value) == values[0]


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | double | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["vr", "Value", "00280010", "InlineBinary"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*LEAVES, "00400275", "7FE00010", "zz"]), nonsense, max_size=4))
def test_nonsense_is_refused_and_nothing_else(row):
    try:
        octets = file_of(row, {})
    except UnreadableDicom:
        return
    assert octets[128:132] == b"DICM"


@pytest.mark.parametrize("value", ["NaN", None, "inf"])
def test_a_number_that_is_none_is_null_again(value):
    octets = file_of(IDENTITY | {"00189306": {"vr": "FD", "Value": [1.5, value]}}, {})
    assert struct.pack("<d", 1.5) in octets
    incoming = read_instance([octets])
    assert list(incoming.octets)
    assert incoming.metadata["00189306"]["Value"] == [1.5, None]


def test_what_is_nested_without_end_beside_a_value_is_no_json_of_ours():
    nest: list = []
    for _ in range(2000):
        nest = [nest]
    row = IDENTITY | {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Żółć"}]}}
    with pytest.raises(UnreadableDicom):
        file_of({"00080005": {"vr": "OB", "InlineBinary": "AAAA", "more": nest}} | row, {})
