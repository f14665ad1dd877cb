"""Why there is no picture."""


class NoPixelsError(Exception):
    """The header names no picture."""


class TooManyPixelsError(Exception):
    """The header names a picture larger than is unpacked."""
