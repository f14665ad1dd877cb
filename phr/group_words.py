"""What a patient reads over a group of pictures: from where it looks at the body, when the site's own name says so.

Sites name groups for themselves, such as "t2_tse_sag_fs". A plane is read out of that name only where it can mean
nothing else; a group named after two planes, or after none, keeps the site's name alone.
"""

from __future__ import annotations

import re

from flask_babel import gettext as _

SLICED = frozenset({"MR", "CT", "PT", "NM"})
X_RAY = frozenset({"CR", "DX", "DR", "RG"})
_PLANE = {
    "sag": "side", "sagittal": "side", "sagital": "side", "cor": "front", "coronal": "front",
    "ax": "feet", "axial": "feet", "tra": "feet", "trans": "feet", "transversal": "feet", "transverse": "feet",
}  # fmt: skip
_BEAM = {"lat": "side", "lateral": "side", "ap": "front", "pa": "front"}
# Of the heart "cor" is the artery; of hand and foot "AP" and "PA" are the back and the palm or sole.
_OF_THE_HEART = re.compile(r"angio|cta|coronar[yi]|card|heart|calcium|corazon|arter")
_HANDS_AND_FEET = re.compile(r"hand|foot|feet|finger|toe|thumb|wrist|mano|pie\b|dedo|muñeca")


def view_of(description: str, modality: str) -> str:
    """From where the pictures look, such as "Side view"; empty where the site's name does not tell."""
    name = description.casefold()
    words = set(re.split(r"[\W\d_]+", name))
    if modality in SLICED:
        seen = {_PLANE[word] for word in words & _PLANE.keys() if word != "cor" or not _OF_THE_HEART.search(name)}
    elif modality in X_RAY and not _HANDS_AND_FEET.search(name):
        seen = {_BEAM[word] for word in words & _BEAM.keys()}
    else:
        return ""
    views = {"side": _("Side view"), "front": _("Front view"), "feet": _("Seen from the feet")}
    return views[seen.pop()] if len(seen) == 1 else ""
