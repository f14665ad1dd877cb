"""Facts go to JSON and come back equal, also from a version that knew more."""

import json

import pytest

from vault.facts import (
    DocumentFacts,
    InstanceFacts,
    PersonFacts,
    ReportFacts,
    Section,
    SeriesFacts,
    StudyFacts,
)

ANA = PersonFacts(name="Pérez^Ana", born="19580327", sex="F", mrn="12345", issuer="HSC")
FACTS = [
    ANA,
    StudyFacts(uid="1.2.3", date="20260301", accession="A1", person=ANA),
    SeriesFacts(uid="1.2.3.1", number=1, modality="MR", body_part="KNEE"),
    InstanceFacts(uid="1.1", sop_class="1.2", frames=3, lossy=True),
    ReportFacts(
        title="MRI knee",
        sections=(Section("Findings", "torn\nmeniscus"),),
        documents=(DocumentFacts("00" * 16, "application/pdf", size=7),),
        study_uids=("1.2.3",),
        identifiers=("R1",),
    ),
    ReportFacts(title="bare"),
]


@pytest.mark.parametrize("facts", FACTS, ids=lambda one: type(one).__name__)
def test_facts_come_back_from_json_as_they_went(facts):
    assert type(facts).from_dict(json.loads(json.dumps(facts.to_dict()))) == facts


@pytest.mark.parametrize("facts", FACTS, ids=lambda one: type(one).__name__)
def test_words_of_a_later_version_are_left_out(facts):
    assert type(facts).from_dict({**facts.to_dict(), "later": 1}) == facts


def test_what_an_earlier_version_did_not_write_is_empty():
    assert StudyFacts.from_dict({"uid": "1.2.3"}) == StudyFacts(uid="1.2.3", person=PersonFacts())
    assert ReportFacts.from_dict({"title": "x"}) == ReportFacts(title="x")
