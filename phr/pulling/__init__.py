"""A doctor's fetcher, `phr pull`: it turns a patient's code into a copy, over HTTP, like any other software could.

PullError
├── WrongAddress    not the address of a server like ours, or not https
├── NotLetIn        the code opens nothing, or looking alone was allowed
│   └── Ended       the sharing has ended since the pull was begun
├── BrokeOff        nothing came back after all tries; running it again goes on
└── NoRoom          the disk is full
"""


class PullError(Exception):
    """The root of what stops a pull; the text is a sentence for whoever pulls and holds no secret."""


class WrongAddress(PullError):
    """Not the address of a server like ours, or not https."""


class NotLetIn(PullError):
    """The code opens nothing, or the patient allowed looking alone."""


class Ended(NotLetIn):
    """The sharing has ended since the pull was begun."""


class BrokeOff(PullError):
    """Nothing came back after all tries; running the same again goes on where it was."""


class NoRoom(PullError):
    """The disk is full."""
