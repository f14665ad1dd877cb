"""The pictures that go into a report on paper: those the scan center marked (experience 4.7)."""

from __future__ import annotations

from flask_babel import gettext as _

from fhir_gateway.dicomweb.marked import MarkedPicture, marked_pictures
from phr.reports import KeyPicture
from phr.scans import MARKING, title_of
from vault.studies import Study

MOST = 4


def key_pictures_of(study: Study) -> tuple[KeyPicture, ...]:
    """At most four, in the order in which they were marked; none where nothing was marked."""
    marking = [one.facts.uid for one in study.series if one.facts.modality in MARKING]
    if not marking:
        return ()
    found = marked_pictures(study.uid, marking, most=MOST)
    return tuple(KeyPicture(one.jpeg, _said(study, one), _place(study, one)) for one in found)


def _said(study: Study, one: MarkedPicture) -> str:
    """What a person who cannot see it is told; what is on it stands in the report."""
    return _(
        "Picture of the %(scan)s that the scan center marked: %(place)s", scan=title_of(study), place=_place(study, one)
    )


def _place(study: Study, one: MarkedPicture) -> str:
    series = next((known.facts.number for known in study.series if known.facts.uid == one.series_uid), None)
    if series is not None and one.number is not None:
        return _("Series %(series)s, picture %(picture)s", series=series, picture=one.number)
    return _("Picture %(picture)s", picture=one.number) if one.number is not None else _("Marked picture")
