"""Six numbers that show that an e-mail address is somebody's: sent, kept in the draft, typed back (experience P6)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hmac import compare_digest

from flask_babel import gettext as _

from consent.request import services
from phr import drafts, mail
from phr.forms import Mistakes
from vault.attempts import Limit, credit, spend, within
from vault.errors import Wait

CODE_LIFE = timedelta(minutes=10)


def sent_to(address: str) -> drafts.Kept:
    """A fresh code is on its way; what is to be kept until it is typed. Raises `Wait`."""
    within(services(), Limit.MAIL_CODE, address.casefold())
    six = f"{secrets.randbelow(1_000_000):06d}"
    mail.send(address, "code", code=six)
    return {"mail": address, "code": six, "until": (services().clock.now() + CODE_LIFE).isoformat()}


def check(begun: drafts.Kept, typed: str) -> None:
    """Raise `Mistakes` unless it is the newest code, in time (E-CODE)."""
    if services().clock.now() > datetime.fromisoformat(begun["until"]):
        raise Mistakes({"code": _("This code is too old. We can send a new one.")})
    try:
        spend(services(), Limit.SECOND_FACTOR, "mail code", begun["mail"].casefold())
    except Wait as wait:
        minutes = -(-wait.seconds // 60)
        sentence = _("Too many tries. Wait %(minutes)s minutes, then ask for a new code.", minutes=minutes)
        raise Mistakes({"code": sentence}) from None
    if not compare_digest(typed, begun["code"]):
        raise Mistakes({"code": _("This code is not right. Check the newest message and try again.")})
    credit(services(), Limit.SECOND_FACTOR, "mail code", begun["mail"].casefold())
