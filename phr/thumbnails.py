"""Whether lists show the small pictures of scans: who sits at a device that others use too may not want them seen."""

from __future__ import annotations

from flask_babel import lazy_gettext as later

from consent.access import Access
from phr.people import is_shared_device
from vault.database import Work

FIELD = "thumbnails"
USUAL = "own"
CHOICES = {
    "own": later("Show them, but not on a shared device"),
    "always": later("Show them on every device"),
    "never": later("Hide them everywhere"),
}


def choice_of(work: Work, here: Access) -> str:
    """What the patient chose: a key of `CHOICES`."""
    return here.own_vault().field(work, FIELD) or USUAL


def are_shown(work: Work, here: Access) -> bool:
    """Whether small pictures may stand on this screen."""
    chosen = choice_of(work, here)
    return chosen == "always" or (chosen == USUAL and not is_shared_device(here))
