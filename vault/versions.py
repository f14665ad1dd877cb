"""The versions of a report: which one stands, and what it stands in for.

A site sends a report again under the same identifier when its words have changed. Every version is kept; the newest
one stands, but a draft never takes the place of a signed report, and what was issued earlier never that of something
later. A version that says the same as one before it is that one, pushed again.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from vault.ids import Id
from vault.studies import Report, Study

UNSIGNED = frozenset({"registered", "partial", "preliminary"})
WITHDRAWN = frozenset({"cancelled", "entered-in-error"})

_Name = tuple[bytes, str]  # a scope, and what its site calls the report


def with_versions(studies: Iterable[Study]) -> list[Study]:
    """The same studies, each report in them once: the version that stands, with the others behind it."""
    listed = list(studies)
    sent: dict[_Name, list[Report]] = defaultdict(list)
    for study in listed:
        for report in study.reports:
            sent[_name_of(study, report)].append(report)
    standing = {name: standing_of(versions) for name, versions in sent.items()}
    replaced = _replaced(standing)
    by_kept = {report.kept: _told(name, report, standing, replaced) for name, report in standing.items()}
    return [
        replace(study, reports=tuple(by_kept[one.kept] for one in study.reports if one.kept in by_kept))
        for study in listed
    ]


def standing_of(sent: Iterable[Report]) -> Report:
    """What stands of the versions of one report, the others behind it; those that say the same are one."""
    in_order = sorted(sent, key=lambda one: (one.version, one.received, one.kept))
    first, versions, said = in_order[0], list[Report](), set[str]()
    for one in in_order:
        if one.facts.content and one.facts.content in said:
            continue
        said.add(one.facts.content)
        number = max(one.version, versions[-1].version + 1 if versions else 1)
        versions.append(replace(one, id=first.kept, version=number))
    chosen = versions[0]
    for one in versions[1:]:
        chosen = one if _takes_the_place_of(one, chosen) else chosen
    return replace(chosen, earlier=tuple(one for one in reversed(versions) if one is not chosen))


def is_signed(report: Report) -> bool:
    """Whether its site answers for it: no draft, and not taken back."""
    return report.facts.status not in UNSIGNED | WITHDRAWN


def _takes_the_place_of(later: Report, earlier: Report) -> bool:
    if later.facts.status in WITHDRAWN:
        return True
    if is_signed(earlier) and not is_signed(later):
        return False
    if is_signed(later) and not is_signed(earlier):
        return True
    issued, before = _moment(later.facts.issued), _moment(earlier.facts.issued)
    return issued is None or before is None or issued >= before


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _name_of(study: Study, report: Report) -> _Name:
    return study.scope_id, report.facts.known_as or report.kept.hex()


def _replaced(standing: dict[_Name, Report]) -> dict[_Name, Id]:
    """By what each replaced report was replaced: never by itself, and no signed report by a draft."""
    found: dict[_Name, Id] = {}
    for name, report in standing.items():
        for other in _others(name, report, standing):
            if is_signed(report) or not is_signed(standing[other]):
                found[other] = report.id
    return found


def _others(name: _Name, report: Report, standing: dict[_Name, Report]) -> list[_Name]:
    """The reports of the same scope that it says it replaces, told by their name or by the id their site was told."""
    scope = name[0]
    by_id = {one.id.hex(): known for known, one in standing.items() if known[0] == scope}
    named = [by_id.get(other, (scope, other)) for other in report.facts.replaces]
    return [other for other in named if other != name and other in standing]


def _told(name: _Name, report: Report, standing: dict[_Name, Report], replaced: dict[_Name, Id]) -> Report:
    others = _others(name, report, standing)
    return replace(
        report,
        replaces=tuple(standing[other].id for other in others if replaced.get(other) == report.id),
        replaced_by=replaced.get(name),
    )
