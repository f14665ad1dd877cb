"""What a device is called on pages: `consent.devices` knows it by its English words, which are what is kept."""

from __future__ import annotations

from flask_babel import lazy_gettext

from consent.devices import UNKNOWN

NAMES = {
    "iPad": "iPad",
    "iPhone": "iPhone",
    "Chromebook": "Chromebook",
    "Mac": "Mac",
    "Windows computer": lazy_gettext("Windows computer"),
    "Linux computer": lazy_gettext("Linux computer"),
    "Android phone": lazy_gettext("Android phone"),
    "Android tablet": lazy_gettext("Android tablet"),
    UNKNOWN: lazy_gettext("Another device"),
}


def device_name(words: str) -> str:
    """The device in the language of the page."""
    return str(NAMES.get(words, words))
