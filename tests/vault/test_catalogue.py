"""What a person's list shows, and what a search finds in it."""

import pytest
import sqlalchemy as sa

from tests.vault.owners import ANA, a_picture, a_site, a_vault, begin, link, push
from vault.catalogue import Wanted, open_catalogue
from vault.errors import NotThere
from vault.intake import papers_uid
from vault.keyring import KeyClass
from vault.receiving import IncomingResource, Receiving
from vault.sealing import derive
from vault.tables import BatchRow, ObjectRow, ResourceRow, StudyRow


@pytest.fixture
def shelf(services):
    """One vault, two sites, three studies and a report that came alone."""
    with services.work() as work:
        ana = a_vault(work)
    harbor, hill = a_site(services, "Harbor"), a_site(services, "Hill")
    for site in (harbor, hill):
        link(services, site.site, ana)
    push(services, harbor, a_picture("1.1", b"a"), a_picture("1.2", b"b"))
    push(services, harbor, a_picture("2.1", b"c", study_uid="2.2", series_uid="2.2.1"))
    push(services, hill, a_picture("3.1", b"d", study_uid="3.3", series_uid="3.3.1"))
    return ana, harbor, hill


def report(services, site, *, study_uid, **facts):
    batch = begin(services, site, study_uid=study_uid)
    body = {"type": "DiagnosticReport", "facts": {"title": "MRI report", **facts}, "fhir": {}}
    with Receiving(services, site.pusher) as receiving:
        made = receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
        receiving.commit()
    return made


def opened(services, keyring):
    with services.reading() as work:
        return open_catalogue(work, keyring)


def test_two_sites_are_one_list(services, shelf):
    catalogue = opened(services, shelf[0])
    assert {study.uid for study in catalogue.studies} == {"1.2.3", "2.2", "3.3"}
    assert {study.site_id for study in catalogue.studies} == {shelf[1].site.id, shelf[2].site.id}
    assert catalogue.people == (ANA,)


def test_instances_are_counted_not_believed(services, shelf):
    study = opened(services, shelf[0]).by_uid("1.2.3")[0]
    assert (study.instances, study.modalities, len(study.series)) == (2, ("MR",), 1)


def test_a_stranger_has_an_empty_list(services, shelf):
    with services.work() as work:
        assert open_catalogue(work, a_vault(work)).studies == ()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), 3),
        (Wanted(uids=frozenset({"2.2", "9.9"})), 1),
        (Wanted(modality="MR"), 3),
        (Wanted(modality="CT"), 0),
        (Wanted(taken_from="20260301", taken_to="20260301"), 3),
        (Wanted(taken_from="20260302"), 0),
        (Wanted(accession="A1"), 3),
        (Wanted(accession="A?"), 3),
        (Wanted(patient_name="perez^*"), 3),
        (Wanted(patient_name="smith*"), 0),
        (Wanted(mrn="12345"), 3),
        (Wanted(description="Knee*"), 3),
        (Wanted(description="[Kk]nee*"), 0),
    ],
)
def test_a_search_finds_what_fits(services, shelf, wanted, found):
    assert len(opened(services, shelf[0]).matching(wanted)) == found


def test_a_report_that_came_alone_joins_the_study_it_names(services, shelf):
    ana, harbor, _ = shelf
    made = report(services, harbor, study_uid=papers_uid(), study_uids=["2.2"])
    study, found = opened(services, ana).report(made)
    assert (study.uid, found.facts.title) == ("2.2", "MRI report")
    assert set(study.folders) == {study.id, found.study_id}


def test_a_report_meets_its_study_by_accession_number_in_its_own_site_only(services, shelf):
    ana, _, hill = shelf
    made = report(services, hill, study_uid=papers_uid("A1"), accession="A1")
    assert opened(services, ana).report(made)[0].uid == "3.3"


def test_a_report_without_pictures_stands_alone(services, shelf):
    ana, harbor, _ = shelf
    made = report(services, harbor, study_uid=papers_uid("B7"), accession="B7", effective="2025-12-24T10:00:00Z")
    study, _ = opened(services, ana).report(made)
    assert (study.uid, study.facts.date, study.facts.description) == ("", "20251224", "MRI report")


def test_a_study_known_by_its_imaging_study_alone_is_listed_while_its_pictures_are_on_the_way(services, shelf):
    ana, harbor, _ = shelf
    batch = begin(services, harbor, study_uid="7.7")
    body = {"type": "ImagingStudy", "facts": {"uid": "7.7", "description": "CT head"}, "fhir": {}}
    with Receiving(services, harbor.pusher) as receiving:
        receiving.resource(batch, IncomingResource(KeyClass.META, body))
        receiving.commit()
    study = opened(services, ana).by_uid("7.7")[0]
    assert (study.facts.description, study.instances) == ("CT head", 0)


