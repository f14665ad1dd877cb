"""Two scan centers, one person, one time line (experience 1.2; docs/format.md 4.3, 4.4)."""

from tests.journeys.stories import a_scan, a_story, born_as, someone
from tests.papers import a_report, a_transaction
from tests.people import Patient, Site


def test_two_sites_one_vault_one_time_line(keepray):
    told = a_story(keepray)
    hill, person = Site(keepray, "Hill Imaging"), someone()
    scan = a_scan(person, StudyDate="20260210", StudyDescription="MR of the knee", BodyPartExamined="KNEE")
    hill.pushes(*scan.files)
    told.patient.types_a_slip(hill.hands_out_a_slip(person))
    home = told.patient.open("/home")
    assert home.says("Your scans (2)")
    assert home.words.index("Hill Imaging") < home.words.index("Harbor Scan Center")  # newest first


def test_one_site_learns_nothing_of_the_other(keepray):
    harbor, hill, person = Site(keepray), Site(keepray, "Hill Imaging"), someone()
    scan = a_scan(person)
    harbor.pushes(*scan.files)
    harbor.reports(person, scan.name, a_report("Canary word: zugzwang."))
    slip = harbor.hands_out_a_slip(person)
    Patient(keepray, person).types_a_slip(slip)
    # The same number, the same birth date, the same study, even the same report number.
    assert hill.state_of(person) == {"state": "none", "linked": False, "studies": 0, "instances": 0}
    pushed = hill.sends(a_transaction(person, scan.name, a_report("Ours.")))
    assert [one["response"]["status"][:3] for one in pushed.json()["entry"]] == ["201"] * 3
    assert hill.stores(*scan.files).status_code == 200
    for path in (scan.address(), "/dicomweb/studies", "/fhir/Patient", "/fhir/ImagingStudy", "/fhir/DiagnosticReport"):
        answer = hill.get(path)
        assert answer.status_code == 403, path
        assert "zugzwang" not in answer.text
    assert harbor.state_of(person)["studies"] == 1


def test_the_same_study_of_two_sites_is_two_studies_each_with_its_own_octets(keepray):
    harbor, hill, person = Site(keepray), Site(keepray, "Hill Imaging"), someone()
    ours = a_scan(person)
    theirs = a_scan(person, name=ours.name, StudyDescription="The same, elsewhere")
    patient = Patient(keepray, person)
    patient.makes_an_account()
    for site, scan in ((harbor, ours), (hill, theirs)):
        site.pushes(*scan.files)
        patient.types_a_slip(site.hands_out_a_slip(person))
    assert len(patient.scans()) == 2
    rows = patient.ask("GET", "/dicomweb/studies", Accept="application/dicom+json").json()
    assert {row["0020000D"]["Value"][0] for row in rows} == {ours.uid}


def test_a_push_with_another_birth_date_is_not_delivered(keepray):
    told = a_story(keepray)
    # The check has eight bits: of three other dates one may pass for the right one by chance, not all.
    strangers = [born_as(told.patient.person, born) for born in ("19991231", "20010909", "19450508")]
    for one in strangers:
        told.site.pushes(*a_scan(one).files)
    assert len(told.patient.scans()) < 4
    assert told.id in told.patient.scans()


def test_a_number_means_a_person_only_with_its_issuer(keepray):
    site = Site(keepray, issuers={"urn:clinic-a": "clinic-a", "urn:clinic-b": "clinic-b"})
    one = someone(issuer="urn:clinic-a")
    other = type(one)(name="Okafor^Bo", mrn=one.mrn, born="19710502", sex="M", issuer="urn:clinic-b")
    for person in (one, other):
        site.pushes(*a_scan(person).files)
    ana, bo = Patient(keepray, one), Patient(keepray, other)
    for patient in (ana, bo):
        patient.makes_an_account()
        patient.types_a_slip(site.hands_out_a_slip(patient.person))
        assert len(patient.scans()) == 1
    assert ana.scans() != bo.scans()
