"""A site's sender, `phr push`: it speaks HTTP to a server, knows nothing of how that server keeps things.

PushError
├── WrongConfig     the site's file lacks something, or cannot be read
├── WrongFolder     there is nothing to send, or more than one patient where one is meant
├── NotLetIn        the server does not know us, or does not let us do this
├── Refused         the server understood and said no; carries its words
└── Unreachable     nothing came back after all tries
"""


class PushError(Exception):
    """The root of what stops a push; the text is a sentence for whoever pushes and holds no secret."""


class WrongConfig(PushError):
    """The site's file lacks something, or cannot be read."""


class WrongFolder(PushError):
    """There is nothing to send, or more than one patient where one is meant."""


class NotLetIn(PushError):
    """The server does not know us, or does not let us do this."""


class Refused(PushError):
    """The server understood and said no. `status` is its HTTP status."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Unreachable(PushError):
    """Nothing came back after all tries."""
