"""The same people as in the tests of consent."""

from tests.consent.conftest import (  # noqa: F401  fixtures
    ana,
    app,
    ben,
    doctor,
    harbor,
    head,
    knee,
    pacs,
    tracker,
    web,
)
