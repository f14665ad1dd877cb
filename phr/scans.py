"""What pages say about scans: the crossing from the vault's studies to words people use.

`Scan` is a study as a list or a page names it; `ShownStudy` the same for the page of pictures. Both hold words and
counts, never keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from phr import dates, words
from phr.pages.shown import ShownInstance, ShownSeries, ShownStudy
from phr.priors import subject_of
from vault.catalogue import Catalogue
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.keyring import Keyring
from vault.reading import list_series
from vault.sites import find_site
from vault.studies import Study

# Key object selections and presentation states, which mark pictures of other series (PS3.3 C.17.6, C.11.11).
MARKING = frozenset({"KO", "PR"})


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan as a page names it; `is_own` where the patient added it, not a scan center."""

    id: str
    uid: str
    title: str
    day: date | None
    place: str
    pictures: int
    groups: int
    reports: int
    has_preview: bool
    chips: tuple[tuple[str, str], ...] = ()
    is_own: bool = False

    @property
    def day_words(self) -> str:
        """The day in words, or that no date came with it."""
        return dates.in_words(self.day) if self.day else _("Date not known")

    @property
    def named(self) -> str:
        """Title and day in one line."""
        return f"{self.title}, {self.day_words}"

    @property
    def pictures_words(self) -> str:
        """How many there are, such as "214 pictures"."""
        return ngettext("%(count)s picture", "%(count)s pictures", self.pictures, count=words.count(self.pictures))


def title_of(study: Study) -> str:
    """The study's name as people say it."""
    return words.title([one.facts for one in study.series], study.facts.description)


def scan_of(study: Study, sites: Mapping[bytes, str]) -> Scan:
    """The study in words; `sites` names those who sent it."""
    return Scan(
        id=study.id.hex(),
        uid=study.uid,
        title=title_of(study),
        day=words.day_of(study.facts.date),
        place=study.facts.institution or sites.get(study.site_id or b"", ""),
        pictures=study.pictures,
        groups=len(study.series),
        reports=len(study.reports),
        has_preview=any(one.has_preview for one in study.series),
        is_own=study.site_id is None,
    )


def scans_of(work: Work, catalogue: Catalogue, *, unseen: Callable[[Study], bool] = lambda _: False) -> list[Scan]:
    """All scans of a catalogue, newest first; those that are `unseen` carry the word New."""
    sites = site_names(work, catalogue.studies)
    return [_with_chips(scan_of(study, sites), study, is_new=unseen(study)) for study in catalogue.studies]


def _with_chips(scan: Scan, study: Study, *, is_new: bool) -> Scan:
    chips: list[tuple[str, str]] = []
    if is_new:
        chips.append(("new", ""))
    if study.site_id is None:
        chips.append(("added", ""))
    if study.reports:
        chips.append(("done", _("Report added")))
    return replace(scan, chips=tuple(chips))


def site_names(work: Work, studies: Iterable[Study]) -> dict[bytes, str]:
    """What the sites that sent these studies are called."""
    names: dict[bytes, str] = {}
    for site_id in {study.site_id for study in studies if study.site_id is not None}:
        try:
            names[site_id] = find_site(work, site_id).details.name
        except NotThere:
            continue
    return names


# -- pictures ---------------------------------------------------------------------------------------------------------


def shown_study(work: Work, keyring: Keyring, study: Study, scan: Scan, *, report_url: str = "") -> ShownStudy:
    """The study as the page of pictures draws it, its pictures in order."""
    marks = tuple(one.facts.uid for one in study.series if one.facts.modality in MARKING)
    series = [_shown_series(work, keyring, study, one.facts.uid) for one in study.series]
    return ShownStudy(
        uid=study.uid,
        id=scan.id,
        title=scan.title,
        taken=scan.day,
        subject=subject_of(study),
        place=scan.place,
        series=tuple(one for one in series if one is not None and one.uid not in marks),
        marks=marks,
        report_url=report_url if study.reports else "",
        provenance=_provenance(study, scan),
    )


def _provenance(study: Study, scan: Scan) -> str:
    """Where the pictures come from, as far as anyone here can know it."""
    if study.site_id is None:
        return _("Added by the patient, not sent by a scan center. Check name and date.")
    return _("From %(site)s, not changed since it was sent", site=scan.place) if scan.place else ""


def _shown_series(work: Work, keyring: Keyring, study: Study, series_uid: str) -> ShownSeries | None:
    facts = next(one.facts for one in study.series if one.facts.uid == series_uid)
    try:
        instances = list_series(work, keyring, study.uid, series_uid)
    except (NotThere, NoKey):
        return None
    ordered = sorted(instances, key=lambda one: (one.facts.number is None, one.facts.number or 0))
    return ShownSeries(
        uid=facts.uid,
        number=facts.number,
        description=facts.description,
        modality=facts.modality,
        instances=tuple(
            ShownInstance(
                uid=one.facts.uid,
                frames=_frames(one.facts.key_class, one.facts.rows, one.facts.frames),
                number=one.facts.number,
            )
            for one in ordered
        ),
    )


def _frames(key_class: str, rows: int, frames: int) -> int:
    """How many pictures an instance holds: none for a document, at least one for anything with rows."""
    if key_class != "img" or not rows:
        return 0
    return max(1, frames)


def preview_series(study: Study) -> str | None:
    """The series whose thumbnail stands for the scan: the largest that has one."""
    having = [one for one in study.series if one.has_preview]
    return max(having, key=lambda one: one.instances).facts.uid if having else None


def people_of(studies: Sequence[Study]) -> tuple[str, date | None]:
    """The patient's name as clinics file it, and birth date, from the newest study that has one.

    What a scan center sent comes first: a disc that the patient added says what it says.
    """
    for study in sorted(studies, key=lambda one: one.site_id is None):
        if study.facts.person.name:
            return words.person_filed(study.facts.person.name), words.day_of(study.facts.person.born)
    return "", None
