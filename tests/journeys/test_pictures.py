"""What the page of pictures is told by the house: earlier scans of the same part, and what a radiologist marked."""

import html
import json
import re

from pydicom.dataset import Dataset

from tests.factories import a_dataset, a_uid, as_file
from tests.journeys.stories import a_story
from tests.people import Guest

KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.88.59"


def told(who, path: str) -> list[dict]:
    """The scans that the viewer of this page shows."""
    written = re.search(r'data-studies="([^"]*)"', who.ask("GET", path).text)
    return json.loads(html.unescape(written.group(1)))


def an_item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def a_key_object(scan, number: int = 1) -> bytes:
    """A radiologist marks one picture of `scan`."""
    ds = a_dataset(person=scan.person, study=scan.name, series="marked", modality="KO", sop_class=KEY_OBJECT)
    named = an_item(
        ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=scan.instance_uid(number)
    )
    series = an_item(SeriesInstanceUID=scan.series_uid, ReferencedSOPSequence=[named])
    evidence = an_item(StudyInstanceUID=scan.uid, ReferencedSeriesSequence=[series])
    ds.CurrentRequestedProcedureEvidenceSequence = [evidence]
    ds.ContentSequence = [an_item(ReferencedSOPSequence=[named])]
    return as_file(ds)


def test_a_patient_finds_the_earlier_scan_of_the_same_part_beside_and_no_other(keepray):
    story = a_story(keepray)
    earlier, _ = story.another_scan(StudyDate="20240102")
    story.another_scan(StudyDescription="CT of the knee", BodyPartExamined="KNEE")
    shown = told(story.patient, f"{story.page}/pictures")
    assert [study["uid"] for study in shown] == [story.scan.uid, earlier.uid]
    assert [study["taken"] for study in shown] == ["20260105", "20240102"]


def test_marked_pictures_are_told_to_who_may_read_the_mark_and_listed_as_no_group(keepray):
    story = a_story(keepray)
    story.site.pushes(a_key_object(story.scan, 2))
    marks = a_uid("series", story.scan.name, "marked")
    doctor = Guest(keepray)
    doctor.opens(story.patient.gives_a_code(story.id).code)
    for who, path in ((story.patient, f"{story.page}/pictures"), (doctor, "/see/view")):
        (study,) = told(who, path)
        assert study["marks"] == [marks]
        assert [series["uid"] for series in study["series"]] == [story.scan.series_uid]
    address = f"/dicomweb/studies/{story.scan.uid}/series/{marks}/metadata"
    (mark,) = story.patient.ask("GET", address).json()
    assert story.scan.instance_uid(2) in json.dumps(mark["0040A730"])
    assert doctor.ask("GET", address).json()[0]["0040A375"]["Value"]
