"""A history says who did what to which scan."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_babel import Babel

from phr.event_words import Names, sentence
from vault.audit import Actor, Did, Event

STUDY, REPORT, GRANT = bytes(16), b"r" * 16, b"g" * 16
NAMES = Names(scans={STUDY: "MRI of the right knee"}, shares={GRANT: "Dr. Lee"})


@pytest.fixture(autouse=True)
def words():
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def event(did, by, to=None, **detail):
    return Event(1, datetime(2026, 3, 3, tzinfo=UTC), did, by, to, detail)


LEE = Actor("provider", b"l" * 16, GRANT)
YOU = Actor("patient", b"y" * 16)


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (event(Did.VIEWED, LEE, STUDY), "Dr. Lee looked at the MRI of the right knee."),
        (
            event(Did.READ, LEE, REPORT, type="DiagnosticReport", study=STUDY.hex()),
            "Dr. Lee read the report of the MRI of the right knee.",
        ),
        (
            event(Did.READ, LEE, REPORT, type="Binary", study=STUDY.hex()),
            "Dr. Lee read the report of the MRI of the right knee.",
        ),
        (event(Did.READ, LEE, STUDY), "Dr. Lee read about the MRI of the right knee."),
        (event(Did.READ, YOU, STUDY, type="ImagingStudy"), "You read about the MRI of the right knee."),
        (event(Did.READ, LEE, type="Patient"), "Dr. Lee read your record."),
        (event(Did.READ, LEE, REPORT, type="Binary", study="ff" * 16), "Dr. Lee read your record."),
    ],
)
def test_reading_names_the_scan_where_it_is_known(happened, told):
    assert sentence(happened, NAMES) == told
