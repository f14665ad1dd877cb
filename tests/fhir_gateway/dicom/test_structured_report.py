"""What people read of a structured report: all of it, in its order, in any letters, and nothing that acts."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.dicom.structured_report import read_structured_report
from fhir_gateway.errors import TooDeep, TooLarge, UnreadableDicom
from fhir_gateway.resources.dicom_report import DicomReport, facts_of, resource_of, status_of
from fhir_gateway.resources.drawn import markup_of, page_of, sections_from
from tests import factories as make
from tests.fhir_gateway.dicom.reports import (
    EVERY_CLASS,
    a_coded,
    a_document_of,
    a_nested_report,
    a_number,
    a_picture_of,
    a_report,
    a_section,
    a_text,
    an_item,
    in_language,
    observed_by,
)


def metadata_of(file):
    incoming = read_instance([file])
    for _ in incoming.octets:
        pass
    return incoming.full_metadata


def read(*items, **facts):
    return read_structured_report(metadata_of(a_report(*items, **facts)))


def sections(*items, **facts):
    return [(one.heading, one.text) for one in sections_from(read(*items, **facts).blocks)]


@pytest.mark.parametrize("sop_class", EVERY_CLASS)
@pytest.mark.parametrize("syntax", make.NATIVE)
def test_every_class_in_every_syntax_reads_the_same(sop_class, syntax):
    said = read(
        in_language("en-US"),
        observed_by("Weiss^Rae^^Dr."),
        a_section("121070", "Findings", a_text("The lungs are clear."), a_number("Length", "12.5")),
        a_section("121072", "Impressions", a_text("All is well.", ("121073", "Impression"))),
        sop_class=sop_class,
        syntax=syntax,
    )
    assert (said.title.meaning, said.language, said.observers) == ("CT report", "en-US", ("Dr. Rae Weiss",))
    assert [(one.heading, one.text) for one in sections_from(said.blocks)] == [
        ("Findings", "The lungs are clear.\nLength: 12.5 mm"),
        ("Impressions", "All is well."),
    ]
    assert said.conclusion == "All is well."


def test_each_kind_of_value_is_said_in_words():
    (section,) = sections(
        a_section(
            "121070",
            "Findings",
            a_coded("Side", "left"),
            a_number("Count", "3", "1"),
            an_item(
                "NUM", ("99", "Volume"), NumericValueQualifierCodeSequence=[make.a_code("1", "DCM", "not measured")]
            ),
            an_item("DATE", ("1", "Last period"), Date="20251224"),
            an_item("TIME", ("1", "Seen at"), Time="093000"),
            an_item("DATETIME", ("1", "Taken"), DateTime="20260105093000.123+0100"),
            an_item("PNAME", ("1", "Told to"), PersonName="Example^Ada"),
            an_item("UIDREF", ("1", "Frame of reference"), UID="1.2.3"),
            a_text("As before.", ("1", "Comparison")),
        )
    )
    assert section[1].split("\n") == [
        "Side: left",
        "Count: 3",
        "Volume: not measured",
        "Last period: 2025-12-24",
        "Seen at: 09:30",
        "Taken: 2026-01-05 09:30",
        "Told to: Ada Example",
        "",
        "Comparison: As before.",
    ]


def test_what_hangs_on_a_finding_follows_it():
    nodule = a_text(
        "A nodule.",
        ContentSequence=[
            a_coded("Finding site", "upper lobe", "HAS CONCEPT MOD"),
            a_number("Diameter", "4", relation="HAS PROPERTIES"),
            a_picture_of("1.2.3", 7),
        ],
    )
    said = read(a_section("121070", "Findings", nodule))
    assert sections_from(said.blocks)[0].text == "A nodule. (upper lobe)\nDiameter: 4 mm"
    assert markup_of(said.blocks) == (
        "<h2>Findings</h2><p>A nodule. (upper lobe)</p><ul><li>Diameter: 4 mm</li><li>Picture 1.2.3, frame 7</li></ul>"
    )


def test_sections_within_sections_stay_in_their_place():
    liver = a_section("1", "Liver", a_text("Clear."))
    kidneys = a_section("1", "Kidneys", a_text("Both there."))
    found = sections(a_text("Before all."), a_section("121070", "Findings", a_text("See below."), liver, kidneys))
    assert found == [("", "Before all."), ("Findings", "See below.\n\nLiver\n\nClear.\n\nKidneys\n\nBoth there.")]


def test_a_container_without_a_name_is_part_of_what_it_stands_in():
    unnamed = an_item("CONTAINER", None, ContentSequence=[a_text("Inside.")])
    assert sections(a_section("121070", "Findings", unnamed, a_text("Outside."))) == [
        ("Findings", "Inside.\n\nOutside.")
    ]


def test_continuous_content_is_one_sentence():
    flowing = a_section(
        "121070", "Findings", a_text("The nodule of"), a_number("Size", "4"), a_text("is new to"),
        an_item("PNAME", ("1", "Physician"), PersonName="Weiss^Rae^^Dr."), a_text("."),
        a_section("1", "Liver", a_text("Clear.")), a_text("That is all."),
        ContinuityOfContent="CONTINUOUS",
    )  # fmt: skip
    assert sections(flowing) == [
        ("Findings", "The nodule of 4 mm is new to Dr. Rae Weiss.\n\nLiver\n\nClear.\n\nThat is all.")
    ]


def test_a_list_that_calls_itself_continuous_keeps_its_names():
    measured = a_section(
        "126010", "Measurements", a_coded("Finding", "spinal cord"), a_number("Area", "1.7", "cm2"),
        ContinuityOfContent="CONTINUOUS",
    )  # fmt: skip
    assert sections(measured) == [("Measurements", "Finding: spinal cord\nArea: 1.7 cm2")]


@pytest.mark.parametrize(
    ("charset", "words", "name"),
    [
        ("ISO_IR 192", "Zażółć gęślą jaźń — 所見なし", "Żółć^Ewa"),
        ("ISO_IR 100", "Größe unverändert", "Müller^Jörg"),
        ("ISO_IR 144", "Лёгкие чистые", "Люкceмбypг^Роза"),
        ("ISO_IR 127", "قباني", "قباني^لنزار"),
        (["", "ISO 2022 IR 87"], "所見なし", "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"], "이상 없음", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "肺部清晰", "Wang^XiaoDong=王^小东"),
    ],
)
def test_every_character_set_comes_out_right(charset, words, name):
    said = read(
        observed_by(name), a_section("121070", words, a_text(words)), SpecificCharacterSet=charset, PatientName="A^B",
        title=words,
    )  # fmt: skip
    assert said.title.meaning == words
    assert [(one.heading, one.text) for one in sections_from(said.blocks)] == [("Findings", words)]
    assert words in markup_of(said.blocks)
    spoken = " ".join(reversed(name.split("=")[0].split("^")))
    assert said.observers == (spoken,)


def test_a_name_in_its_own_letters_alone_is_read_in_their_order():
    assert read(observed_by("=山田^太郎"), a_text("x"), SpecificCharacterSet="ISO_IR 192").observers == ("山田 太郎",)


def test_parts_in_another_language_have_the_words_for_them_that_everybody_knows():
    found = sections(a_section("121072", "所見", a_text("異常なし")), a_section("777", "Empfehlung", a_text("Keine.")))
    assert found == [("Impressions", "異常なし"), ("Empfehlung", "Keine.")]


def test_text_is_text_and_never_markup():
    said = read(a_section("121070", "Findings <i>", a_text("<b>bold</b> & <script>alert(1)</script>\r\nnext")))
    drawn = markup_of(said.blocks)
    assert drawn == (
        "<h2>Findings &lt;i&gt;</h2><p>&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;<br/>next</p>"
    )
    page = page_of('A "title" <x>', "en", said.blocks).decode()
    assert "<script" not in page
    assert "<x>" not in page


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ({}, "final"),
        ({"VerificationFlag": "UNVERIFIED"}, "preliminary"),
        ({"PreliminaryFlag": "PRELIMINARY"}, "preliminary"),
        ({"PreliminaryFlag": "FINAL"}, "final"),
        ({"CompletionFlag": "PARTIAL"}, "partial"),
        ({"PredecessorDocumentsSequence": [a_document_of("one", "1.2.3")]}, "amended"),
    ],
)
def test_the_flags_of_a_report_are_its_status(flags, status):
    assert status_of(metadata_of(a_report(a_text("x"), **flags))) == status


# --- hostile ones ---


@pytest.mark.parametrize("depth", [33, 200, 10_000])
def test_a_nest_without_end_is_refused_in_words(depth):
    with pytest.raises(TooDeep) as refused:
        read_structured_report(metadata_of(a_nested_report(depth)))
    assert len(str(refused.value)) <= 64


def test_a_nest_that_is_followed_is_read():
    read_structured_report(metadata_of(a_nested_report(20)))


def test_a_tree_that_was_never_on_a_wire_is_bounded_too():
    item = {}
    for _ in range(40):
        item = {"0040A730": {"vr": "SQ", "Value": [item]}}
    with pytest.raises(TooDeep):
        read_structured_report(item)
    many = {"0040A730": {"vr": "SQ", "Value": [{}] * 20_001}}
    with pytest.raises(TooLarge):
        read_structured_report(many)


def test_an_item_that_holds_nothing_is_passed_over():
    kinds = ("TEXT", "CODE", "NUM", "DATE", "TIME", "DATETIME", "PNAME", "IMAGE", "SCOORD", "WAVEFORM", "NONE", "")
    said = read(*(an_item(kind, ("1", "Empty")) for kind in kinds), an_item("TEXT"), observed_by(""))
    assert (said.blocks, said.observers) == ((), ())


WRONG = ("ContentSequence", "ConceptNameCodeSequence", "PredecessorDocumentsSequence", "VerifyingObserverSequence",
         "AuthorObserverSequence", "ReferencedRequestSequence", "ReferencedSOPSequence", "MeasuredValueSequence")  # fmt: skip


@pytest.mark.parametrize("keyword", WRONG)
@pytest.mark.parametrize("vr", ["LO", "UT", "US", "OB"])
def test_words_where_a_sequence_should_be_are_passed_over(keyword, vr):
    value = {"US": 7, "OB": b"12"}.get(vr, "words")
    item = an_item("NUM", ("1", "x"))
    item.add_new(keyword, vr, value)
    ds = make.a_dataset(modality="SR", sop_class=make.TEXT_REPORT)
    ds.ContentSequence = [item, an_item("IMAGE", None), a_text("Still there.")]
    ds.add_new(keyword, vr, value)
    said = metadata_of(make.as_file(ds))
    report = read_structured_report(said)
    made = DicomReport(report.title)
    resource_of(facts_of(made, said, kept=(), place="", zone="UTC"), made, said, scope="")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_report_is_read_or_refused_and_nothing_else(data):
    octets = bytearray(A_WHOLE_ONE)
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(132, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadableDicom):
        said = metadata_of(bytes(octets))
        if said is not None:
            report = read_structured_report(said)
            assert markup_of(report.blocks) is not None
            facts_of(DicomReport(report.title), said, kept=(), place="", zone="UTC")


A_WHOLE_ONE = a_report(
    in_language("en"),
    observed_by("A^B"),
    a_section("121070", "Findings", a_text("Clear."), a_number("Size", "4"), a_picture_of("1.2", 3)),
    PredecessorDocumentsSequence=[a_document_of("one", "1.2.3")],
)
