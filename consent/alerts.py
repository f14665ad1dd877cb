"""Who is owed a letter: that a new scan or report came, that nobody has opened what they shared, or that the day has
come on which they asked for one (experience N1, N3, R1, R3).

What is looked for is what came about since the last look, by indexes of time, so that a look costs what happened and
not what is kept; a report that its site keeps back came when it is shown. A letter is owed until it is sent, or for a
day: after that it would be no news.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from consent.decisions import For
from consent.tables import AlertRow, GrantRow, ReminderRow
from vault import marks
from vault.database import Work
from vault.ids import Id
from vault.keyring import KeyClass, OwnerKind
from vault.sites import SiteDetails, all_sites
from vault.tables import EPOCH, AccountRow, BatchRow, ResourceRow, ScopeRow, StudyRow

PATIENCE: Final = timedelta(days=3)  # before somebody is told that nobody looked
NO_NEWS: Final = timedelta(days=1)
SETTLED: Final = timedelta(minutes=2)  # what is older is there for all to see: no commit takes that long
NOT_FORGOTTEN: Final = timedelta(days=7)  # a letter asked for on a day is sent late rather than not
_PUSH: Final = timedelta(minutes=30)  # a token lives shorter, and a batch no longer than its token
_SWEEP: Final = "alerts"
_SHARED: Final = (For.CODE.value, For.LINK.value, For.PROVIDER.value)


class Letter(StrEnum):
    """The letters there are, by their templates."""

    NEW_SCAN = "new_scan"
    NEW_REPORT = "new_report"
    NOT_OPENED = "not_opened"
    REMINDER = "reminder"


_OWED: Final = {
    Letter.NEW_SCAN: AlertRow.scan_owed,
    Letter.NEW_REPORT: AlertRow.report_owed,
    Letter.NOT_OPENED: AlertRow.share_owed,
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody wants to be written; `quiet`: nothing from 9 in the evening to 8 in the morning."""

    new_scan: bool = True
    not_opened: bool = True
    quiet: bool = True
    language: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """One letter that waits."""

    account_id: Id
    letter: Letter
    since: datetime
    choices: Choices


def choices_of(work: Work, account_id: bytes) -> Choices:
    """What they chose, or what everybody begins with."""
    row = work.session.get(AlertRow, account_id)
    return Choices() if row is None else _choices(row)


def choose(work: Work, account_id: bytes, choices: Choices) -> None:
    """They get these letters from now on; what is owed of the others is forgotten."""
    row = _row(work, account_id)
    row.new_scan, row.not_opened, row.quiet = choices.new_scan, choices.not_opened, choices.quiet
    row.language = choices.language
    if not choices.new_scan:
        row.scan_owed = row.report_owed = None
    if not choices.not_opened:
        row.share_owed = None
    work.session.flush()


def look(work: Work) -> None:
    """What came about since the last look is owed to those who want to hear of it. The first only sets the time."""
    since, until = marks.reached(work, _SWEEP), work.now - SETTLED
    if until <= since:
        return
    if since > EPOCH:
        for vault_id in work.session.scalars(_vaults_with_new_studies(since, until)):
            _owe(work, vault_id, Letter.NEW_SCAN)
        for shown in _new_reports(work, since, until):
            for vault_id in work.session.scalars(shown):
                _owe(work, vault_id, Letter.NEW_REPORT)
        for vault_id in work.session.scalars(_vaults_nobody_looked_at(since - PATIENCE, until - PATIENCE)):
            _owe(work, vault_id, Letter.NOT_OPENED)
    marks.reach(work, _SWEEP, until)


def owed(work: Work) -> list[Owed]:
    """Every letter that waits and is still news."""
    waiting = sa.select(AlertRow).where(sa.or_(*(_OWED[one].is_not(None) for one in _OWED)))
    found: list[Owed] = []
    for row in work.session.scalars(waiting).all():
        for letter, column in _OWED.items():
            since: datetime | None = getattr(row, column.key)
            if since is not None and (work.now - since > NO_NEWS or not _still_true(work, row.account, letter)):
                done(work, row.account, letter)
            elif since is not None:
                found.append(Owed(Id(row.account), letter, since, _choices(row)))
    return [*found, *_reminders_due(work)]


def _reminders_due(work: Work) -> list[Owed]:
    """One for each account, however many reports wait."""
    due = sa.select(ReminderRow.account, sa.func.min(ReminderRow.due)).where(ReminderRow.due <= work.now)
    found: list[Owed] = []
    for account_id, since in work.session.execute(due.group_by(ReminderRow.account)).all():
        if work.now - since > NOT_FORGOTTEN:
            done(work, account_id, Letter.REMINDER)
        else:
            found.append(Owed(Id(account_id), Letter.REMINDER, since, choices_of(work, account_id)))
    return found


def remind(work: Work, account_id: bytes, study_id: bytes, due: datetime | None) -> None:
    """A letter goes out then, about this study; None takes it back."""
    work.session.execute(sa.delete(ReminderRow).where(ReminderRow.account == account_id, ReminderRow.study == study_id))
    if due is not None:
        work.session.add(ReminderRow(account=account_id, study=study_id, due=due))
    work.session.flush()


