"""Structured reports and enclosed documents, made piece by piece; never downloaded."""

from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests import factories as make

ENHANCED = "1.2.840.10008.5.1.4.1.1.88.22"
COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.33"
COMPREHENSIVE_3D = "1.2.840.10008.5.1.4.1.1.88.34"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
DOSE = "1.2.840.10008.5.1.4.1.1.88.67"
CDA_DOCUMENT = "1.2.840.10008.5.1.4.1.1.104.2"
EVERY_CLASS = (make.TEXT_REPORT, ENHANCED, COMPREHENSIVE, COMPREHENSIVE_3D)


def an_item(kind: str, name: tuple[str, str] | None = None, relation: str = "CONTAINS", **values: Any) -> Dataset:
    """One content item; `name` is the code and meaning of its concept."""
    item = Dataset()
    item.RelationshipType, item.ValueType = relation, kind
    if name is not None:
        item.ConceptNameCodeSequence = [make.a_code(name[0], "DCM", name[1])]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def a_text(words: str, name: tuple[str, str] | None = ("121071", "Finding"), **more: Any) -> Dataset:
    return an_item("TEXT", name, TextValue=words, **more)


def a_section(code: str, title: str, *items: Dataset, **more: Any) -> Dataset:
    return an_item(
        "CONTAINER", (code, title), **({"ContinuityOfContent": "SEPARATE"} | more), ContentSequence=Sequence(items)
    )


def a_number(name: str, value: str, unit: str = "mm", **more: Any) -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [make.a_code(unit, "UCUM", unit)]
    return an_item("NUM", ("99", name), MeasuredValueSequence=[measured], **more)


def a_coded(name: str, meaning: str, relation: str = "CONTAINS") -> Dataset:
    return an_item("CODE", ("98", name), relation, ConceptCodeSequence=[make.a_code("1", "99X", meaning)])


def a_picture_of(uid: str, *frames: int) -> Dataset:
    referenced = Dataset()
    referenced.ReferencedSOPClassUID, referenced.ReferencedSOPInstanceUID = make.CT, uid
    if frames:
        referenced.ReferencedFrameNumber = list(frames)
    return an_item("IMAGE", None, ReferencedSOPSequence=[referenced])


def in_language(code: str) -> Dataset:
    item = an_item("CODE", ("121049", "Language"), "HAS CONCEPT MOD")
    item.ConceptCodeSequence = [make.a_code(code, "RFC5646", code)]
    return item


def observed_by(name: str) -> Dataset:
    return an_item("PNAME", ("121008", "Person Observer Name"), "HAS OBS CONTEXT", PersonName=name)


def a_document_of(study: str, *uids: str) -> Dataset:
    """A study that holds these instances, as predecessors and evidence are listed."""
    found, series = Dataset(), Dataset()
    series.SeriesInstanceUID = make.a_uid("series", study)
    series.ReferencedSOPSequence = []
    for uid in uids:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = make.TEXT_REPORT, uid
        series.ReferencedSOPSequence.append(one)
    found.StudyInstanceUID = make.a_uid("study", study)
    found.ReferencedSeriesSequence = [series]
    return found


def a_report(*items: Dataset, syntax: str = make.EXPLICIT, title: str = "CT report", **facts: Any) -> bytes:
    """A structured report with these items below its root."""
    ds = make.a_dataset(**({"modality": "SR", "sop_class": make.TEXT_REPORT, "series": "reports"} | facts))
    for keyword, value in (
        ("CompletionFlag", "COMPLETE"),
        ("VerificationFlag", "VERIFIED"),
        ("ContentDate", "20260105"),
        ("ContentTime", "120000"),
        ("ValueType", "CONTAINER"),
        ("ContinuityOfContent", "SEPARATE"),
    ):
        if keyword not in facts:
            setattr(ds, keyword, value)
    ds.ConceptNameCodeSequence = [make.a_code("18748-4", "LN", title)]
    ds.ContentSequence = Sequence(items)
    return make.as_file(ds, syntax)


def a_nested_report(depth: int) -> bytes:
    """A report whose containers lie `depth` deep in one another, written without building them."""
    head = a_report(a_text("Top."))
    item = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    inner = b"\x40\x00\x40\xa0CS\x0a\x00CONTAINER "
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    at = head.index(b"\x40\x00\x30\xa7SQ")
    return head[:at] + (item + inner) * depth + end * depth


CDA = """<?xml version="1.0" encoding="{encoding}"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <title>Imaging report</title><languageCode code="en-US"/>
  <component>{body}</component>
</ClinicalDocument>"""
SECTIONS = """<structuredBody>
  <component><section><title>Findings</title><text><paragraph>The liver is <content styleCode="Bold">clear</content>.
    </paragraph><list><item>No stones</item><item>a &lt; b</item></list>
    <table><tbody><tr><td>Length</td><td>12 mm</td></tr></tbody></table></text>
    <component><section><title>Kidneys</title><text>Both are there.</text></section></component>
  </section></component>
  <component><section><title>Impression</title><text>All is w\u00f6ll.</text></section></component>
</structuredBody>"""


def a_cda(body: str = SECTIONS, encoding: str = "utf-8") -> bytes:
    return CDA.format(encoding=encoding, body=body).encode(encoding)


def a_cda_document(octets: bytes | None = None, **facts: Any) -> bytes:
    """An Encapsulated CDA."""
    octets = a_cda() if octets is None else octets
    ds = make.a_dataset(**({"modality": "DOC", "sop_class": CDA_DOCUMENT, "series": "documents"} | facts))
    ds.DocumentTitle, ds.MIMETypeOfEncapsulatedDocument = "A letter", "text/XML"
    ds.EncapsulatedDocument, ds.EncapsulatedDocumentLength = octets + b"\0" * (len(octets) % 2), len(octets)
    return make.as_file(ds)
