"""A study as a card of the catalogue says it: lists of values in the order of our fields, as JSON (docs/format.md 6).

Reading a card makes the study that was written, without looking at a name twice: a home page reads hundreds of them.
A card says of which fields it was written (`SHAPE`), so that one written before a field was added is not believed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from vault.facts import DocumentFacts, Facts, PersonFacts, ReportFacts, Section, SeriesFacts, StudyFacts
from vault.ids import Id
from vault.objects import as_json, from_json
from vault.studies import Listed, Report, Resource, Series, Study
from vault.tables import EPOCH

_MICROSECOND: Final = timedelta(microseconds=1)


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_WRITTEN: Final = (Study, Series, Report, Resource, Listed)
_OF_FACTS: Final = (PersonFacts, StudyFacts, SeriesFacts, ReportFacts, Section, DocumentFacts)
_NAMES: Final[dict[type[Facts], tuple[str, ...]]] = {kind: _names(kind) for kind in _OF_FACTS}
SHAPE: Final = sha256(repr([(kind.__name__, _names(kind)) for kind in (*_WRITTEN, *_OF_FACTS)]).encode()).digest()[:16]


# -- a study --------------------------------------------------------------------------------------------------------


def written(study: Study | None) -> bytes:
    """The card of a study as it was opened by itself; of None, which is a study that shows nothing yet."""
    return as_json([] if study is None else _study(study))


def read(octets: bytes) -> Study | None:
    """The reverse of `written`."""
    said = from_json(octets)
    if not said:
        return None
    study_id, scope_id, site_id, facts, received, arrived, series, reports, resources = said
    made, scope, site = _id(study_id), _id(scope_id), _id_or_none(site_id)
    return Study(
        id=made,
        folders=(made,),
        scope_id=scope,
        facts=_study_facts(facts),
        site_id=site,
        received=_moment(received),
        arrived=_moment(arrived),
        series=tuple([Series(_id(one[0]), SeriesFacts(*one[1]), one[2], one[3], one[4]) for one in series]),
        reports=tuple([_report_of(one, made, site) for one in reports]),
        resources=tuple([Resource(_id(one[0]), one[1], one[2], _moment(one[3]), site) for one in resources]),
    )


def _study(study: Study) -> list[Any]:
    return [
        study.id.hex(),
        study.scope_id.hex(),
        None if study.site_id is None else study.site_id.hex(),
        [*_values(study.facts)[:-1], _values(study.facts.person)],
        _micros(study.received),
        _micros(study.arrived),
        [[one.id.hex(), _values(one.facts), one.instances, one.has_preview, one.pictures] for one in study.series],
        [_report(one) for one in study.reports],
        [[one.id.hex(), one.type, dict(one.facts), _micros(one.received)] for one in study.resources],
    ]


def _study_facts(values: list[Any]) -> StudyFacts:
    said: list[Any] = [*values[:-1], PersonFacts(*values[-1])]
    return StudyFacts(*said)


def _report(report: Report) -> list[Any]:
    """One that came by itself: its versions and what it replaces are found where it is listed."""
    said = {name: getattr(report.facts, name) for name in _NAMES[ReportFacts]}
    said["sections"] = [_values(one) for one in report.facts.sections]
    said["documents"] = [_values(one) for one in report.facts.documents]
    return [report.id.hex(), list(said.values()), _micros(report.received), report.is_document]


def _report_of(values: list[Any], study_id: Id, site_id: Id | None) -> Report:
    kept, said, received, is_document = values
    named = dict(zip(_NAMES[ReportFacts], said, strict=True))
    named["sections"] = tuple(Section(*one) for one in named["sections"])
    named["documents"] = tuple(DocumentFacts(*one) for one in named["documents"])
    for name in ("study_uids", "identifiers", "replaces"):
        named[name] = tuple(named[name])
    facts, made = ReportFacts(**named), _id(kept)
    version = 1 if is_document else facts.version
    return Report(made, made, facts, _moment(received), study_id, site_id, version, is_document=is_document)


# -- its instances --------------------------------------------------------------------------------------------------


def written_instances(series: Iterable[tuple[bytes, Sequence[Listed]]]) -> bytes:
    """The card of a study's instances, by the identifier of their series."""
    return as_json({key.hex(): [[one.uid, one.sop_class, one.number] for one in listed] for key, listed in series})


def read_instances(octets: bytes) -> dict[Id, list[Listed]]:
    """The reverse of `written_instances`."""
    return {_id(key): [Listed(*one) for one in listed] for key, listed in from_json(octets).items()}


def _values(facts: Facts) -> list[Any]:
    return [getattr(facts, name) for name in _NAMES[type(facts)]]


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _id(text: str) -> Id:
    return Id(bytes.fromhex(text))


def _id_or_none(text: str | None) -> Id | None:
    return None if text is None else _id(text)
