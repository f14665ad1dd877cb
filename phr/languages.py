"""The languages people can read these pages in, which of them a request gets, and how large its letters are.

What was chosen lies in a cookie for a year (and, sealed, with the account); before anybody chose, the browser's own
order decides. The translations are read from `translations/<language>/LC_MESSAGES/messages.po` as they are: nothing has
to be built. A new language is a folder there and a line in `LANGUAGES`.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, has_request_context, request
from flask_babel import Babel, Domain, get_locale
from werkzeug.utils import cached_property

from consent.deployment import settings
from vault.database import Work
from vault.keyring import VaultKeyring

BASE = "en"
# Each by the name its own readers call it.
LANGUAGES = {"en": "English", "es": "Español"}
TEXT_SIZES = {"normal": "100", "large": "118", "largest": "150"}
COOKIES = {"language": "phr-language", "text": "phr-text"}
A_YEAR = 365 * 24 * 3600


class Catalogues(Domain):
    """Our translations, read from their sources the first time somebody needs them."""

    def get_translations(self) -> Translations | NullTranslations:
        """Those of the language this request is answered in."""
        language = here()
        if language not in self.cache:
            self.cache[language] = translations_of(language)
        return self.cache[language]


class OurBabel(Babel):
    """Flask-Babel over our catalogues."""

    @cached_property
    def domain_instance(self) -> Domain:
        """The one domain there is."""
        return Catalogues()


def install_languages(app: Flask) -> None:
    """After this every page of `app` is answered in the language that `chosen` names."""
    OurBabel(app, locale_selector=chosen)


def folder() -> Path:
    """Inside the wheel the translations lie beside us; in a checkout, at its top."""
    shipped = Path(__file__).parent / "translations"
    return shipped if shipped.is_dir() else shipped.parent.parent / "translations"


@cache
def translations_of(language: str) -> Translations | NullTranslations:
    """What the catalogue of `language` says; English has none and speaks as written."""
    source = folder() / language / "LC_MESSAGES" / "messages.po"
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as opened:
        catalogue = read_po(opened, locale=language)
    packed = BytesIO()
    write_mo(packed, catalogue)
    packed.seek(0)
    return Translations(packed)


def chosen() -> str:
    """The language of this request: what was chosen, else the first the browser asks for that we have."""
    kept = request.cookies.get(COOKIES["language"], "")
    if kept in LANGUAGES:
        return kept
    asked = [one.replace("-", "_") for one, weight in request.accept_languages if weight > 0]
    return negotiate_locale(asked, list(LANGUAGES)) or BASE


def here() -> str:
    """The language pages are written in now, such as "es"; English where no page is being written."""
    return str(get_locale() or BASE)


def direction() -> str:
    """Where lines begin: "rtl" for a script that is written from the right, else "ltr"."""
    return Locale.parse(here()).text_direction


def text_size() -> int:
    """How large letters are, in percent of their usual size."""
    return int(TEXT_SIZES.get(request.cookies.get(COOKIES["text"], ""), "100")) if has_request_context() else 100


def remember(answer: Response, what: str, choice: str) -> Response:
    """After this the browser comes with this choice of "language" or "text" for a year; it tells nothing else."""
    answer.set_cookie(
        COOKIES[what], choice, max_age=A_YEAR, secure=settings().secure_cookies, httponly=True, samesite="Lax", path="/"
    )
    return answer


def bring_back(work: Work, own: VaultKeyring, answer: Response) -> Response:
    """After this a browser that has just signed in shows pages as their owner chose on another one."""
    for what, cookie in COOKIES.items():
        choice = own.field(work, what)
        if choice and cookie not in request.cookies:
            remember(answer, what, choice)
    return answer
