"""Where an account's letters go: the one word about a person that the server itself reads (docs/format.md 1)."""

from sqlalchemy.exc import IntegrityError

from vault import audit
from vault.audit import Did
from vault.database import Work
from vault.entering import itself, own_account
from vault.errors import LoginTaken, NotThere
from vault.keyring import VaultKeyring
from vault.record import lock_vault, write_record
from vault.sealing import derive
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


def change_mail(work: Work, keyring: VaultKeyring, account_id: bytes, mail: str) -> str | None:
    """Notices go to this address; who signed in with the old one signs in with this. Answers the old one.

    That the address is theirs has been found out before. Raises `NotThere`, and `LoginTaken`, after which the caller's
    transaction is over.
    """
    lock_vault(work, keyring.vault_id)
    account, old = own_account(work, keyring, account_id), mail_of(work, account_id)
    if old is not None and _index(work, old) == account.login_bi:
        _change_login(work, keyring, account, mail)
    keep_mail(work, account_id, mail)
    audit.record(work, owner=keyring.owner, did=Did.MAIL_CHANGED, by=itself(account.kind, keyring))
    write_record(work, keyring)
    return old


def _change_login(work: Work, keyring: VaultKeyring, account: AccountRow, login: str) -> None:
    account.login_bi = _index(work, login)
    try:
        work.session.flush()
    except IntegrityError:
        raise LoginTaken from None
    keyring.keep_field(work, "login", login)


def _index(work: Work, login: str) -> bytes:
    return derive.login_index(work.secrets.index_key, login)
