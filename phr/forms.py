"""What people type, parsed at the door: each form gives a whole value or names every mistake at its box.

Parsing is kind (spaces, small letters, months by name) and costs nobody a try: a slip of the finger is named here,
before anything is looked up or counted.

Mistakes      {id of the box: sentence}; the page shows them in its summary and at the boxes
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from vault.sealing.codes import ClaimPin, RecoveryCode, ShareCode
from vault.sealing.errors import NotACode, WrongLength

PASSWORD_LEAST = 15
PASSWORD_MOST = 256
OLDEST_YEARS = 130

Typed = Mapping[str, str]


class Mistakes(Exception):
    """What was typed cannot be used; `at` maps the id of a box to the sentence that helps."""

    def __init__(self, at: Mapping[str, str]) -> None:
        super().__init__("what was typed cannot be used")
        self.at = dict(at)


def _line(typed: Typed, name: str) -> str:
    """One line of text, with white space and invisible characters tidied away."""
    text = unicodedata.normalize("NFKC", typed.get(name, ""))
    kept = "".join(letter for letter in text if unicodedata.category(letter) not in {"Cc", "Cf"} or letter in "\t\n")
    return " ".join(kept.split())


# -- codes


def read_pin(typed: Typed) -> ClaimPin:
    """The PIN of a slip (E-PIN). Raises `Mistakes`."""
    text = typed.get("pin", "")
    if not text.strip():
        raise Mistakes({"pin": _("Type the PIN from your slip.")})
    try:
        return ClaimPin.parse(text)
    except WrongLength as wrong:
        sentence = _("The PIN needs 16 letters and numbers. You typed %(count)s.", count=wrong.found)
        raise Mistakes({"pin": sentence}) from None
    except NotACode:
        raise Mistakes({"pin": _("There is a typing mistake in the PIN. Look at your slip again.")}) from None


def read_share_code(typed: Typed) -> ShareCode:
    """The code a patient gave to a doctor (V1). Raises `Mistakes`."""
    text = typed.get("code", "")
    if not text.strip():
        raise Mistakes({"code": _("Type the code from your patient.")})
    try:
        return ShareCode.parse(text)
    except WrongLength as wrong:
        sentence = _("The code needs 20 letters and numbers. You typed %(count)s.", count=wrong.found)
        raise Mistakes({"code": sentence}) from None
    except NotACode:
        raise Mistakes({"code": _("There is a typing mistake in the code. Look at it again.")}) from None


def read_recovery_code(typed: Typed) -> RecoveryCode:
    """The code of a recovery kit (L1). Raises `Mistakes`."""
    text = typed.get("code", "")
    if not text.strip():
        raise Mistakes({"code": _("Type the code from your recovery kit.")})
    try:
        return RecoveryCode.parse(text)
    except WrongLength as wrong:
        sentence = _("The code needs 28 letters and numbers. You typed %(count)s.", count=wrong.found)
        raise Mistakes({"code": sentence}) from None
    except NotACode:
        raise Mistakes({"code": _("There is a typing mistake in the code. Look at your kit again.")}) from None


def read_group(typed: Typed) -> str:
    """One group of four of the recovery code (K1, step 3). Raises `Mistakes`."""
    text = "".join(letter for letter in typed.get("group", "").upper() if letter.isalnum())
    group = text.translate(str.maketrans({"O": "0", "I": "1", "L": "1"}))
    if len(group) != 4:
        raise Mistakes({"group": _("Type the 4 letters and numbers of the third group.")})
    return group


def read_six(typed: Typed, name: str = "code") -> str:
    """Six numbers from a message or a code app. Raises `Mistakes`."""
    digits = "".join(mark for mark in unicodedata.normalize("NFKC", typed.get(name, "")) if not mark.isspace())
    if not re.fullmatch(r"[0-9]{6}", digits.replace("-", "")):
        raise Mistakes({name: _("Type the 6 numbers from the message.")})
    return digits.replace("-", "")


# -- dates

MONTHS = (("january", "enero"), ("february", "febrero"), ("march", "marzo"), ("april", "abril"), ("may", "mayo"),
          ("june", "junio"), ("july", "julio"), ("august", "agosto"), ("september", "septiembre", "setiembre"),
          ("october", "octubre"), ("november", "noviembre"), ("december", "diciembre"))  # fmt: skip


def read_born(typed: Typed, *, today: date) -> str:
    """A birth date as YYYYMMDD, from three boxes (E-DOB). Raises `Mistakes`."""
    day, month, year = (_line(typed, f"born-{part}") for part in ("day", "month", "year"))
    number = _month(month)
    try:
        born = date(int(year), number, int(day)) if len(year) == 4 else None
    except ValueError:
        born = None
    if born is None or born > today or born.year < today.year - OLDEST_YEARS:
        raise Mistakes({_wrong_part(day, number, year): _("Type your date of birth, such as 27 3 1958.")})
    return born.strftime("%Y%m%d")


def _month(text: str) -> int:
    """1 to 12 from a number or from the first three letters of an English or Spanish name; 0 where it is neither."""
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= 12 else 0
    word = text.lower().rstrip(".")
    found = [
        place
        for place, names in enumerate(MONTHS, start=1)
        if len(word) >= 3 and any(name.startswith(word) for name in names)
    ]
    return found[0] if len(found) == 1 else 0


def _wrong_part(day: str, month: int, year: str) -> str:
    if not day.isdecimal() or not 1 <= int(day) <= 31:
        return "born-day"
    if not month:
        return "born-month"
    return "born-year" if len(year) != 4 or not year.isdecimal() else "born-day"


# -- accounts

_MAIL = re.compile(r"[^@\s\"<>,;:\\]{1,64}@[^@\s\"<>,;:\\]{1,190}\.[^@\s\"<>,;:\\.]{2,}")
_NAME = re.compile(r"[\w.\- ]{3,64}")


def read_mail(typed: Typed) -> str:
    """An e-mail address. Raises `Mistakes`."""
    mail = _line(typed, "mail")
    if not mail:
        raise Mistakes({"mail": _("Type your email address.")})
    if not _MAIL.fullmatch(mail):
        raise Mistakes({"mail": _("This is not a whole email address. It looks like ana@example.org.")})
    return mail


def read_account_name(typed: Typed) -> str:
    """An account name without an e-mail address. Raises `Mistakes`."""
    name = _line(typed, "name")
    if not _NAME.fullmatch(name):
        raise Mistakes({"name": _("Use 3 to 64 letters and numbers for your account name.")})
    return name


def read_login(typed: Typed) -> str:
    """What someone signs in with: an e-mail address or an account name. Raises `Mistakes`."""
    login = _line(typed, "login")
    if not login or len(login) > 260:
        raise Mistakes({"login": _("Type your email or account name.")})
    return login


def read_password(typed: Typed, name: str = "password") -> str:
    """A password somebody has. Raises `Mistakes`."""
    password = typed.get(name, "")
    if not password:
        raise Mistakes({name: _("Type your password.")})
    return password


def read_new_password(typed: Typed, name: str = "password") -> str:
    """A password somebody chooses; the vault also refuses common ones. Raises `Mistakes`."""
    password = read_password(typed, name)
    if len(password) < PASSWORD_LEAST:
        raise Mistakes({name: weak_password("short")})
    if len(password) > PASSWORD_MOST:
        raise Mistakes({name: weak_password("long")})
    return password


_WEAK = {
    "short": lazy_gettext("Use 15 letters or more. Four random words work well."),
    "long": lazy_gettext("Use 256 letters or fewer."),
    "common": lazy_gettext("Many people use this password. Pick another. Four random words work well."),
}


def weak_password(reason: str) -> str:
    """The sentence for the vault's reason ("short", "long", "common")."""
    return str(_WEAK[reason])


