"""What the vault keeps about studies, in our own words. Wire formats stop above this room.

Every value goes to and from plain JSON (`to_dict`, `from_dict`), which is what lies sealed in metadata objects.
Dates are DICOM dates ("YYYYMMDD"), times DICOM times ("HHMMSS"), "" where the site sent none.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Facts:
    """The JSON round trip that all of them share."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse; words this version does not know are left out."""
        return cls(**{field.name: value[field.name] for field in fields(cls) if field.name in value})


@dataclass(frozen=True, slots=True)
class PersonFacts(Facts):
    """A patient as one site wrote them. `name` is DICOM PN text ("Family^Given^Middle")."""

    name: str = ""
    born: str = ""
    sex: str = ""
    mrn: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class StudyFacts(Facts):
    """One study, as its instances and its ImagingStudy tell it."""

    uid: str
    date: str = ""
    time: str = ""
    zone: str = ""
    description: str = ""
    accession: str = ""
    accession_issuer: str = ""
    study_number: str = ""
    referrer: str = ""
    institution: str = ""
    person: PersonFacts = PersonFacts()

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`."""
        known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        known["person"] = PersonFacts.from_dict(value.get("person") or {})
        return cls(**known)


@dataclass(frozen=True, slots=True)
class SeriesFacts(Facts):
    """One series."""

    uid: str
    number: int | None = None
    modality: str = ""
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    date: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class InstanceFacts(Facts):
    """One instance. `key_class` is "img" for pictures and "rep" for documents."""

    uid: str
    sop_class: str
    number: int | None = None
    rows: int = 0
    columns: int = 0
    frames: int = 0
    bits_allocated: int = 0
    transfer_syntax: str = ""
    lossy: bool = False
    key_class: str = "img"


@dataclass(frozen=True, slots=True)
class Section(Facts):
    """One part of a report under its heading; `text` is plain text with line breaks."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentFacts(Facts):
    """A file of a report. `size` in octets; `sha1` base64, as FHIR's Attachment.hash.

    `drawn`: made here from the report's own words, for programs; its sender sent no such file.
    """

    resource_id: str
    media_type: str
    title: str = ""
    size: int = 0
    sha1: str = ""
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class ReportFacts(Facts):
    """A report, ready to be read: status and code words are FHIR's, times ISO 8601.

    `known_as` is the identifier under which its site sends each version of it, `version` counts these from 1, and
    `content` is equal for versions that say the same. `replaces` are the reports it stands in for: their `known_as`, or
    the ids their site was told.
    """

    title: str
    status: str = "final"
    code: str = ""
    issued: str = ""
    effective: str = ""
    written_by: str = ""
    place: str = ""
    conclusion: str = ""
    sections: tuple[Section, ...] = ()
    language: str = ""
    documents: tuple[DocumentFacts, ...] = ()
    study_uids: tuple[str, ...] = ()
    accession: str = ""
    identifiers: tuple[str, ...] = ()
    known_as: str = ""
    version: int = 1
    content: str = ""
    replaces: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`."""
        known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        known["sections"] = tuple(Section.from_dict(one) for one in value.get("sections") or ())
        known["documents"] = tuple(DocumentFacts.from_dict(one) for one in value.get("documents") or ())
        known["study_uids"] = tuple(value.get("study_uids") or ())
        known["identifiers"] = tuple(value.get("identifiers") or ())
        known["replaces"] = tuple(value.get("replaces") or ())
        return cls(**known)
