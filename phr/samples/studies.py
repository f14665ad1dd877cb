"""The sample studies: which pictures they hold, whose they are, and what their reports say.

Everybody here is made up. `write` puts one study into a folder as a site would have it: DICOM files and a report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fhir_gateway.dicom.instance import read_instance
from phr.samples import phantom
from phr.samples.writing import Dataset, Element, from_json, native_pixels, part_10, uid_of

CT, DX = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1.1"

# What of a borrowed picture describes the picture and the machine; nothing of the person it once was.
_KEPT = (
    "00080008", "00180015", "00180020", "00180023", "00180050", "00180080", "00180081", "00180087", "00180088",
    "00181063", "00181065", "00181314", "00185100", "00200032", "00200037", "00201041", "00280002", "00280004",
    "00280006", "00280008", "00280009", "00280010", "00280011", "00280030", "00280034", "00280100", "00280101",
    "00280102", "00280103", "00280106", "00280107", "00281050", "00281051", "00281052", "00281053", "00281054",
    "00281101", "00281102", "00281103", "00281201", "00281202", "00281203", "00282110", "00282112",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist. `name` is a DICOM person name, `born` is YYYYMMDD."""

    name: str
    born: str
    sex: str
    mrn: str

    @property
    def born_iso(self) -> str:
        """YYYY-MM-DD."""
        return f"{self.born[:4]}-{self.born[4:6]}-{self.born[6:]}"

    @property
    def spoken(self) -> str:
        """Given and family name."""
        family, _, given = self.name.partition("^")
        return f"{given} {family}".strip()


@dataclass(frozen=True, slots=True)
class Sample:
    """One study: `borrowed` are files of the pydicom package by series, else `phantom` names what is drawn."""

    name: str
    modality: str
    description: str
    date: str
    time: str
    phantom: str = ""
    borrowed: tuple[tuple[str, tuple[str, ...]], ...] = ()


CHEST_CT = Sample("chest-ct", "CT", "CT of the chest", "20260914", "101500", phantom="ct")
ABDOMEN_MR = Sample(
    "abdomen-mr",
    "MR",
    "MRI of the abdomen",
    "20260602",
    "084000",
    borrowed=(
        ("Liver", ("examples_overlay.dcm",)),
        (
            "Small pictures, packed in four ways",
            ("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"),
        ),
    ),
)
CHEST_XRAY = Sample("chest-xray", "DX", "X-ray of the chest", "20261005", "143000", phantom="xray")
ULTRASOUND = Sample(
    "ultrasound",
    "US",
    "Ultrasound",
    "20261019",
    "092000",
    borrowed=(
        ("Heart, moving", ("examples_ybr_color.dcm",)),
        ("Lymph node, colour", ("examples_rgb_color.dcm", "examples_jpeg2k.dcm")),
        ("Measurement", ("examples_palette.dcm",)),
    ),
)


