"""Papers that came without pictures find the study they are about, within one patient at one site."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from vault.facts import PersonFacts, StudyFacts
from vault.ids import Id
from vault.studies import Report, Resource, Study


def gathered(studies: Iterable[Study]) -> tuple[list[Study], list[Study]]:
    """Papers that came without pictures join the study they are about; a report that is about none stands alone.

    Beside the studies: what came without pictures and without a report and is about none of them.
    """
    everything = list(studies)
    whole = {study.id: study for study in everything if study.uid}
    kept: list[Study] = []
    loose: list[Study] = []
    for paper in (study for study in everything if not study.uid):
        homes = [_home(report, paper.scope_id, whole.values()) for report in paper.reports]
        for report, home in zip(paper.reports, homes, strict=True):
            if home is not None:
                whole[home] = _joined(whole[home], paper, reports=(report,))
        homeless = tuple(report for report, home in zip(paper.reports, homes, strict=True) if home is None)
        if homeless:
            kept.append(replace(paper, reports=homeless, facts=_facts_of(homeless[-1], paper)))
        elif homes and homes[-1] is not None:  # what came with the reports goes where they went
            whole[homes[-1]] = _joined(whole[homes[-1]], paper, resources=paper.resources)
        elif not homes:
            loose += _settled(paper, whole)
    return [_read_first(study) for study in (*whole.values(), *kept)], loose


def _read_first(study: Study) -> Study:
    """A document that came by itself is read as a report where there is no other."""
    reports = tuple(one for one in study.reports if not one.is_document)
    return replace(study, reports=reports) if reports else study


def _settled(paper: Study, whole: dict[Id, Study]) -> list[Study]:
    """Papers among which there is no report go to the study that one of them is about; else they are given back."""
    for resource in paper.resources:
        home = _home_of(resource.facts, paper.scope_id, whole.values())
        if home is not None:
            whole[home] = _joined(whole[home], paper, resources=paper.resources)
            return []
    return [paper]


def _joined(
    home: Study, paper: Study, *, reports: tuple[Report, ...] = (), resources: tuple[Resource, ...] = ()
) -> Study:
    return replace(
        home,
        reports=(*home.reports, *reports),
        resources=(*home.resources, *resources),
        folders=tuple(dict.fromkeys((*home.folders, paper.id))),
        arrived=max(home.arrived, paper.arrived),
    )


def _home(report: Report, scope_id: bytes, studies: Iterable[Study]) -> Id | None:
    told = {"study_uids": report.facts.study_uids, "accession": report.facts.accession}
    return _home_of(told, scope_id, studies)


def _home_of(told: Mapping[str, Any], scope_id: bytes, studies: Iterable[Study]) -> Id | None:
    uids, accession = told.get("study_uids") or (), told.get("accession")
    for study in studies:
        if study.scope_id == scope_id and (study.uid in uids or (accession and accession == study.facts.accession)):
            return study.id
    return None


def _facts_of(report: Report, paper: Study) -> StudyFacts:
    day = (report.facts.effective or report.facts.issued)[:10].replace("-", "")
    person = PersonFacts()
    for resource in paper.resources:
        if resource.type == "Patient":
            person = PersonFacts.from_dict(resource.facts)
    return StudyFacts(uid="", date=day, description=report.facts.title, accession=report.facts.accession, person=person)