def done(work: Work, account_id: bytes, letter: Letter) -> None:
    """The letter is no longer owed."""
    if letter is Letter.REMINDER:
        work.session.execute(
            sa.delete(ReminderRow).where(ReminderRow.account == account_id, ReminderRow.due <= work.now)
        )
        return
    row = work.session.get(AlertRow, account_id)
    if row is not None:
        setattr(row, _OWED[letter].key, None)
        work.session.flush()


# -- what came about -------------------------------------------------------------------------------


def _vaults_with_new_studies(since: datetime, until: datetime) -> sa.Select[bytes]:
    """By sites alone: who adds a scan knows of it."""
    return (
        sa.select(ScopeRow.owner)
        .join(StudyRow, StudyRow.scope == ScopeRow.id)
        .join(BatchRow, BatchRow.study == StudyRow.id)
        .where(BatchRow.created > since, BatchRow.created <= until, StudyRow.created > since)
        .where(ScopeRow.owner_kind == OwnerKind.VAULT.value, ScopeRow.site.is_not(None))
        .distinct()
    )


def _new_reports(work: Work, since: datetime, until: datetime) -> Iterator[sa.Select[bytes]]:
    """What finds the vaults with reports that came, or that a site which keeps them back shows from now on.

    A change of a report that is shown already is told as late as if it were new: that it is one stands sealed.
    """
    holding = {site.id: site.details for site in all_sites(work) if site.details.reports_held_days}
    yield _vaults_with_reports(since, until).where(ScopeRow.site.not_in(holding))
    for site_id, details in holding.items():
        came_since, came_until = _held_since(details, since), _held_since(details, until)
        if came_since < came_until:
            yield _vaults_with_reports(came_since, came_until).where(ScopeRow.site == site_id)


def _held_since(site: SiteDetails, moment: datetime) -> datetime:
    """What came before this midnight of the site's is shown by then."""
    zone = ZoneInfo(site.zone)
    day = moment.astimezone(zone).date() - timedelta(days=site.reports_held_days - 1)
    return datetime.combine(day, time(), zone).astimezone(moment.tzinfo)


def _vaults_with_reports(since: datetime, until: datetime) -> sa.Select[bytes]:
    """Reports come in the batch of the token that pushes them: only batches as young as a token are looked at."""
    return (
        sa.select(ScopeRow.owner)
        .join(StudyRow, StudyRow.scope == ScopeRow.id)
        .join(BatchRow, BatchRow.study == StudyRow.id)
        .join(ResourceRow, ResourceRow.batch == BatchRow.id)
        .where(BatchRow.created > since - _PUSH, ResourceRow.created > since, ResourceRow.created <= until)
        .where(ResourceRow.key_class == KeyClass.REPORTS.value)
        .where(ScopeRow.owner_kind == OwnerKind.VAULT.value, ScopeRow.site.is_not(None))
        .distinct()
    )


def _vaults_nobody_looked_at(since: datetime, until: datetime) -> sa.Select[bytes]:
    return (
        sa.select(GrantRow.vault)
        .where(GrantRow.created > since, GrantRow.created <= until, GrantRow.kind.in_(_SHARED))
        .where(GrantRow.first_opened.is_(None), GrantRow.ended_at.is_(None))
        .distinct()
    )


def _still_true(work: Work, account_id: bytes, letter: Letter) -> bool:
    """A share may have been opened or ended since."""
    if letter is not Letter.NOT_OPENED:
        return True
    vault_id = sa.select(AccountRow.vault).where(AccountRow.id == account_id).scalar_subquery()
    unopened = _vaults_nobody_looked_at(work.now - PATIENCE - 2 * NO_NEWS, work.now - PATIENCE)
    return work.session.scalar(unopened.where(GrantRow.vault == vault_id)) is not None


def _owe(work: Work, vault_id: bytes, letter: Letter) -> None:
    account = work.session.scalar(
        sa.select(AccountRow).where(AccountRow.vault == vault_id, AccountRow.kind == "person")
    )
    if account is None or account.mail is None:
        return
    row = _row(work, account.id)
    if letter is Letter.NEW_SCAN and row.new_scan:
        row.scan_owed = row.scan_owed or work.now
    elif letter is Letter.NEW_REPORT and row.new_scan and row.scan_owed is None:  # one letter for what came together
        row.report_owed = row.report_owed or work.now
    elif letter is Letter.NOT_OPENED and row.not_opened:
        row.share_owed = row.share_owed or work.now
    work.session.flush()


def _row(work: Work, account_id: bytes) -> AlertRow:
    row = work.session.get(AlertRow, account_id)
    if row is None:
        begin = Choices()
        row = AlertRow(
            account=account_id,
            new_scan=begin.new_scan,
            not_opened=begin.not_opened,
            quiet=begin.quiet,
            language=begin.language,
        )
        work.session.add(row)
        work.session.flush()
    return row


def _choices(row: AlertRow) -> Choices:
    return Choices(new_scan=row.new_scan, not_opened=row.not_opened, quiet=row.quiet, language=row.language)