def write(sample: Sample, person: Person, folder: Path) -> int:
    """The study lies in the folder as DICOM files. Answers how many."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = 0
    for number, octets in enumerate(_files(sample, person), start=1):
        (folder / f"IM{number:04d}").write_bytes(octets)
        count = number
    return count


def study_uid(sample: Sample, person: Person) -> str:
    """The UID of this study of this person."""
    return uid_of("keepray sample", sample.name, person.mrn)


def _files(sample: Sample, person: Person) -> Iterator[bytes]:
    if sample.phantom == "ct":
        return _ct(sample, person)
    if sample.phantom == "xray":
        return _xray(sample, person)
    return _borrowed(sample, person)


# -- drawn -----------------------------------------------------------------------------------------


def _ct(sample: Sample, person: Person) -> Iterator[bytes]:
    series = 2
    for number, (z, pixels) in enumerate(zip(phantom.positions(), phantom.ct_slices(), strict=True), start=1):
        half = phantom.SPACING * (phantom.COLUMNS - 1) / 2
        made: dict[str, Element] = {
            **_common(sample, person, CT, series, number, "Chest, soft tissue"),
            "00080008": ("CS", ["ORIGINAL", "PRIMARY", "AXIAL"]),
            "00180015": ("CS", "CHEST"),
            "00180050": ("DS", phantom.THICKNESS),
            "00180060": ("DS", 120),
            "00185100": ("CS", "HFS"),
            "00200032": ("DS", [-half, -half, z]),
            "00200037": ("DS", [1, 0, 0, 0, 1, 0]),
            "00200052": ("UI", uid_of("keepray sample", sample.name, person.mrn, "frame of reference")),
            "00201041": ("DS", z),
            "00280030": ("DS", [phantom.SPACING, phantom.SPACING]),
            **_grey(phantom.ROWS, phantom.COLUMNS, stored=16, signed=True),
            "00281050": ("DS", [40, -550]),
            "00281051": ("DS", [400, 1500]),
            "00281055": ("LO", ["Soft tissue", "Lung"]),
            "00281052": ("DS", 0),
            "00281053": ("DS", 1),
            "00281054": ("LO", "HU"),
        }
        yield part_10(made, native_pixels(pixels.astype("<i2").tobytes()))


def _xray(sample: Sample, person: Person) -> Iterator[bytes]:
    names = (("Front", "PA", ["L", "F"]), ("Side", "LL", ["P", "F"]))
    for number, ((name, position, sides), pixels) in enumerate(zip(names, phantom.xray_views(), strict=True), start=1):
        made: dict[str, Element] = {
            **_common(sample, person, DX, number, 1, name),
            "00080008": ("CS", ["ORIGINAL", "PRIMARY"]),
            "00080068": ("CS", "FOR PRESENTATION"),
            "00180015": ("CS", "CHEST"),
            "00181164": ("DS", [0.25, 0.25]),
            "00185101": ("CS", position),
            "00200020": ("CS", sides),
            "00200062": ("CS", "U"),
            **_grey(phantom.SHADOW_ROWS, phantom.SHADOW_COLUMNS, stored=12, signed=False),
            "00281050": ("DS", 2048),
            "00281051": ("DS", 4096),
            "00281052": ("DS", 0),
            "00281053": ("DS", 1),
            "00281054": ("LO", "US"),
            "20500020": ("CS", "IDENTITY"),
        }
        yield part_10(made, native_pixels(pixels.astype("<u2").tobytes()))


def _grey(rows: int, columns: int, *, stored: int, signed: bool) -> dict[str, Element]:
    return {
        "00280002": ("US", 1),
        "00280004": ("CS", "MONOCHROME2"),
        "00280010": ("US", rows),
        "00280011": ("US", columns),
        "00280100": ("US", 16),
        "00280101": ("US", stored),
        "00280102": ("US", stored - 1),
        "00280103": ("US", int(signed)),
    }


# -- borrowed --------------------------------------------------------------------------------------


def _borrowed(sample: Sample, person: Person) -> Iterator[bytes]:
    for series, (name, files) in enumerate(sample.borrowed, start=1):
        for number, file in enumerate(files, start=1):
            yield _with_another_person(sample, person, series, number, name, borrowed_folder() / file)


def borrowed_folder() -> Path:
    """Where the pydicom package keeps the pictures that it tests itself with."""
    found = find_spec("pydicom")
    assert found is not None  # a dependency of ours
    assert found.origin is not None
    return Path(found.origin).parent / "data" / "test_files"


def _with_another_person(sample: Sample, person: Person, series: int, number: int, name: str, path: Path) -> bytes:
    """The picture of the file, octet for octet, under a made-up person's name and numbers."""
    octets = path.read_bytes()
    incoming = read_instance([octets])
    for _ in incoming.octets:
        pass
    table = incoming.frames()
    assert table is not None
    made: dict[str, Element] = {
        **from_json(incoming.metadata, _KEPT),
        **_common(sample, person, incoming.sop_class, series, number, name),
    }
    return part_10(made, octets[table.header : table.end], syntax=incoming.transfer_syntax)


# -- both ------------------------------------------------------------------------------------------


def _common(sample: Sample, person: Person, sop_class: str, series: int, number: int, name: str) -> Dataset:
    """Whose it is, and where it belongs."""
    words = ("keepray sample", sample.name, person.mrn)
    return {
        "00080005": ("CS", "ISO_IR 192"),
        "00080016": ("UI", sop_class),
        "00080018": ("UI", uid_of(*words, series, number)),
        "00080020": ("DA", sample.date),
        "00080021": ("DA", sample.date),
        "00080023": ("DA", sample.date),
        "00080030": ("TM", sample.time),
        "00080031": ("TM", sample.time),
        "00080033": ("TM", sample.time),
        "00080050": ("SH", f"A{uid_of(*words)[-8:]}"),
        "00080060": ("CS", sample.modality),
        "00080070": ("LO", "Keepray samples"),
        "00080080": ("LO", "Harbour Imaging (demo)"),
        "00080090": ("PN", "Referrer^Robin"),
        "00081030": ("LO", sample.description),
        "0008103E": ("LO", name),
        "00100010": ("PN", person.name),
        "00100020": ("LO", person.mrn),
        "00100030": ("DA", person.born),
        "00100040": ("CS", person.sex),
        "0020000D": ("UI", study_uid(sample, person)),
        "0020000E": ("UI", uid_of(*words, series)),
        "00200010": ("SH", "1"),
        "00200011": ("IS", series),
        "00200013": ("IS", number),
    }
