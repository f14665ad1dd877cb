"""What an app was launched with: its nonce, the one scan that was chosen for it, when the patient showed who they are.

It belongs to all that comes of one decision, so it is kept once for the family of tokens (SMART App Launch 2.2, launch
context; OpenID Connect Core 3.1.3.7).
"""

from dataclasses import dataclass
from datetime import datetime

from consent.tables import LaunchRow
from vault.database import Work
from vault.ids import Id
from vault.keyring import check_row_mac, row_mac
from vault.tables import EPOCH


@dataclass(frozen=True, slots=True)
class Launch:
    """What one decision began with."""

    nonce: str = ""
    study: Id | None = None
    auth_time: datetime | None = None


NOTHING = Launch()


def keep(work: Work, *, family: bytes, grant_id: bytes, launch: Launch) -> None:
    """Every token of the family is told of the launch from now on."""
    row = LaunchRow(
        family=family, grant=grant_id, nonce=launch.nonce or None, study=launch.study, auth_time=launch.auth_time
    )
    row.row_mac = row_mac(work, "launch", family, *_fields(row))
    work.session.add(row)
    work.session.flush()


def launch_of(work: Work, family: bytes) -> Launch:
    """What a family began with; nothing where no app was launched. Raises `BrokenRecord` for a row not ours."""
    row = work.session.get(LaunchRow, family)
    if row is None:
        return NOTHING
    check_row_mac(work, row.row_mac, "launch", family, *_fields(row))
    return Launch(row.nonce or "", None if row.study is None else Id(row.study), row.auth_time)


def _fields(row: LaunchRow) -> tuple[bytes | str | int, ...]:
    seconds = 0 if row.auth_time is None else int((row.auth_time - EPOCH).total_seconds())
    return row.grant, row.nonce or "", row.study or b"", seconds
