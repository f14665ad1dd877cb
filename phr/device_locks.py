"""The lock of a device (a passkey) on its way between page and vault (experience P7, T3).

Each answer is to a question of its own, which waits in the draft of this browser, counts once and for five minutes.
The key that a device lock gives comes in a box of the form by itself; it is passed on and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import request
from flask_babel import gettext as _

from consent import passkeys
from consent.access import Access
from consent.errors import PasskeyRefused
from consent.passkeys import CHALLENGE_SECONDS, Door
from consent.request import reading, services, settings, this_device
from consent.spelled import octets_of, text_of
from phr import drafts
from phr.forms import Mistakes
from phr.people import network
from vault import accounts
from vault.attempts import Limit, credit, spend
from vault.database import Work
from vault.ids import Id
from vault.keyring import VaultKeyring
from vault.passkeys import NewPasskey, Passkey, name_of, passkeys_of

ANSWER, KEY = "answer", "key"  # the boxes of the form, which viewer/passkey.ts fills in


@dataclass(frozen=True, slots=True)
class Ways:
    """By what the owner of an account can show who they are."""

    password: bool
    lock: bool


def is_offered() -> bool:
    """Whether pages offer the device lock at all."""
    return _door().is_open


def ways_of(me: Access) -> Ways:
    """The ways of who is signed in."""
    account_id = me.account_id or b""
    with reading() as w:
        return Ways(accounts.has_password(w, account_id), is_offered() and bool(passkeys_of(w, account_id)))


def locks_of(w: Work, own: VaultKeyring, account_id: bytes) -> list[tuple[Passkey, str]]:
    """Every lock of the account and the device it was made on, oldest first."""
    return [(one, name_of(w, own, one.id)) for one in passkeys_of(w, account_id)]


def ask_to_make(purpose: str, *, account_id: Id, login: str, known: Iterable[Passkey] = ()) -> dict[str, Any]:
    """The question that makes a new passkey for this account."""
    ids = [one.credential for one in known]
    challenge = _keep_challenge(purpose)
    return passkeys.ask_to_make(_door(), challenge=challenge, account_id=account_id, login=login, known=ids)


def ask_to_show(purpose: str, *, known: Iterable[Passkey] = ()) -> dict[str, Any]:
    """The question that one of `known` answers; any passkey of ours where none is named."""
    ids = [one.credential for one in known]
    return passkeys.ask_to_show(_door(), challenge=_keep_challenge(purpose), known=ids)


def made(purpose: str) -> NewPasskey:
    """The passkey in the form, called by the device it was made on. Raises `Mistakes`."""
    challenge = _take_challenge(purpose)
    try:
        found = passkeys.made(_door(), request.form.get(ANSWER, ""), challenge=challenge)
    except PasskeyRefused:
        raise Mistakes({"": _("The device lock could not be set up. Try again, or use a password.")}) from None
    return NewPasskey(
        credential=found.credential,
        public_key=found.public_key,
        signed=found.signed,
        synced=found.synced,
        name=this_device(),
        prf=key(),
    )


def shown(purpose: str) -> Passkey:
    """The passkey that signed. Raises `Mistakes`, in the same words for every reason, and `Wait`."""
    spend(services(), Limit.LOGIN_SOURCE, network())
    challenge = _take_challenge(purpose)
    try:
        found = passkeys.shown(services(), _door(), request.form.get(ANSWER, ""), challenge=challenge)
    except PasskeyRefused:
        raise Mistakes({"": not_opened()}) from None
    credit(services(), Limit.LOGIN_SOURCE, network())
    return found


def key() -> bytes | None:
    """What the device lock gave to open the vault with; None where it holds no key."""
    return octets_of(request.form.get(KEY, ""))


def to_draft(passkey: NewPasskey) -> drafts.Kept:
    """A passkey that holds no key, kept until its account has a password."""
    return {
        "credential": passkey.credential.hex(),
        "public_key": passkey.public_key.hex(),
        "signed": passkey.signed,
        "synced": passkey.synced,
        "name": passkey.name,
    }


def from_draft(kept: drafts.Kept) -> NewPasskey:
    """The same again."""
    return NewPasskey(
        credential=bytes.fromhex(kept["credential"]),
        public_key=bytes.fromhex(kept["public_key"]),
        signed=kept["signed"],
        synced=kept["synced"],
        name=kept["name"],
        prf=None,
    )


def not_opened() -> str:
    """What is said when a device lock does not count, whatever the reason."""
    return _("This device lock did not open your account. Try again, or use your password.")


def holds_no_key() -> str:
    """What is said of a lock that says who is there and opens nothing."""
    return _("This device's lock can sign you in, but it cannot unlock scans. You need your password for that.")


def _door() -> Door:
    return Door.of(settings().base_url, settings().brand)


def _keep_challenge(purpose: str) -> bytes:
    challenge = passkeys.new_challenge()
    until = services().clock.now() + timedelta(seconds=CHALLENGE_SECONDS)
    drafts.keep(passkey={"for": purpose, "challenge": text_of(challenge), "until": until.isoformat()})
    return challenge


def _take_challenge(purpose: str) -> bytes:
    """The question this form answers, which nothing answers a second time. Raises `Mistakes`."""
    asked = drafts.found("passkey")
    drafts.drop("passkey")
    challenge = octets_of(asked.get("challenge", ""))
    if challenge is None or asked["for"] != purpose:
        raise Mistakes({"": not_opened()})
    if services().clock.now() > datetime.fromisoformat(asked["until"]):
        raise Mistakes({"": _("That took too long. Try again.")})
    return challenge
