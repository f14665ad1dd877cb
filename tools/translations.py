"""Brings the catalogues under translations/ up to date with the code: `make translations`, or this file with --check.

Every sentence that stands in `_()`, `gettext`, `ngettext` or `lazy_gettext` is in every catalogue; what nobody says any
more is taken out. With --check nothing is written: what lacks its translation is printed, and the exit code is 1.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
ROOMS = ("phr", "consent", "fhir_gateway", "templates")
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "later": None}


def said() -> dict[str | tuple[str, str], list[str]]:
    """Every sentence of the code, and the files that say it."""
    found: dict[str | tuple[str, str], list[str]] = {}
    for room in ROOMS:
        for name, _, message, _, _ in extract_from_dir(ROOT / room, METHODS, keywords=KEYWORDS):
            if "static" not in Path(name).parts:
                found.setdefault(message, []).append(f"{room}/{name}")
    return found


def catalogues() -> list[Path]:
    """The catalogue of every language but English, which needs none."""
    return sorted(ROOT.glob("translations/*/LC_MESSAGES/messages.po"))


def read(path: Path) -> Catalog:
    """The catalogue as it stands."""
    with path.open("rb") as opened:
        return read_po(opened, locale=path.parts[-3])


def brought_up_to_date(old: Catalog) -> Catalog:
    """A catalogue with every sentence of the code and no other; translations are kept, none is guessed."""
    new = Catalog(locale=old.locale, fuzzy=False)
    for message, files in sorted(said().items(), key=lambda one: str(one[0])):
        known = old.get(message if isinstance(message, str) else message[0])
        new.add(message, known.string if known else "", locations=[(name, None) for name in sorted(set(files))])
    return new


def write(path: Path, catalogue: Catalog) -> None:
    """After this the file holds the catalogue, without the dates that would change it each time."""
    body = BytesIO()
    write_po(body, catalogue, width=0, omit_header=True, include_lineno=False)
    lines = [
        ("Language", str(catalogue.locale)),
        ("Plural-Forms", catalogue.plural_forms),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
    ]
    head = "".join(f'"{name}: {value}\\n"\n' for name, value in lines)
    path.write_text(
        f"# {catalogue.locale.display_name}. Brought up to date with the code by `make translations`.\n"
        f'msgid ""\nmsgstr ""\n{head}\n' + body.getvalue().decode().lstrip()
    )


def lacking(catalogue: Catalog) -> list[str]:
    """What has no translation, or one that forgets something to be filled in."""
    return [str(one.id) for one in catalogue if one.id and not _is_whole(one)]


def _is_whole(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(strings) and not list(message.check())


def main(arguments: list[str]) -> int:
    """Write the catalogues, or check them; answers the exit code."""
    short = 0
    for path in catalogues():
        new = brought_up_to_date(read(path))
        missing = lacking(new)
        short += len(missing)
        for one in missing:
            print(f"{path.parts[-3]} lacks: {one}")
        if "--check" not in arguments:
            write(path, new)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
