"""Bodies of many parts are read as they stream, and what is cut off or crooked is told so."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dicomweb.multipart import Part, boundary_of, parts, related
from fhir_gateway.errors import BadBody, GatewayError, UnsupportedMediaType
from tests.factories import a_body


def read(body: bytes, content_type: str, chunk: int = 1 << 18) -> list[tuple[str, bytes]]:
    return [(kind, b"".join(pieces)) for kind, pieces in parts(io.BytesIO(body), content_type, chunk=chunk)]


FILES = [b"first\r\n--somewhere-betwee", b"", b"\r\n\r\n--\r\n", bytes(range(256)) * 300]


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 1000, 1 << 18])
def test_the_parts_are_the_same_however_they_arrive(chunk):
    body, content_type = a_body(FILES)
    assert read(body, content_type, chunk) == [("application/dicom", file) for file in FILES]


@settings(max_examples=100, deadline=None)
@given(
    files=st.lists(st.binary(max_size=400).filter(lambda file: b"--b" not in file), min_size=1, max_size=5),
    chunk=st.integers(1, 900),
)
def test_any_parts_in_any_pieces(files, chunk):
    body, content_type = a_body(files, boundary="b0undary")
    assert [octets for _, octets in read(body, content_type, chunk)] == files


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/related; type="application/dicom"; boundary=b',
        "multipart/related; type=application/dicom; boundary=b",
        'Multipart/Related; Boundary="b"; TYPE="Application/DICOM"',
        "multipart/related;boundary=b;type=application/dicom;start=x",
    ],
)
def test_parameters_quoted_or_bare_are_equal(content_type):
    assert boundary_of(content_type) == (b"b", "application/dicom")


@pytest.mark.parametrize("boundary", ["with space and:colon", "x" * 70, "x" * 128, "'()+_,-./:=?"])
def test_every_boundary_of_the_grammars_letters_works(boundary):
    body, _ = a_body([b"one"], boundary=boundary)
    assert read(body, f'multipart/related; boundary="{boundary}"') == [("application/dicom", b"one")]


def test_a_line_before_the_first_boundary_is_accepted():
    body, content_type = a_body([b"one"])
    assert read(b"\r\n" + body, content_type) == [("application/dicom", b"one")]


def test_what_follows_the_end_is_dropped():
    body, content_type = a_body([b"one"])
    assert read(body + b"epilogue" * 1000, content_type, 50) == [("application/dicom", b"one")]


def test_part_headers_in_any_spelling():
    body = b"--b\r\ncontent-TYPE:  application/dicom;x=1\r\nX-Other: y\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    assert read(body, "multipart/related; boundary=b") == [("application/dicom;x=1", b"one"), ("", b"two")]


def test_a_part_that_is_not_read_costs_only_itself():
    body, content_type = a_body([b"one" * 1000, b"two"])
    found = []
    for number, (_, pieces) in enumerate(parts(io.BytesIO(body), content_type, chunk=100)):
        if number == 0:
            next(pieces)
            continue
        found.append(b"".join(pieces))
    assert found == [b"two"]


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/dicom", "multipart/form-data; boundary=b", "text/html", "multipart/related" + "x" * 2000],
)
def test_another_type_is_not_read(content_type):
    with pytest.raises(UnsupportedMediaType):
        boundary_of(content_type)


@pytest.mark.parametrize(
    "boundary",
    ["", "; boundary=", '; boundary=""', f"; boundary={'x' * 129}", '; boundary="a\tb"', '; boundary="ends "'],
)
def test_a_boundary_out_of_its_grammar_is_refused(boundary):
    with pytest.raises(BadBody):
        boundary_of("multipart/related" + boundary)


@pytest.mark.parametrize("length", range(1, 90, 3))
def test_a_body_cut_off_is_never_taken_for_whole(length):
    body, content_type = a_body([b"one", b"two"])
    with pytest.raises(BadBody):
        read(body[: min(length, len(body) - 4)], content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"--other\r\n\r\none\r\n--other--\r\n",
        b"--b\n\none\n--b--\n",
        b"preamble" * 10 + b"\r\n--b\r\n\r\none\r\n--b--\r\n",
        b"--b\r\n" + b"X-Long: " + b"y" * 10_000 + b"\r\n\r\none\r\n--b--\r\n",
        b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\none\r\n--b--\r\n",
        b"--b\r\nbad header\r\n\r\none\r\n--b--\r\n",
    ],
)
def test_a_crooked_body_is_refused(body):
    with pytest.raises(BadBody):
        read(body, "multipart/related; boundary=b")


def test_a_hundred_thousand_parts_are_too_many():
    body = b"--b\r\n\r\n\r\n" * 100_000 + b"--b--\r\n"
    with pytest.raises(BadBody):
        read(body, "multipart/related; boundary=b")


@settings(max_examples=200, deadline=None)
@given(octets=st.binary(max_size=300), chunk=st.integers(1, 300))
def test_noise_is_refused_and_nothing_else(octets, chunk):
    try:
        read(b"--b\r\n" + octets, "multipart/related; boundary=b", chunk)
    except GatewayError:
        return


def a_part(octets: bytes, **facts) -> Part:
    return Part("application/dicom; transfer-syntax=1.2", len(octets), lambda: [octets], **facts)


def test_an_answer_has_the_length_it_says_and_reads_back():
    answer = related([a_part(b"one", location="https://x/1"), a_part(b""), a_part(b"three")], "application/dicom")
    octets = b"".join(answer.octets)
    assert len(octets) == answer.length
    assert [data for _, data in read(octets, answer.content_type)] == [b"one", b"", b"three"]
    boundary, kind = boundary_of(answer.content_type)
    assert kind == "application/dicom"
    assert re.fullmatch(rb"[0-9a-f]{32}", boundary)
    head = (
        b"--"
        + boundary
        + b"\r\nContent-Type: application/dicom; transfer-syntax=1.2\r\nContent-Location: https://x/1\r\n\r\n"
    )
    assert octets.startswith(head + b"one")
    assert octets.endswith(b"\r\n--" + boundary + b"--\r\n")


def test_boundaries_are_never_the_same():
    assert related([], "a/b").content_type != related([], "a/b").content_type


def test_a_part_of_unknown_length_leaves_the_whole_unknown():
    answer = related([a_part(b"one"), Part("x/y", None, lambda: [b"two"])], "application/dicom")
    assert answer.length is None
    assert [data for _, data in read(b"".join(answer.octets), answer.content_type)] == [b"one", b"two"]


def broken() -> list[bytes]:
    yield b"half"
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("part", "error"), [(Part("x/y", 9, broken), OSError), (Part("x/y", 9, lambda: [b"four"]), RuntimeError)]
)
def test_a_part_that_fails_leaves_the_answer_open(part, error):
    answer = related([a_part(b"one"), part, a_part(b"three")], "application/dicom")
    given: list[bytes] = []
    with pytest.raises(error):
        given.extend(answer.octets)
    with pytest.raises(BadBody):
        read(b"".join(given), answer.content_type)
