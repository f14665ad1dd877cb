"""What the vault keeps of a DICOM object beside its octets, in the vault's own words."""

from dataclasses import asdict
from typing import Any

from fhir_gateway.dicom.bare import BarePicture, Tone, bare_picture
from fhir_gateway.dicom.facts import first, text
from fhir_gateway.dicom.frames import FrameTable, PixelLayout
from fhir_gateway.dicom.instance import IncomingInstance
from fhir_gateway.dicom.json_model import Bulk
from fhir_gateway.dicom.syntaxes import is_native
from vault.facts import InstanceFacts, PersonFacts, SeriesFacts, StudyFacts

Json = dict[str, Any]


def study_facts(incoming: IncomingInstance) -> StudyFacts:
    """The study as this instance tells it."""
    said = incoming.metadata
    patient = incoming.patient
    return StudyFacts(
        uid=incoming.study_uid,
        date=text(said, "00080020"),
        time=text(said, "00080030"),
        zone=text(said, "00080201"),
        description=text(said, "00081030"),
        accession=incoming.accession,
        accession_issuer=incoming.accession_issuer,
        study_number=text(said, "00200010"),
        referrer=_person(said, "00080090"),
        institution=text(said, "00080080"),
        person=PersonFacts(
            name=patient.name, born=patient.born or "", sex=patient.sex, mrn=patient.mrn, issuer=patient.issuer
        ),
    )


def series_facts(incoming: IncomingInstance) -> SeriesFacts:
    """The series as this instance tells it."""
    said = incoming.metadata
    return SeriesFacts(
        uid=incoming.series_uid,
        number=_number(said, "00200011"),
        modality=incoming.modality,
        description=text(said, "0008103E"),
        body_part=text(said, "00180015"),
        laterality=text(said, "00200060"),
        date=text(said, "00080021"),
        time=text(said, "00080031"),
    )


def instance_facts(incoming: IncomingInstance) -> InstanceFacts:
    """The instance, once its octets were used up."""
    said, pixel = incoming.metadata, incoming.pixel
    table = incoming.frames()
    return InstanceFacts(
        uid=incoming.instance_uid,
        sop_class=incoming.sop_class,
        number=_number(said, "00200013"),
        rows=pixel.rows if pixel else 0,
        columns=pixel.columns if pixel else 0,
        frames=table.count if table else 0,
        bits_allocated=pixel.bits_allocated if pixel else 0,
        transfer_syntax=incoming.transfer_syntax,
        lossy=text(said, "00282110") == "01",
        key_class=incoming.key_class,
    )


def layout(incoming: IncomingInstance) -> Json:
    """How the instance lies in its octets: what serving a frame needs, and nothing more."""
    table, pixel = incoming.frames(), incoming.pixel
    return {
        "syntax": incoming.transfer_syntax,
        "sop_class": incoming.sop_class,
        "length": incoming.length(),
        "uids": [incoming.study_uid, incoming.series_uid, incoming.instance_uid],
        "frames": table.to_json() if table else None,
        "pixel": asdict(pixel) if pixel else None,
        "tone": tone.to_json() if pixel and (tone := Tone.of(incoming.metadata)) else None,
        "bulk": {path: bulk.to_json() for path, bulk in incoming.bulk().items()},
    }


def frame_table(kept: Json) -> FrameTable | None:
    """The frame table of a kept layout."""
    return FrameTable.from_json(kept["frames"]) if kept.get("frames") else None


def pixel_layout(kept: Json) -> PixelLayout | None:
    """The picture's layout of a kept layout."""
    return PixelLayout(**kept["pixel"]) if kept.get("pixel") else None


def bare_of(kept: Json) -> BarePicture | None:
    """How the frames of a kept layout are shown without the darkroom; None where they are not."""
    table, tone = frame_table(kept), kept.get("tone")
    if table is None or tone is None:
        return None
    packed = table.fragments is not None or not is_native(table.syntax)
    return bare_picture(pixel_layout(kept), Tone.from_json(tone), packed=packed)


def bulk_at(kept: Json, path: str) -> Bulk | None:
    """Where the value under `bulkdata/` lies."""
    stored = kept.get("bulk", {}).get(path)
    return Bulk.from_json(stored) if stored else None


def _number(said: Json, tag: str) -> int | None:
    value = first(said, tag)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _person(said: Json, tag: str) -> str:
    value = first(said, tag)
    return str(value.get("Alphabetic") or "") if isinstance(value, dict) else ""
