"""What a radiologist might have written about the samples. Nobody was examined, and nothing here is advice."""

from contextlib import suppress
from html import escape
from pathlib import Path

from phr import printing
from phr.samples.studies import ABDOMEN_MR, CHEST_CT, CHEST_XRAY, ULTRASOUND, Person, Sample

WRITTEN_BY = "Dr. Sam Reader (made up)"

_TEXTS: dict[str, tuple[tuple[str, str], ...]] = {
    CHEST_CT.name: (
        ("Technique", "Slices of 4 mm through the chest, without contrast."),
        (
            "Findings",
            (
                "The lungs are clear but for a round nodule of 15 mm in the right lung. "
                "Heart and great vessels are of normal size. No fluid around the lungs. Ribs and spine are intact."
            ),
        ),
        ("Impression", "One round nodule in the right lung. A second look in three months is suggested."),
    ),
    ABDOMEN_MR.name: (
        ("Technique", "Pictures across the upper abdomen, with contrast."),
        ("Findings", "Liver, spleen and kidneys are shown. The bile ducts are not widened."),
        ("Impression", "An example report for example pictures."),
    ),
    CHEST_XRAY.name: (
        ("Technique", "Two views, from the front and from the side."),
        ("Findings", "Heart and lungs are of normal size. No fluid. The bones are intact."),
        ("Impression", "No sign of pneumonia."),
    ),
    ULTRASOUND.name: (
        ("Technique", "Moving and still pictures."),
        ("Findings", "The heart contracts well. A lymph node with regular vessels."),
        ("Impression", "An example report for example pictures."),
    ),
}


def write(sample: Sample, person: Person, folder: Path) -> None:
    """The report lies in the folder as report.txt, and as report.pdf where this machine can print."""
    (folder / "report.txt").write_text(as_text(sample, person))
    with suppress(printing.PrintingError):
        (folder / "report.pdf").write_bytes(printing.pdf(_as_page(sample, person), {}))


def as_text(sample: Sample, person: Person) -> str:
    """The report in plain text, headings in capitals."""
    lines = [f"{sample.description}", f"Patient: {person.spoken}, born {person.born_iso}", ""]
    for heading, words in _TEXTS[sample.name]:
        lines += [f"{heading.upper()}:", words, ""]
    return "\n".join([*lines, WRITTEN_BY, ""])


def _as_page(sample: Sample, person: Person) -> str:
    sections = "".join(f"<h2>{escape(heading)}</h2><p>{escape(words)}</p>" for heading, words in _TEXTS[sample.name])
    return (
        f"<!doctype html><html lang=en><title>{escape(sample.description)}</title><style>@page {{ size: A4; "
        f"margin: 25mm }} body {{ font: 11pt/1.5 sans-serif }}</style><h1>{escape(sample.description)}</h1>"
        f"<p>Harbour Imaging (demo). {escape(person.spoken)}, born {person.born_iso}.</p>{sections}"
        f"<p>{escape(WRITTEN_BY)}</p></html>"
    )
