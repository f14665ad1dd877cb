"""Every file that the DICOM library carries: stored and given back the same, or refused in words (docs/dicomweb.md)."""

import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset

from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.errors import UnreadableDicom
from tests.fhir_gateway.house import a_patient, a_site
from vault.facts import PersonFacts

FOLDER = Path(pydicom.data.__file__).parent
NO_OBJECTS = {".py", ".pyc", ".json", ".txt", ".dump", ".icc", ".gz", ".md"}
FILES = [one for one in sorted(FOLDER.rglob("*")) if one.is_file() and one.suffix not in NO_OBJECTS]
BARE = "application/dicom; transfer-syntax=*"
NO_PICTURE = {"JPEG2000-embedded-sequence-delimiter.dcm"}  # its stream is a fragment that no decoder reads
NEVER_SENT = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2"}


class Mailbox:
    """One site, and a patient of it for each identity the files name; a UID that came before gets another site."""

    def __init__(self, house):
        self._house, self._sites, self._taken, self._people = house, [a_site(house)], [set()], {}

    def takes(self, octets):
        """The site's answer, and the patient whose record it went to."""
        try:
            said = read_instance([octets])
        except UnreadableDicom:
            return self._sites[0].stores(octets), None
        place = next((n for n, seen in enumerate(self._taken) if said.instance_uid not in seen), len(self._sites))
        if place == len(self._sites):
            self._sites.append(a_site(self._house, f"Site {place}"))
            self._taken.append(set())
        self._taken[place].add(said.instance_uid)
        patient = self._patient(place, said.patient) if said.patient.mrn.strip() else None
        return self._sites[place].stores(octets), patient and (patient, said)

    def _patient(self, place, named):
        key = (place, named.mrn, named.issuer, named.born)
        if key not in self._people:
            person = PersonFacts(born=named.born or "", mrn=named.mrn, issuer=named.issuer)
            self._people[key] = a_patient(self._house).is_linked_to(self._sites[place], person)
        return self._people[key]


@pytest.fixture
def mailbox(house):
    return Mailbox(house)


def test_every_file_comes_back_the_same_and_can_be_shown_or_is_refused_in_words(mailbox):
    outcomes = Counter(_outcome(mailbox, file) for file in FILES)
    assert outcomes["stored"] > 110
    assert outcomes["stored, preamble blanked"] > 10
    assert outcomes["stored, served explicit"] > 5
    assert sum(outcomes.values()) == len(FILES)


def _outcome(mailbox, file):
    octets = file.read_bytes()
    answer, reader = mailbox.takes(octets)
    if answer.status_code == 409:
        return _refused(answer, file.name)
    (kept,) = answer.json["00081199"]["Value"]
    patient, said = reader
    at = f"/dicomweb/studies/{said.study_uid}/series/{said.series_uid}/instances/{said.instance_uid}"
    app = patient.lets_in()
    got = app.get(at, BARE).data
    shown = app.get(f"{at}/rendered", "image/jpeg")
    has_picture = said.pixel is not None and said.pixel.rows and file.name not in NO_PICTURE
    assert shown.status_code == (200 if has_picture else 406), file.name
    if octets[:128] != bytes(128):
        assert (answer.status_code, kept["00081196"]["Value"]) == (202, [0xB000])
        assert got[128:] == octets[128:] or said.transfer_syntax in NEVER_SENT, file.name
        return "stored, preamble blanked"
    assert answer.status_code == 200
    if said.transfer_syntax not in NEVER_SENT:
        assert got == octets, file.name
        return "stored"
    _are_the_same(octets, got, file.name)
    return "stored, served explicit"


def _refused(answer, name):
    (failed,) = (answer.json.get("00081198") or answer.json["0008119A"])["Value"]
    (words,) = failed["00000902"]["Value"]
    assert failed["00081197"]["Value"] == [0xC000], name
    assert 20 < len(words) <= 64, name
    return words


def _are_the_same(before, after, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other = (pydicom.dcmread(io.BytesIO(octets)) for octets in (before, after))
        assert other.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        _equal(one, other, name)
        if "PixelData" in one:
            assert np.array_equal(one.pixel_array, other.pixel_array), name


def _equal(one: Dataset, other: Dataset, name: str) -> None:
    tags = [{tag for tag in each.keys() if tag.element and tag.group != 0x7FE0} for each in (one, other)]  # noqa: SIM118
    assert tags[0] == tags[1], name
    for tag in tags[0]:
        first, second = one[tag], other[tag]
        if first.VR == "SQ":
            assert len(first.value) == len(second.value), (name, tag)
            for inner, copy in zip(first.value, second.value, strict=True):
                _equal(inner, copy, name)
        elif first.VR not in {"OB", "OW", "UN"}:
            assert first.value == second.value or not (first.value or second.value), (name, tag)
