"""Which scans a person is offered to compare."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phr.priors import Subject, priors_of, subject_of
from vault.facts import SeriesFacts, StudyFacts
from vault.ids import Id
from vault.studies import Series, Study


def of(kinds: str, parts: str = "", sides: str = "", name: str = "") -> Subject:
    words = (frozenset(text.split("+")) if text else frozenset[str]() for text in (kinds, parts, sides))
    return Subject(*words, name=name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of("MRI", "knee", "right"), of("MRI", "knee", "right")),
        (of("MRI", "knee", "right"), of("MRI", "knee")),
        (of("X-ray", "knee", "right"), of("X-ray", "knee", "right+left")),
        (of("CT", "chest"), of("CT", "chest+belly+pelvis")),
        (of("CT", "chest"), of("CT+PET scan", "chest")),
        (of("OT", name="protocol 7"), of("OT", name="protocol 7")),
    ],
)
def test_the_same_part_by_the_same_machine_is_compared(one, other):
    assert one.is_like(other)
    assert other.is_like(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of("MRI", "knee", "right"), of("MRI", "knee", "left")),
        (of("MRI", "knee"), of("X-ray", "knee")),
        (of("MRI", "knee"), of("MRI", "hip")),
        (of("MRI", "knee", name="mri"), of("MRI", name="mri")),
        (of("MRI", name="protocol 7"), of("MRI", name="protocol 8")),
        (of("MRI"), of("MRI")),
        (of("", "knee"), of("", "knee")),
    ],
)
def test_another_part_side_or_machine_is_not(one, other):
    assert not one.is_like(other)
    assert not other.is_like(one)


NOW = datetime(2026, 3, 3, tzinfo=UTC)


def a_study(number: int, description: str = "", taken: str = "", **facts: str) -> Study:
    study_id = Id(bytes([number]) * 16)
    series = Series(study_id, SeriesFacts(uid=f"2.25.{number}", **facts), instances=1, has_preview=True, pictures=1)
    of = StudyFacts(uid=f"2.25.{number}0", description=description, date=taken)
    return Study(study_id, (study_id,), study_id, of, None, NOW, NOW, (series,), (), ())


def test_what_a_scan_is_of_is_read_from_its_series_and_its_name():
    study = a_study(1, description="MRI Knee right w/o contrast", modality="MR")
    assert subject_of(study) == of("MRI", "knee", "right", name="mri knee right w/o contrast")
    assert subject_of(a_study(2, modality="CT", body_part="CHESTABDPELVIS")) == of("CT", "chest+belly+pelvis")


def test_the_newest_of_the_same_kind_come_first():
    now = a_study(1, modality="DX", body_part="CHEST", taken="20260303")
    old = a_study(2, modality="CR", body_part="CHEST", taken="20200101")
    newer = a_study(3, modality="DX", body_part="THORAX", taken="20240101")
    head = a_study(4, modality="DX", body_part="SKULL", taken="20250101")
    assert priors_of(now, [now, old, newer, head]) == [newer, old]
