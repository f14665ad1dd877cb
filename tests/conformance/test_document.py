"""What we say of our conformance is what the tests hold."""

from tests.conformance.cases import CASES, NOT_TESTED, STANDARDS
from tests.conformance.document import FILE, taken_up, written


def test_every_case_has_a_test_or_a_reason_and_never_both():
    tested = taken_up()
    assert [case for case in CASES if case not in tested and case not in NOT_TESTED] == []
    assert [case for case in NOT_TESTED if case in tested] == []
    assert all(len(reason) > 20 for reason in NOT_TESTED.values())


def test_no_test_takes_up_a_case_that_is_none():
    assert set(taken_up()) <= set(CASES)
    assert {case.partition(".")[0] for case in CASES} == set(STANDARDS)


def test_the_document_is_written_from_the_tests():
    assert FILE.read_text() == written()
