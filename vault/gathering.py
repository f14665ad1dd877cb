"""Papers that came without pictures find the study they are about, within one patient at one site."""

from collections.abc import Iterable
from dataclasses import replace

from vault.facts import PersonFacts, StudyFacts
from vault.ids import Id
from vault.studies import Report, Resource, Study


def gathered(studies: Iterable[Study]) -> list[Study]:
    """Reports that came without pictures join the study they are about; what is left stands alone."""
    everything = list(studies)
    whole = {study.id: study for study in everything if study.uid}
    kept: list[Study] = []
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
    return [*whole.values(), *kept]


def _joined(
    home: Study, paper: Study, *, reports: tuple[Report, ...] = (), resources: tuple[Resource, ...] = ()
) -> Study:
    return replace(
        home,
        reports=(*home.reports, *reports),
        resources=(*home.resources, *resources),
        folders=tuple(dict.fromkeys((*home.folders, paper.id))),
    )


def _home(report: Report, scope_id: bytes, studies: Iterable[Study]) -> Id | None:
    for study in studies:
        if study.scope_id != scope_id:
            continue
        if study.uid in report.facts.study_uids:
            return study.id
        if report.facts.accession and report.facts.accession == study.facts.accession:
            return study.id
    return None


def _facts_of(report: Report, paper: Study) -> StudyFacts:
    day = (report.facts.effective or report.facts.issued)[:10].replace("-", "")
    person = PersonFacts()
    for resource in paper.resources:
        if resource.type == "Patient":
            person = PersonFacts.from_dict(resource.facts)
    return StudyFacts(uid="", date=day, description=report.facts.title, accession=report.facts.accession, person=person)
