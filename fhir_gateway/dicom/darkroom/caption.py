"""Words upon a picture: whose it is, and how it was taken (PS3.18 8.3.5.1.1)."""

import unicodedata
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

MARGIN = 4
LONGEST = 64
_PATIENT = (("", "PatientName"), ("", "PatientID"), ("Born ", "PatientBirthDate"), ("Sex ", "PatientSex"))
_TECHNIQUE = (
    ("", "Modality"), ("", "SeriesDescription"), ("Study ", "StudyDate"), ("Image ", "InstanceNumber"),
    ("kVp ", "KVP"), ("mAs ", "Exposure"), ("TR ", "RepetitionTime"), ("TE ", "EchoTime"),
    ("Slice ", "SliceThickness"), ("Side ", "ImageLaterality"),
)  # fmt: skip


def captioned(image: Image.Image, header: Dataset, kinds: Iterable[str]) -> Image.Image:
    """The same picture with the words asked for: the patient in the upper corner, the technique in the lower one."""
    size = max(10, min(28, image.height // 24))
    font = ImageFont.load_default(size)
    pen = ImageDraw.Draw(image)
    white, black = ((255, 255, 255), (0, 0, 0)) if image.mode == "RGB" else (255, 0)
    wanted = set(kinds)
    if "patient" in wanted:
        words = "\n".join(_lines(header, _PATIENT))
        pen.multiline_text((MARGIN, MARGIN), words, fill=white, font=font, stroke_width=1, stroke_fill=black)
    if "technique" in wanted:
        words = "\n".join(_lines(header, _TECHNIQUE))
        place = (MARGIN, image.height - MARGIN)
        pen.multiline_text(place, words, fill=white, font=font, anchor="ld", stroke_width=1, stroke_fill=black)
    return image


def _lines(header: Dataset, named: Iterable[tuple[str, str]]) -> list[str]:
    """What the header says of each, in letters that the font has."""
    said = [(lead, str(header.get(name) or "").strip()) for lead, name in named]
    return [_drawn(f"{lead}{text}") for lead, text in said if text]


def _drawn(text: str) -> str:
    """A name's first way of writing, its letters without marks; what remains outside ASCII as a question mark."""
    plain = text.partition("=")[0].rstrip("^").replace("^", " ")
    bare = "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))
    return "".join(one if " " <= one <= "~" else "?" for one in bare)[:LONGEST]
