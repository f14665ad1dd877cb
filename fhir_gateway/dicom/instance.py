"""
One DICOM object, read as it streams in.

Only the header is held: everything before the picture, at most 16 MiB. What the header says is known at once;
where the frames lie, and what follows the picture, is known when `octets` has been used up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_gateway.dicom import facts
from fhir_gateway.dicom.facts import PatientFacts
from fhir_gateway.dicom.feed import Buffer, Octets, as_octets, inflated
from fhir_gateway.dicom.frames import FrameTable, PixelLayout
from fhir_gateway.dicom.json_model import Bulk
from fhir_gateway.dicom.one_pass import Known
from fhir_gateway.dicom.reading import Reading
from fhir_gateway.dicom.uids import InstanceUID, SeriesUID, StudyUID, is_uid
from fhir_gateway.errors import DirectoryRefused, MissingIdentity, TooLarge

_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_IDENTITY = ("0020000D", "0020000E", "00080018", "00080016")  # study, series, instance, SOP class
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class IncomingInstance:
    """
    An object on its way in. `octets` are what is to be stored: the file bit for bit, but with its preamble zeroed,
    for a preamble can hide a program. `metadata` and `full_metadata` are complete once `octets` is used up.
    """

    study_uid: StudyUID
    series_uid: SeriesUID
    instance_uid: InstanceUID
    sop_class: str
    transfer_syntax: str
    patient: PatientFacts
    accession: str
    accession_issuer: str
    modality: str
    key_class: Literal["img", "rep"]
    metadata: Json
    full_metadata: Json | None
    octets: Iterator[Octets]
    _reading: Reading = field(repr=False)

    @property
    def pixel(self) -> PixelLayout | None:
        """How the picture is laid out; None if there is none."""
        return self._reading.layout

    @property
    def blanked(self) -> bool:
        """Tell whether its preamble said something, which is not kept."""
        return self._reading.blanked

    def frames(self) -> FrameTable | None:
        """Where each frame lies in the octets; None without a picture. Valid once `octets` is used up."""
        return self._reading.table()

    def bulk(self) -> dict[str, Bulk]:
        """Where the values lie that `metadata` only names, by their path below `bulkdata/`; as `frames`."""
        self._reading.check_done()
        return self._reading.writer.bulk

    def length(self) -> int:
        """How many octets were given out. Valid once `octets` is used up."""
        self._reading.check_done()
        return self._reading.given

    def counted(self, stored: bytes) -> bytes:
        """The octets that positions count in: those that were stored, a deflated data set as it is inside."""
        if not self._reading.syntax.deflated:
            return stored
        begin = self._reading.meta_end
        return stored[:begin] + b"".join(inflated(iter([stored[begin:]]), lambda _: None))


def read_instance(pieces: Iterable[Buffer], known: Known | None = None) -> IncomingInstance:
    """
    Read the header of one Part 10 file and say what the object is. `known` is what the objects before it in the same
    request said, so that what they share is written once.

    Raises NotDicom, TruncatedDicom, TooDeep, TooLarge, Inflated, MissingIdentity, DirectoryRefused; using up
    `octets` may raise the same, and then nothing of the object may be kept.
    """
    reading = Reading(as_octets(pieces), known)
    meta, seen = reading.meta, reading.seen
    sop_class = facts.text(seen, "00080016") or facts.text(meta, "00020002")
    if sop_class == _DIRECTORY_CLASS or facts.text(meta, "00020002") == _DIRECTORY_CLASS or "00041220" in seen:
        raise DirectoryRefused("A DICOMDIR lists files; it is no object of its own.")
    uids = [facts.only(seen, tag) for tag in _IDENTITY[:3]]
    if not all(map(is_uid, [*uids, sop_class])):
        if reading.cut_short:
            raise TooLarge("The header of the file is larger than is taken in.")
        told = [one if is_uid(one) else "" for one in (sop_class, uids[2])]
        named = zip(_IDENTITY, [*uids, sop_class], strict=True)
        lacking = " ".join(f"({tag[:4]},{tag[4:]})" for tag, one in named if not is_uid(one))
        raise MissingIdentity(f"No valid UID in {lacking}", *told)
    report = facts.is_report(sop_class, seen)
    return IncomingInstance(
        study_uid=StudyUID(uids[0]),
        series_uid=SeriesUID(uids[1]),
        instance_uid=InstanceUID(uids[2]),
        sop_class=sop_class,
        transfer_syntax=reading.syntax.uid,
        patient=facts.patient_of(seen),
        accession=facts.text(seen, "00080050"),
        accession_issuer=facts.accession_issuer(seen),
        modality=facts.text(seen, "00080060"),
        key_class="rep" if report else "img",
        metadata=facts.open_part(seen) if report else seen,
        full_metadata=seen if report else None,
        octets=reading.octets(),
        _reading=reading,
    )
