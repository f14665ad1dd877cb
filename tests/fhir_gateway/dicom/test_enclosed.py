"""Documents inside DICOM objects: exactly their own octets, their words without anything that acts."""

import base64
import time

import pytest

from fhir_gateway.dicom.clinical_document import read_clinical_document
from fhir_gateway.dicom.encapsulated import Held, document_in
from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.errors import BadDocument
from fhir_gateway.resources.drawn import sections_from
from tests import factories as make
from tests.fhir_gateway.dicom.reports import a_cda

ODD, EVEN = b"%PDF-1.4\nodd\n%%EOF\n1", b"%PDF-1.4\neven\n%%EOF\n1"


def taken_out(file, most=1 << 20):
    incoming = read_instance([file])
    held = Held(incoming.octets, most)
    for _ in held.passing():
        pass
    return document_in(incoming, held)


def an_enclosing(octets, length=None, syntax=make.EXPLICIT):
    ds = make.a_dataset(sop_class=make.PDF_DOCUMENT, modality="DOC")
    ds.EncapsulatedDocument = octets
    if length is not None:
        ds.EncapsulatedDocumentLength = length
    return make.as_file(ds, syntax)


@pytest.mark.case("8.7")
@pytest.mark.parametrize("pdf", [ODD, EVEN])
@pytest.mark.parametrize("syntax", make.NATIVE)
def test_a_document_has_its_own_length_without_padding(pdf, syntax):
    padded = pdf + b"\0" * (len(pdf) % 2)
    assert taken_out(an_enclosing(padded, len(pdf), syntax)) == pdf
    assert taken_out(an_enclosing(padded, None, syntax)) == pdf


def test_a_length_that_cannot_be_is_not_believed():
    assert taken_out(an_enclosing(EVEN, 10 * len(EVEN))) == EVEN
    assert taken_out(an_enclosing(EVEN, 0)) == EVEN


def test_a_document_that_is_too_large_is_refused_in_words():
    large = b"%PDF-" + bytes(200_000)
    with pytest.raises(BadDocument, match="larger than is taken in"):
        taken_out(an_enclosing(large, len(large)), most=100_000)
    held = Held([bytes(1 << 20)] * 20, 1 << 20)
    with pytest.raises(BadDocument, match="larger"):
        list(held.passing())


def test_an_object_without_a_document_is_told_so():
    with pytest.raises(BadDocument, match="no document"):
        taken_out(make.as_file(make.a_dataset(sop_class=make.PDF_DOCUMENT, modality="DOC")))


# --- clinical documents ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_sections_of_a_clinical_document_are_read_as_text(encoding):
    document = read_clinical_document(a_cda(encoding=encoding))
    assert (document.title, document.language, document.attached) == ("Imaging report", "en-US", None)
    assert [(one.heading, one.text) for one in sections_from(document.blocks)] == [
        ("Findings", "The liver is clear.\nNo stones\na < b\nLength 12 mm\n\nKidneys\n\nBoth are there."),
        ("Impression", "All is wöll."),
    ]


def test_a_file_inside_a_clinical_document_is_taken_out():
    body = '<nonXMLBody><text mediaType="application/pdf" representation="B64">{}</text></nonXMLBody>'
    document = read_clinical_document(a_cda(body.format(base64.encodebytes(ODD).decode())))
    assert document.attached == ("application/pdf", ODD)
    plain = read_clinical_document(a_cda('<nonXMLBody><text mediaType="text/plain"> Words. </text></nonXMLBody>'))
    assert plain.attached == ("text/plain", b"Words.")
    with pytest.raises(BadDocument, match="damaged"):
        read_clinical_document(a_cda(body.format("!!!!")))


ENTITIES = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ClinicalDocument>&x;</ClinicalDocument>'
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
    "<ClinicalDocument>&c;</ClinicalDocument>"
)


@pytest.mark.parametrize(
    "hostile",
    [
        ENTITIES,
        LAUGHS,
        "<!DOCTYPE ClinicalDocument><ClinicalDocument/>",
        "<html/>",
        "<ClinicalDocument>",
        "no XML",
        "",
        "<ClinicalDocument>" + "<a>" * 200 + "</a>" * 200 + "</ClinicalDocument>",
        "<ClinicalDocument>" + "<a/>" * 100_001 + "</ClinicalDocument>",
        '<?xml version="1.0" encoding="klingon"?><ClinicalDocument/>',
    ],
)
def test_a_hostile_document_is_refused_in_words(hostile):
    with pytest.raises(BadDocument) as refused:
        read_clinical_document(hostile.encode())
    assert 0 < len(str(refused.value)) <= 64


def test_what_would_act_in_a_clinical_document_is_left_behind():
    body = (
        "<structuredBody><component><section><title>A</title><text>"
        '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script><linkHtml href="javascript:x">a link</linkHtml>'
        '<renderMultiMedia referencedObject="x"><caption>a picture</caption></renderMultiMedia> done'
        "</text></section></component></structuredBody>"
    )
    (section,) = sections_from(read_clinical_document(a_cda(body)).blocks)
    assert section.text == "a link\ndone"


def test_a_text_of_very_many_lines_is_read_as_fast_as_any():
    words = f"{'x' * 2_000_000}{'<br/>' * 20_000}"
    body = f"<structuredBody><component><section><text>{words}</text></section></component></structuredBody>"
    begun = time.process_time()
    (section,) = sections_from(read_clinical_document(a_cda(body)).blocks)
    assert time.process_time() - begun < 1.5  # seconds; joined anew at each line it would be several times that
    assert len(section.text) == 2_000_000
