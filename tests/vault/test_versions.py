"""A report that is sent again: the newest stands, the others stay, and the same again is nothing new."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.vault.owners import a_document, a_picture, a_site, a_vault, begin, link, push
from vault.catalogue import open_catalogue
from vault.facts import ReportFacts
from vault.incoming import IncomingReport, IncomingResource
from vault.keyring import KeyClass
from vault.pushed import condition_of, said_before, versions_of
from vault.reading import open_document, open_resource
from vault.receiving import Receiving

MORNING, NOON, EVENING = "2026-01-05T08:00:00+00:00", "2026-01-05T12:00:00Z", "2026-01-05T18:00:00+01:00"


@pytest.fixture
def linked(services):
    site = a_site(services)
    with services.work() as work:
        keyring = a_vault(work)
    link(services, site.site, keyring)
    return site, keyring


def a_resource(facts, condition=None):
    return IncomingResource(
        KeyClass.REPORTS, {"type": "DiagnosticReport", "facts": facts.to_dict(), "fhir": "{}"}, condition
    )


def send(services, site, words, *, study="1.2.3", known_as="urn:r|1", condition=None, **facts):
    """One version of a report, a minute after the one before."""
    services.clock.advance(minutes=1)
    said = ReportFacts(title="MRI", conclusion=words, known_as=known_as, **{"content": words} | facts)
    with Receiving(services, site.pusher) as receiving:
        made = receiving.resource(begin(services, site, study_uid=study), a_resource(said, condition))
        receiving.commit()
    return made


def reports(services, keyring):
    with services.reading() as work:
        return [report for study in open_catalogue(work, keyring).studies for report in study.reports]


def the_report(services, keyring):
    (report,) = reports(services, keyring)
    return report


def words_of(versions):
    return [one.facts.conclusion for one in versions]


def test_the_newest_version_stands_under_the_first_ones_id(services, linked):
    site, keyring = linked
    first = send(services, site, "A tear.", status="preliminary")
    second = send(services, site, "No tear.", version=2)
    report = the_report(services, keyring)
    assert (report.id, report.kept, report.version) == (first, second, 2)
    assert words_of(report.versions) == ["No tear.", "A tear."]
    assert [one.kept for one in report.earlier] == [first]
    with services.reading() as work:
        assert all(open_resource(work, keyring, one.kept).body["type"] for one in report.versions)


def test_a_draft_that_comes_late_does_not_stand(services, linked):
    site, keyring = linked
    send(services, site, "Signed.")
    send(services, site, "A draft.", version=2, status="preliminary")
    report = the_report(services, keyring)
    assert (report.facts.conclusion, words_of(report.earlier)) == ("Signed.", ["A draft."])


def test_what_was_issued_earlier_never_takes_the_place_of_something_later(services, linked):
    site, keyring = linked
    send(services, site, "Noon.", issued=NOON)
    send(services, site, "Morning.", version=2, issued=MORNING)
    assert the_report(services, keyring).facts.conclusion == "Noon."
    send(services, site, "Evening.", version=3, issued=EVENING)
    assert the_report(services, keyring).facts.conclusion == "Evening."
    send(services, site, "Nobody knows when.", version=4, issued="some day")
    assert the_report(services, keyring).facts.conclusion == "Nobody knows when."


def test_a_report_that_was_taken_back_stands_as_taken_back(services, linked):
    site, keyring = linked
    send(services, site, "Of somebody else.", issued=NOON)
    send(services, site, "", version=2, status="entered-in-error", issued=MORNING)
    report = the_report(services, keyring)
    assert (report.facts.status, words_of(report.earlier)) == ("entered-in-error", ["Of somebody else."])
    send(services, site, "The right one.", version=3, status="corrected", issued=MORNING)
    assert the_report(services, keyring).facts.conclusion == "The right one."


def test_the_same_words_again_are_no_version(services, linked):
    site, keyring = linked
    first = send(services, site, "No tear.")
    send(services, site.next_token(services), "No tear.", version=2)
    report = the_report(services, keyring)
    assert (report.id, report.version, report.earlier) == (first, 1, ())
    send(services, site, "A tear.", version=3)
    send(services, site, "No tear.", version=4)  # a queue that was played again
    report = the_report(services, keyring)
    assert (report.facts.conclusion, words_of(report.earlier)) == ("A tear.", ["No tear."])


def test_two_that_came_at_once_are_two_versions(services, linked):
    site, keyring = linked
    first = send(services, site, "One.")
    send(services, site, "Two.")
    report = the_report(services, keyring)
    assert (report.id, [one.version for one in report.versions]) == (first, [2, 1])


def test_reports_of_other_names_other_sites_or_without_one_stand_alone(services, linked):
    site, keyring = linked
    hill = a_site(services, "Hill")
    link(services, hill.site, keyring)
    send(services, site, "One.", known_as="urn:r|1")
    send(services, site, "Two.", known_as="urn:r|2")
    send(services, hill, "Of another site.", known_as="urn:r|1")
    send(services, site, "Without a name.", known_as="")
    send(services, site, "Nor this one.", known_as="")
    assert len(reports(services, keyring)) == 5
    assert all(not one.earlier for one in reports(services, keyring))


def test_a_report_that_moves_to_another_study_leaves_the_first(services, linked):
    site, keyring = linked
    push(services, site, a_picture("9.1", b"one"))
    push(services, site, a_picture("9.2", b"two", study_uid="2.2", series_uid="2.2.1"))
    send(services, site, "Of the wrong knee.", study="1.2.3")
    send(services, site, "Of the right knee.", study="2.2", version=2)
    with services.reading() as work:
        catalogue = open_catalogue(work, keyring)
    assert [len(catalogue.by_uid(uid)[0].reports) for uid in ("1.2.3", "2.2")] == [0, 1]
    assert words_of(catalogue.by_uid("2.2")[0].every_report) == ["Of the right knee.", "Of the wrong knee."]


def test_a_report_says_which_others_it_replaces(services, linked):
    site, keyring = linked
    send(services, site, "Old.", known_as="urn:r|1")
    send(services, site, "New.", known_as="urn:r|2", replaces=("urn:r|1", "urn:r|2", "urn:r|never-sent"))
    old, new = sorted(reports(services, keyring), key=lambda one: one.received)
    assert (new.replaces, new.replaced_by) == ((old.id,), None)
    assert (old.replaces, old.replaced_by) == ((), new.id)


def test_a_draft_replaces_no_signed_report(services, linked):
    site, keyring = linked
    send(services, site, "Signed.", known_as="urn:r|1")
    send(services, site, "A draft.", known_as="urn:r|2", replaces=("urn:r|1",), status="preliminary")
    assert all(one.replaced_by is None and one.replaces == () for one in reports(services, keyring))


def test_a_site_finds_the_versions_it_sent_and_what_its_token_said_before(services, linked):
    site, _ = linked
    condition = condition_of(services.secrets, site.site, type="DiagnosticReport", system="urn:r", value="1")
    first = send(services, site, "One.", condition=condition)
    second = send(services, site.next_token(services), "Two.", condition=condition, version=2)
    batch = begin(services, site)
    with services.reading() as work:
        versions = versions_of(work, site.site, condition, batch.scope_id)
        assert [one.id for one in versions] == [first, second]
        assert versions_of(work, site.site, condition, b"\0" * 16) == []
        assert versions_of(work, site.site, None, batch.scope_id) == []
        assert said_before(work, batch, versions, "One.") == 1
        assert said_before(work, batch, versions, "Two.") is None  # another token's words do not open
        assert said_before(work, batch, versions, "Three.") is None


# --- a report that an instance holds ---


def with_report(document, words="As it says."):
    def resource(files):
        facts = ReportFacts(title="SR", conclusion=words, known_as="urn:dicom|9.1", content=words)
        return IncomingResource(
            KeyClass.REPORTS, {"type": "DiagnosticReport", "facts": facts.to_dict(), "fhir": files[0].hex()}
        )

    return replace(document, report=lambda: IncomingReport((("application/pdf", b"%PDF-1"),), resource))


def test_a_report_is_kept_with_the_instance_that_holds_it(services, linked):
    site, keyring = linked
    push(services, site, with_report(a_document("9.1", b"octets")))
    report = the_report(services, keyring)
    with services.reading() as work:
        file = bytes.fromhex(open_resource(work, keyring, report.kept).body["fhir"])
        assert open_document(work, keyring, file) == ("application/pdf", b"%PDF-1")


def test_the_same_instance_again_makes_no_second_report(services, linked):
    site, keyring = linked
    for token in (site, site, site.next_token(services)):
        push(services, token, with_report(a_document("9.1", b"octets")), with_report(a_document("9.1", b"octets")))
    assert the_report(services, keyring).earlier == ()


def test_an_instance_whose_report_cannot_be_read_is_not_kept_either(services, linked):
    site, keyring = linked

    def endless():
        raise ValueError("nested without end")

    with pytest.raises(ValueError, match="nested"):
        push(services, site, replace(a_document("9.1", b"octets"), report=endless))
    push(services, site, replace(a_document("9.2", b"plain"), report=lambda: None))
    with services.reading() as work:
        (study,) = open_catalogue(work, keyring).studies
    assert (study.instances, study.pictures, study.reports) == (1, 0, ())


def test_who_was_too_late_with_an_instance_leaves_no_report_of_it(services, linked):
    site, keyring = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as slow:
        slow.instance(batch, with_report(a_document("9.1", b"octets"), "Too late."))
        push(services, site, with_report(a_document("9.1", b"octets"), "In time."))
        slow.commit()
    assert the_report(services, keyring).facts.conclusion == "In time."
    assert services.clock.now() - the_report(services, keyring).received < timedelta(days=1)
