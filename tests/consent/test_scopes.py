"""What scopes say, and that none ever grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import BadScope
from consent.scopes import APP_LIMIT, LETTERS, Scope, Scopes, union

LEVELS = st.sampled_from(["patient", "user", "system"])
TYPES = st.sampled_from(["*", "Patient", "ImagingStudy", "DiagnosticReport"])
SOME_LETTERS = st.lists(st.sampled_from(LETTERS), min_size=1, unique=True).map(
    lambda some: "".join(letter for letter in LETTERS if letter in some)
)
ENDINGS = st.one_of(SOME_LETTERS, st.sampled_from(["read", "write", "*"]))
FILTERS = st.sampled_from(["", "", "?category=a|b", "?category=c", "?category=a|b&code=1"])
SCOPES = st.builds("{}/{}.{}{}".format, LEVELS, TYPES, ENDINGS, FILTERS)
LISTS = st.lists(SCOPES, max_size=5).map(" ".join)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("patient/ImagingStudy.rs", "rs"),
        ("patient/*.read", "rs"),
        ("system/Patient.write", "cud"),
        ("user/Patient.*", "cruds"),
        ("patient/ImagingStudy.cruds", "cruds"),
    ],
)
def test_both_versions_of_the_grammar_are_understood(text, letters):
    assert Scope.parse(text).letters == letters
    assert str(Scope.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "patient/ImagingStudy.sr",
        "patient/ImagingStudy.dus",
        "patient/ImagingStudy.",
        "patient/ImagingStudy",
        "patient/imagingstudy.rs",
        "patient/.rs",
        "patient/*.rsx",
        "patient/*.reads",
        "Patient/*.rs",
        "patient/*.rs?category",
        "patient/*.rs?=x",
        'patient/*.rs?category="x"',
    ],
)
def test_what_is_misspelt_is_no_scope_and_never_read_as_another(text):
    with pytest.raises(BadScope):
        Scope.parse(text)


def test_every_type_covers_each_type():
    assert Scopes.parse("patient/*.rs").covers("patient/ImagingStudy.r")
    assert not Scopes.parse("patient/*.rs").covers("patient/ImagingStudy.c")
    assert not Scopes.parse("patient/*.rs").covers("system/ImagingStudy.r")
    assert not Scopes.parse("patient/ImagingStudy.rs").covers("patient/*.r")


def test_scopes_add_up():
    both = Scopes.parse("patient/ImagingStudy.r patient/ImagingStudy.s")
    assert both.covers("patient/ImagingStudy.rs")


def test_a_filtered_scope_is_never_taken_for_a_whole_one():
    filtered = Scopes.parse("patient/DiagnosticReport.rs?category=http://loinc.org|LP29684-5")
    assert not filtered.covers("patient/DiagnosticReport.r")
    assert Scopes.parse("patient/DiagnosticReport.rs").covers(next(iter(filtered)))
    assert filtered.touches("patient/DiagnosticReport.r")
    assert not filtered.touches("patient/DocumentReference.r")
    assert not filtered.touches("patient/DiagnosticReport.u")


def test_what_filters_let_through_adds_up():
    some = Scopes.parse("patient/DiagnosticReport.rs?category=a|b patient/DiagnosticReport.r?category=c|d")
    assert some.filters_of("DiagnosticReport", "r") == (("category=a|b",), ("category=c|d",))
    assert some.filters_of("DiagnosticReport", "s") == (("category=a|b",),)
    assert some.filters_of("ImagingStudy", "r") == ()
    assert (
        Scopes.parse("patient/*.r patient/DiagnosticReport.s?category=a|b").filters_of("DiagnosticReport", "r") is None
    )


@pytest.mark.parametrize(
    "scope",
    [
        "patient/DiagnosticReport.rs?status=final",
        "patient/DiagnosticReport.rs?category:not=a|b",
        "patient/DiagnosticReport.rs?category=a|b&status=final",
        "patient/DiagnosticReport.rs?subject.name=x",
        "patient/DiagnosticReport.rs?_filter=x=y",
        "patient/ImagingStudy.rs?modality=CT",
        "patient/*.rs?category=a|b",
        "system/DiagnosticReport.c?category=a|b",
    ],
)
def test_a_filter_we_do_not_apply_gives_nothing(scope):
    filtered = Scopes.parse(scope)
    assert not filtered.kept()
    assert not filtered.touches("patient/DiagnosticReport.r")
    assert not filtered.touches("patient/ImagingStudy.r")
    assert not filtered.touches("system/DiagnosticReport.c")


def test_the_first_versions_words_come_back_as_they_were_asked():
    assert str(Scopes.parse("patient/ImagingStudy.read").narrowed(APP_LIMIT)) == "patient/ImagingStudy.read"
    assert str(Scopes.parse("patient/ImagingStudy.*").narrowed(APP_LIMIT)) == "patient/ImagingStudy.read"
    assert str(Scopes.parse("patient/ImagingStudy.cruds").narrowed(APP_LIMIT)) == "patient/ImagingStudy.rs"


def test_what_an_app_asks_beyond_its_limit_is_left_out():
    asked = Scopes.asked("fax system/*.* user/*.rs patient/*.cruds launch/patient nonsense/ offline_access \x7f")
    assert str(asked.narrowed(APP_LIMIT)) == "launch/patient offline_access patient/*.rs"


def test_a_scope_parameter_has_an_end():
    with pytest.raises(BadScope):
        Scopes.asked("patient/*.rs " * 1_000)


@given(SCOPES)
def test_a_scope_survives_being_written_and_read(text):
    scope = Scope.parse(text)
    again = Scope.parse(str(scope))
    assert (again.level, again.type, again.letters, again.filters) == (
        scope.level,
        scope.type,
        scope.letters,
        scope.filters,
    )


@given(LISTS, LISTS)
def test_narrowing_never_gives_more_than_either(asked, limit):
    one, other = Scopes.parse(asked), Scopes.parse(limit)
    both = one.narrowed(other)
    assert one.covers_all(both)
    assert other.covers_all(both)


@given(LISTS, LISTS, SCOPES)
def test_narrowing_keeps_whatever_both_allow(asked, limit, wanted):
    one, other, needed = Scopes.parse(asked), Scopes.parse(limit), Scope.parse(wanted)
    if one.covers(needed) and other.covers(needed):
        assert one.narrowed(other).covers(needed)


@given(SCOPES, SCOPES, SCOPES)
def test_covering_is_an_order(a, b, c):
    first, second, third = map(Scope.parse, (a, b, c))
    assert first.covers(first)
    if first.covers(second) and second.covers(third):
        assert first.covers(third)


@given(LISTS, LISTS)
def test_a_union_covers_both(a, b):
    one, other = Scopes.parse(a), Scopes.parse(b)
    assert union([one, other]).covers_all(one)
    assert union([one, other]).covers_all(other)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    Scopes.asked(text)
