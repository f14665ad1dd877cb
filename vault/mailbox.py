"""Where an account's letters go: the one word about a person that the server itself reads (docs/format.md 1)."""

from vault.database import Work
from vault.errors import NotThere
from vault.sealing.suite import unwrap, wrap
from vault.tables import AccountRow


def mail_of(work: Work, account_id: bytes) -> str | None:
    """The address for notices, or None."""
    row = work.session.get(AccountRow, account_id)
    if row is None or row.mail is None:
        return None
    return unwrap(work.secrets.mail_key, row.mail, "mail", account_id).decode()


def keep_mail(work: Work, account_id: bytes, mail: str | None) -> None:
    """Notices go to this address; to none for None. Raises `NotThere`."""
    row = work.session.get(AccountRow, account_id)
    if row is None:
        raise NotThere
    row.mail = wrap(work.secrets.mail_key, mail.encode(), "mail", account_id) if mail else None
    work.session.flush()
