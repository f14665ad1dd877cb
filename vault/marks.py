"""How far each sweep has come, so that it looks at every row once and not at all of them every minute."""

from datetime import datetime, timedelta

from vault.database import Work
from vault.tables import EPOCH, MetaRow


def reached(work: Work, sweep: str) -> datetime:
    """Up to when this sweep has seen everything; long ago where it has never run."""
    row = work.session.get(MetaRow, _key(sweep))
    return EPOCH if row is None else EPOCH + timedelta(microseconds=int.from_bytes(row.value, "big"))


def reach(work: Work, sweep: str, moment: datetime) -> None:
    """The sweep has seen everything up to `moment`."""
    value = ((moment - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big")
    work.session.merge(MetaRow(key=_key(sweep), value=value))


def place(work: Work, sweep: str) -> str:
    """The name this sweep stopped behind; "" where it begins anew."""
    row = work.session.get(MetaRow, _key(sweep))
    return "" if row is None else row.value.decode()


def stop_behind(work: Work, sweep: str, name: str) -> None:
    """The sweep goes on behind `name`."""
    work.session.merge(MetaRow(key=_key(sweep), value=name.encode()))


def _key(sweep: str) -> str:
    return f"swept {sweep}"
