"""What a device is called in the list of signed-in devices, from what its browser says of itself."""

from enum import StrEnum


class Shape(StrEnum):
    """What it looks like; "This phone" is said of the one in the hand."""

    PHONE = "phone"
    TABLET = "tablet"
    COMPUTER = "computer"
    OTHER = "device"


# The first line whose word is in the user agent says what it is. Order matters: Android and iPad mention others.
_KNOWN = (
    ("iPad", "iPad", Shape.TABLET),
    ("iPhone", "iPhone", Shape.PHONE),
    ("CrOS", "Chromebook", Shape.COMPUTER),
    ("Windows", "Windows computer", Shape.COMPUTER),
    ("Macintosh", "Mac", Shape.COMPUTER),
    ("Linux", "Linux computer", Shape.COMPUTER),
)
_SHAPES = {words: shape for _, words, shape in _KNOWN} | {
    "Android phone": Shape.PHONE,
    "Android tablet": Shape.TABLET,
}
UNKNOWN = "Another device"


def device_words(user_agent: str) -> str:
    """What to call the device; nothing of the user agent itself is kept."""
    if "Android" in user_agent:
        return "Android phone" if "Mobile" in user_agent else "Android tablet"
    return next((words for word, words, _ in _KNOWN if word in user_agent), UNKNOWN)


def shape_of(words: str) -> Shape:
    """What a device of these words looks like."""
    return _SHAPES.get(words, Shape.OTHER)
