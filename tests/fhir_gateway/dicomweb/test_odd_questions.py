"""No question, no wish and no body makes a fault of ours: each has an answer below 500."""

from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories as make

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
AT = f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{make.a_uid('instance', 'one', 'first', 1)}"
KEEP = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

names = st.sampled_from(
    [
        "PatientName", "StudyDate", "StudyTime", "ModalitiesInStudy", "StudyInstanceUID", "00100020", "limit", "offset",
        "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching", "00400275.00400009",
        "InstanceNumber", "WindowCenter", "Rows", "7FE00010", "00280106", "accept", "charset", "AcquisitionDateTime",
    ]
) | st.text(max_size=12)  # fmt: skip
values = st.sampled_from(
    ["*", "?", "[", "\\", ",", '""', "20240101-", "-", "all", "true", "1", "-1", "9" * 40, "1e9"]
) | st.text(max_size=20)
paths = st.sampled_from(["studies", "series", "instances", f"studies/{STUDY}/series", f"studies/{STUDY}/instances"])
wishes = st.sampled_from(["window", "viewport", "quality", "annotation", "iccprofile", "accept"])
types = st.sampled_from(
    ["*/*", "multipart/related", "multipart/*", "application/dicom", "application/dicom+json", "image/*", "image/jpeg",
     "application/octet-stream", "text/html", "application/*", "a", "/", ""]
)  # fmt: skip
parameters = st.sampled_from(
    ['type="application/dicom"', "type=image/*", "transfer-syntax=*", "transfer-syntax=1.2.840.10008.1.2", "q=0", "q=2",
     "q=x", 'type="', "boundary=a;b", "type=application/octet-stream", "=", "charset=x"]
)  # fmt: skip
ranges = st.builds(lambda kind, more: "; ".join([kind, *more]), types, st.lists(parameters, max_size=3))
headers = st.lists(ranges, min_size=1, max_size=3).map(", ".join) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=30
)


@KEEP
@given(paths, st.lists(st.tuples(names, values), max_size=4))
def test_no_search_is_a_fault(site, patient, path, pairs):
    if not patient.studies():
        site.stores(*make.a_ct_series(2))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    answer = _reader(patient).get(f"/dicomweb/{path}?{query}")
    assert answer.status_code in {200, 400, 406}


@KEEP
@given(
    headers,
    st.sampled_from(
        ["", "/metadata", "/frames/1", "/frames/1,1", "/rendered", "/bulkdata/7FE00010", "/pixeldata", "/thumbnail"]
    ),
)
def test_no_accept_header_is_a_fault(site, patient, header, path):
    if not patient.studies():
        site.stores(make.an_instance(syntax=make.JPEG_LS))
    assert _reader(patient).get(AT + path, header).status_code in {200, 404, 406}


@KEEP
@given(
    st.dictionaries(
        wishes, values | st.from_regex(r"-?[0-9]{1,4}(,-?[0-9]{0,4}){0,5}(,linear)?", fullmatch=True), max_size=3
    )
)
def test_no_wish_for_a_picture_is_a_fault(site, patient, asked):
    if not patient.studies():
        site.stores(make.an_instance(rows=8, columns=8))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
    assert _reader(patient).get(f"{AT}/rendered?{query}", "image/png").status_code in {200, 400, 406}


pieces = st.sampled_from(
    [b"--b\r\n", b"--b--\r\n", b"\r\n", b"Content-Type: application/dicom\r\n\r\n", b"Content-Location: x\r\n", b":", b"\0",
     b"Content-Type: application/dicom+json\r\n\r\n", b'[{"00080018":{"vr":"UI","BulkDataURI":"x"}}]', b"DICM", bytes(128),
     make.an_instance()[:400], make.an_instance()]
) | st.binary(max_size=20)  # fmt: skip
kinds = st.sampled_from(
    ['multipart/related; type="application/dicom"; boundary=b', 'multipart/related; type="application/dicom+json"; boundary=b',
     "application/dicom", "multipart/related; boundary=b", "multipart/related", "text/plain"]
)  # fmt: skip


@KEEP
@given(kinds, st.lists(pieces, max_size=8).map(b"".join))
def test_no_body_is_a_fault(site, patient, kind, body):
    assert site.post("/dicomweb/studies", body, kind).status_code in {200, 202, 400, 409, 415}


_readers = {}


def _reader(patient):
    """One app for all questions of a test."""
    if patient.id not in _readers:
        _readers.clear()
        _readers[patient.id] = patient.lets_in()
    return _readers[patient.id]
