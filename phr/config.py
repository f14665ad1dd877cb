"""The settings of a deployment. Only this module reads the environment.

`Settings.from_env()` reads `PHR_*` and names all that is missing or wrong at once, so that an operator mends it in one
go. No key has a default. `Settings.describe()` is the table the documentation prints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from phr import setting_values as values
from vault.secrets import Secrets


class WrongSettings(Exception):
    """Settings are missing or cannot be understood; `problems` has one sentence for each, none holds a value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The settings are not complete:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


class Described(NamedTuple):
    """One line of the table of settings."""

    name: str
    meaning: str
    default: str
    required: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator chose. Keys are never printed."""

    base_url: str
    pepper: bytes = field(repr=False)
    index_key: bytes = field(repr=False)
    mail_key: bytes = field(repr=False)
    audit_key: bytes = field(repr=False)
    data: Path = Path("data")
    pepper_id: int = 1
    old_peppers: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    database: str = ""
    blobs: str = ""
    journal: str = ""
    checkpoints: str = ""
    brand: str = "Keepray"
    paper: str = "A4"
    serve: tuple[str, ...] = values.ROOMS
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    threads: int = 8
    proxies: int = 0
    zone: str = "UTC"
    smtp: str = field(default="", repr=False)
    mail_from: str = ""
    help_phone: str = ""
    help_mail: str = ""
    backup_days: int = 35
    document_mib: int = 20
    upload_gib: int = 50
    demo: bool = False
    allow_private_jwks: bool = False
    open_registration: bool = False

    @property
    def database_url(self) -> str:
        """Where the rows are: as set, or one SQLite file in the data folder."""
        return self.database or f"sqlite:///{self.data / 'keepray.sqlite3'}"

    @property
    def blob_folder(self) -> Path:
        """Where the sealed objects are: as set, or a folder in the data folder."""
        return Path(self.blobs) if self.blobs else self.data / "blobs"

    @property
    def journal_path(self) -> Path:
        """The journal of what was ended and erased, which a restored backup is checked against."""
        return Path(self.journal) if self.journal else self.data / "journal.log"

    @property
    def checkpoint_path(self) -> Path:
        """The file that signed checkpoints of the histories are appended to."""
        return Path(self.checkpoints) if self.checkpoints else self.data / "checkpoints.log"

    @property
    def outbox_folder(self) -> Path:
        """Where letters wait when no mail server is set; each is kept under the mail key."""
        return self.data / "outbox"

    @property
    def document_octets(self) -> int:
        """The largest file inside a report that is taken in."""
        return self.document_mib << 20

    @property
    def upload_octets(self) -> int:
        """The most that one person's own discs may take up."""
        return self.upload_gib << 30

    @property
    def secure(self) -> bool:
        """Whether people reach this server over TLS."""
        return self.base_url.startswith("https:")

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies come over TLS alone."""
        return self.secure

    @property
    def sign_in_path(self) -> str:
        """Where a patient signs in."""
        return "/sign-in"

    @property
    def secrets(self) -> Secrets:
        """The keys, as the vault takes them."""
        return Secrets(
            peppers={**self.old_peppers, self.pepper_id: self.pepper},
            pepper_id=self.pepper_id,
            index_key=self.index_key,
            mail_key=self.mail_key,
            audit_key=self.audit_key,
        )

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings in `environment` (the process's own if None), or `WrongSettings` with all that is amiss."""
        given = os.environ if environment is None else environment
        found: dict[str, Any] = {}
        problems: list[str] = []
        for line in TABLE:
            text = given.get(line.name, "").strip()
            if not text:
                if line.name in REQUIRED:
                    problems.append(f"{line.name} is missing: {line.meaning}.")
                continue
            try:
                found[line.field] = line.read(text)
            except ValueError as wrong:
                problems.append(f"{line.name} {wrong}.")
        known = {line.name for line in TABLE} | KNOWN_ELSEWHERE
        strange = [name for name in sorted(given) if name.startswith("PHR_") and name not in known]
        problems += [f"{name} is no setting of ours." for name in strange]
        problems += _contradictions(found)
        if problems:
            raise WrongSettings(problems)
        return cls(**found)

    @staticmethod
    def describe() -> list[Described]:
        """Every setting with its meaning and default, in the order the documentation has."""
        defaults = {one.name: one.default for one in fields(Settings)}
        return [
            Described(
                name=line.name,
                meaning=line.meaning,
                default=line.default or _in_words(defaults[line.field]),
                required=line.name in REQUIRED,
            )
            for line in TABLE
        ]


# Read by the test suite and by the jobs that print and decode.
KNOWN_ELSEWHERE = {"PHR_CHROMIUM", "PHR_TMP"}