def read_called(typed: Typed, name: str = "called") -> str:
    """What somebody wants to be called; may be empty."""
    return _line(typed, name)[:80]


# -- sharing

LENGTHS = {"4h": 4 * 3600, "30d": 30 * 86400, "1y": 365 * 86400, "none": None}


def read_picked(picked: Iterable[str], offered: Iterable[str]) -> list[str]:
    """The scans somebody ticked, among those that were on the page (E-S1). Raises `Mistakes`."""
    ticked = set(picked)
    chosen = [one for one in offered if one in ticked]
    if not chosen:
        raise Mistakes({"scans": _("Tick at least one scan.")})
    return chosen


def read_length(typed: Typed) -> str:
    """How long they can look: a key of `LENGTHS` (S3). Raises `Mistakes`."""
    length = typed.get("length", "")
    if length not in LENGTHS:
        raise Mistakes({"length": _("Pick how long they can look.")})
    return length


LABEL_MOST = 80


def read_link(typed: Mapping[str, str], ticked: Iterable[str]) -> dict[str, str | bool]:
    """What a link is to be (S9): its name, what opens, whether a number is needed, whether it is kept up to date.

    Raises `Mistakes` for a name that is too long, and for a question without an answer.
    """
    link = {"label": _line(typed, "label"), "opens": typed.get("opens", ""), "number": typed.get("number", "")}
    wrong = {}
    if len(link["label"]) > LABEL_MOST:
        wrong["label"] = _("Use 80 letters or fewer.")
    if link["opens"] not in {"all", "reports"}:
        wrong["opens"] = _("Pick what the link opens.")
    if link["number"] not in {"yes", "no"}:
        wrong["number"] = _("Pick if a number is needed.")
    if wrong:
        raise Mistakes(wrong)
    return {**link, "kept": "yes" in ticked}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opens a code, in their own words."""

    name: str
    clinic: str


def read_visitor(typed: Typed) -> Visitor:
    """V2. Raises `Mistakes` with both boxes at once."""
    visitor = Visitor(name=_line(typed, "name")[:120], clinic=_line(typed, "clinic")[:160])
    wrong = {}
    if not visitor.name:
        wrong["name"] = _("Type your name.")
    if not visitor.clinic:
        wrong["clinic"] = _("Type the name of your clinic or hospital.")
    if wrong:
        raise Mistakes(wrong)
    return visitor
