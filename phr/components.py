"""What every template may use, so that pages look and speak alike.

`furnish(app)` is called once, when the app is put together. Templates then have:

nhs             the design system's macros: `{{ nhs.button({"text": "Continue"}) }}`
csp_nonce()     the nonce of this answer's scripts
asset(name)     the address of a file under static/, with the hash of its content
qr_address(text)  an image address holding a QR code of `text`
qr_link_address(link)  the same for a health link
brand           the name of the product
language(), direction(), text_size()   the page's language, "ltr" or "rtl", and letters in percent
languages       all languages there are, by their own names
_ and ngettext  translated text (a percent sign in it is written twice)
| day           a date as "3 March 2026"
| moment        a time as "today, 10:42", in a `<time>` element
| grouped       a code in groups of four: "7KQ4 M9TX"
| spelled       a code letter by letter, for screen readers: "7 K Q 4, M 9 T X"

`signed_in`, `area`, `section`, `errors`, `live`, `unlocking`, `wide`, `idle_minutes`, `sign_out_at` and
`after_time_out` have plain defaults here, which a page or a context processor overrides (see templates/base.html).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, url_for
from flask_babel import get_timezone
from jinja2 import ChainableUndefined, Environment, PackageLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from phr import dates, languages, qr
from phr.headers import csp_nonce

PAGE_DEFAULTS: dict[str, object] = {
    "signed_in": False,
    "area": "public",
    "section": "",
    "errors": {},
    "live": False,
    "unlocking": False,
    "wide": False,
    "idle_minutes": 0,
    "sign_out_at": "/sign-out",
    "after_time_out": "/sign-in?ended=1&next=",
}


def furnish(app: Flask, *, brand: str = "Keepray") -> None:
    """After this the templates of `app` have everything listed above, and fail on any name they do not know."""
    languages.install_languages(app)
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(
        PAGE_DEFAULTS,
        nhs=Components(),
        csp_nonce=csp_nonce,
        asset=asset,
        qr_address=qr.data_address,
        qr_link_address=qr.link_address,
        brand=brand,
        language=lambda: languages.here().replace("_", "-"),
        direction=languages.direction,
        text_size=languages.text_size,
        languages=languages.LANGUAGES,
    )
    environment.filters.update(day=_day, moment=_moment, grouped=grouped, spelled=spelled)


def template_folder() -> Path:
    """Inside the wheel the pages lie beside us; in a checkout, at its top."""
    shipped = Path(__file__).parent / "templates"
    return shipped if shipped.is_dir() else shipped.parent.parent / "templates"


class Components:
    """The design system's macros as functions.

    They live in an environment of their own, because they lean on undefined values chaining,
    while our own templates must fail on any undefined name. Give text as `{"text": …}`; a
    `Markup` value is taken as HTML.
    """

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("nhsuk_frontend_jinja"),
            undefined=ChainableUndefined,
            autoescape=True,
        )

    def __getattr__(self, name: str) -> Any:
        """`error_summary` is the macro `errorSummary` of the component `error-summary`."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return _macro(self._environment, name)
        except TemplateNotFound as missing:
            raise AttributeError(name) from missing


# The components whose macro is not called after its folder.
FOLDER_OF = {"table": "tables", "image": "images"}


@cache
def _macro(environment: Environment, name: str) -> Any:
    folder = FOLDER_OF.get(name, name.replace("_", "-"))
    first, *rest = name.split("_")
    module = environment.get_template(f"nhsuk/components/{folder}/macro.jinja").module
    return getattr(module, first + "".join(word.title() for word in rest))


def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so browsers may keep it for good."""
    folder = current_app.static_folder
    assert folder is not None
    return url_for("static", filename=name, v=_fingerprint(Path(folder) / name, debug=current_app.debug))


@cache
def _fingerprint_once(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


def _fingerprint(path: Path, *, debug: bool) -> str:
    return str(path.stat().st_mtime_ns) if debug and path.is_file() else _fingerprint_once(path)


def grouped(code: str, size: int = 4) -> str:
    """Groups of four: "7KQ4 M9TX". What separates groups already is left out first."""
    bare = "".join(letter for letter in code if letter.isalnum())
    return " ".join(bare[at : at + size] for at in range(0, len(bare), size))


def spelled(code: str, size: int = 4) -> str:
    """Letter by letter, as a screen reader should read it: "7 K Q 4, M 9 T X"."""
    return ", ".join(" ".join(group) for group in grouped(code, size).split())


def _day(value: date | datetime) -> str:
    there = value.astimezone(_zone()) if isinstance(value, datetime) else value
    return dates.in_words(there)


def _moment(value: datetime) -> Markup:
    return dates.time_tag(value, now=datetime.now(UTC), zone=_zone())


def _zone() -> Any:
    return get_timezone() or UTC