def _contradictions(found: Mapping[str, Any]) -> list[str]:
    problems: list[str] = []
    if found.get("smtp") and not found.get("mail_from"):
        problems.append("PHR_MAIL_FROM is missing: a mail server is set, and letters need a sender.")
    if found.get("pepper_id", 1) in found.get("old_peppers", {}):
        problems.append("PHR_OLD_PEPPERS holds the number of the newest pepper.")
    keys = [found[name] for name in ("pepper", "index_key", "mail_key", "audit_key") if name in found]
    if len(set(keys)) < len(keys):
        problems.append("PHR_PEPPER, PHR_INDEX_KEY, PHR_MAIL_KEY and PHR_AUDIT_KEY must all differ.")
    return problems


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is MISSING else str(value)


# -- the table -------------------------------------------------------------------------------------


class _Line(NamedTuple):
    name: str
    field: str
    meaning: str
    read: Callable[[str], Any] = str
    default: str = ""


A_KEY = "32 random octets as base64url"
TABLE: tuple[_Line, ...] = (
    _Line("PHR_BASE_URL", "base_url", "the address people and programs reach this server at", values.address),
    _Line("PHR_PEPPER", "pepper", f"{A_KEY}; goes into every password and PIN", values.key),
    _Line("PHR_INDEX_KEY", "index_key", f"{A_KEY}; makes blind indexes and row checks", values.key),
    _Line("PHR_MAIL_KEY", "mail_key", f"{A_KEY}; keeps e-mail addresses", values.key),
    _Line("PHR_AUDIT_KEY", "audit_key", f"{A_KEY}; signs checkpoints of the histories", values.key),
    _Line("PHR_PEPPER_ID", "pepper_id", "the number of the newest pepper", values.number(1, 255)),
    _Line("PHR_OLD_PEPPERS", "old_peppers", "peppers rows still name: 1:KEY,2:KEY", values.numbered_keys, "none"),
    _Line("PHR_DATA", "data", "the folder for everything that has no place of its own", Path),
    _Line("PHR_DATABASE_URL", "database", "sqlite:///FILE or postgresql://…", values.database, "a file in PHR_DATA"),
    _Line("PHR_BLOBS", "blobs", "the folder of the sealed objects", str, "blobs in PHR_DATA"),
    _Line("PHR_JOURNAL", "journal", "the journal of what was ended and erased", str, "journal.log in PHR_DATA"),
    _Line("PHR_CHECKPOINTS", "checkpoints", "the file of signed checkpoints", str, "checkpoints.log in PHR_DATA"),
    _Line("PHR_BRAND", "brand", "the product's name on pages and paper"),
    _Line("PHR_PAPER", "paper", "the sheet of kits, share slips, reports and histories: A4 or letter", values.sheet),
    _Line("PHR_SERVE", "serve", "which parts answer here", values.rooms),
    _Line("PHR_HOST", "host", "the network address to listen at"),
    _Line("PHR_PORT", "port", "the port to listen at", values.number(0, 65535)),
    _Line("PHR_PROCESSES", "processes", "server processes", values.number(1, 64)),
    _Line("PHR_THREADS", "threads", "requests that one process answers at a time", values.number(1, 256)),
    _Line("PHR_PROXIES", "proxies", "how many proxies before us tell where requests come from", values.number(0, 5)),
    _Line("PHR_ZONE", "zone", "the time zone of times on pages", values.zone),
    _Line("PHR_SMTP", "smtp", "the mail server, smtp:// or smtps://", values.mail_server, "none: an outbox"),
    _Line("PHR_MAIL_FROM", "mail_from", "the sender of our letters", values.mail_address, "none"),
    _Line("PHR_HELP_PHONE", "help_phone", "the phone number on the help page", str, "none"),
    _Line("PHR_HELP_MAIL", "help_mail", "the e-mail address on the help page", values.mail_address, "none"),
    _Line("PHR_BACKUP_DAYS", "backup_days", "days after which the last backup of an erased account is gone",
          values.number(1, 365)),
    _Line("PHR_DOCUMENT_MIB", "document_mib", "the largest file inside a report that is taken in, in MiB",
          values.number(1, 100)),
    _Line("PHR_UPLOAD_GIB", "upload_gib", "the room for what one person adds from discs of their own, in GiB",
          values.number(1, 100_000)),
    _Line("PHR_PRIVATE_JWKS", "allow_private_jwks", "yes if key sets may lie in our own network", values.choice),
    _Line("PHR_REGISTRATION", "open_registration", "yes if apps may register themselves", values.choice),
    _Line("PHR_DEMO", "demo", "yes on a demonstration, which shows its outbox to everyone", values.choice),
)  # fmt: skip
REQUIRED = frozenset({"PHR_BASE_URL", "PHR_PEPPER", "PHR_INDEX_KEY", "PHR_MAIL_KEY", "PHR_AUDIT_KEY"})


def is_given(name: str) -> bool:
    """Whether whoever started this process set the variable, one that is none of our settings."""
    return bool(os.environ.get(name))