def test_what_is_not_listed_is_not_there(services, shelf):
    catalogue = opened(services, shelf[0])
    with pytest.raises(NotThere):
        catalogue.study(bytes(16))
    with pytest.raises(NotThere):
        catalogue.report(bytes(16))


def test_what_came_with_a_report_goes_where_the_report_goes(services, shelf):
    ana, harbor, _ = shelf
    batch = begin(services, harbor, study_uid=papers_uid("B8"))
    with Receiving(services, harbor.pusher) as receiving:
        for kind, facts in (
            ("Patient", {"name": "Perez^Ana"}),
            ("Observation", {}),
            ("DiagnosticReport", {"title": "MRI report", "study_uids": ["2.2"]}),
        ):
            body = {"type": kind, "facts": facts, "fhir": {}}
            receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
        receiving.commit()
    study = opened(services, ana).by_uid("2.2")[0]
    assert [one.type for one in study.resources] == ["Patient", "Observation"]


def test_a_report_that_finds_no_study_shows_the_patient_its_site_wrote(services, shelf):
    ana, harbor, _ = shelf
    batch = begin(services, harbor, study_uid=papers_uid("B9"))
    with Receiving(services, harbor.pusher) as receiving:
        for kind, facts in (("Patient", ANA.to_dict()), ("DiagnosticReport", {"title": "MRI report"})):
            receiving.resource(batch, IncomingResource(KeyClass.REPORTS, {"type": kind, "facts": facts, "fhir": {}}))
        receiving.commit()
    assert opened(services, ana).by_uid("")[0].facts.person == ANA


def test_papers_that_say_nothing_of_a_study_are_no_study(services, shelf):
    ana, harbor, _ = shelf
    batch = begin(services, harbor, study_uid=papers_uid("C1"))
    with Receiving(services, harbor.pusher) as receiving:
        receiving.resource(batch, IncomingResource(KeyClass.META, {"type": "Patient", "facts": {}, "fhir": {}}))
        receiving.commit()
    assert len(opened(services, ana).studies) == 3


def test_a_lost_blob_hides_its_own_study_and_no_other(services, shelf):
    ana = shelf[0]
    with services.work() as work:
        index = derive.uid_index(services.secrets.index_key, ana.scopes(work)[0], "2.2")
        lost = work.session.scalar(sa.select(StudyRow.id).where(StudyRow.uid_bi == index))
        blobs = sa.select(ObjectRow.blob).join(BatchRow, ObjectRow.batch == BatchRow.id)
        for blob in work.session.scalars(blobs.where(BatchRow.study == lost)).unique():
            services.blobs.delete(blob)
    for _ in range(2):  # no card is made of it
        catalogue = opened(services, ana)
        assert {study.uid for study in catalogue.studies} == {"1.2.3", "3.3"}
        assert catalogue.damaged == {lost}


def test_a_damaged_paper_hides_neither_pictures_nor_other_papers(services, shelf):
    ana, harbor, _ = shelf
    good = report(services, harbor, study_uid="1.2.3", conclusion="whole")
    bad = report(services, harbor, study_uid="1.2.3", conclusion="damaged")
    with services.work() as work:
        row = work.session.get(ObjectRow, work.session.get(ResourceRow, bad).object)
        row.commitment = bytes(16)
    catalogue = opened(services, ana)
    study = catalogue.by_uid("1.2.3")[0]
    assert ([one.id for one in study.reports], study.instances) == ([good], 2)
    assert catalogue.damaged == {study.id}


def test_the_catalogue_of_a_study_erased_at_this_moment_lists_the_others(services, shelf, monkeypatch):
    ana = shelf[0]
    ids = [*(study.id for study in opened(services, ana).studies), bytes(16)]
    monkeypatch.setattr(type(ana), "study_ids", lambda _self, _work: ids)
    assert len(opened(services, ana).studies) == 3


def test_only_what_was_asked_for_is_opened(services, shelf):
    ana = shelf[0]
    wanted = opened(services, ana).by_uid("2.2")[0].id
    with services.reading() as work:
        assert [study.id for study in open_catalogue(work, ana, only=[wanted]).studies] == [wanted]
        assert open_catalogue(work, ana, only=[bytes(16)]).studies == ()


def test_studies_are_found_by_identifier(services, shelf):
    catalogue = opened(services, shelf[0])
    assert [catalogue.study(study.id) for study in catalogue.studies] == list(catalogue.studies)
