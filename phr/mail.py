"""Letters to people: what they say, and the two ways they leave.

A letter never holds a finding, a body part, a scan's name, a PIN or a share code (experience J10). `SmtpMailer` sends;
`OutboxMailer`, the default, keeps each letter wrapped under the mail key in a folder, so that a server without a mail
server still works and nothing readable lies on its disk.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template

from phr.config import Settings
from vault.sealing.errors import Tampered
from vault.sealing.suite import unwrap, wrap

KEPT = 50
KEPT_SECONDS = 24 * 3600


class NotSent(Exception):
    """The letter could not be handed over; its words are not in the message."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One plain-text letter."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        """Nothing of it: a letter may hold a code."""
        return "Letter(…)"


class Mailer(Protocol):
    """Hands letters over."""

    def send(self, letter: Letter) -> None:
        """The letter is with the next post office, or in the outbox. Raises `NotSent`."""
        ...


def mailer_of(settings: Settings) -> Mailer:
    """The mail server where one is set, else the outbox."""
    if settings.smtp:
        return SmtpMailer(address=settings.smtp, sender=settings.mail_from)
    return OutboxMailer(settings.outbox_folder, settings.mail_key)


def send(to: str, letter: str, **words: str) -> None:
    """Send the letter templates/mail/`letter`.txt, whose first line is the subject. Raises `NotSent`."""
    settings: Settings = current_app.extensions["settings"]
    written = render_template(f"mail/{letter}.txt", base_url=settings.base_url, **words)
    subject, _, text = written.partition("\n")
    mailer: Mailer = current_app.extensions["mailer"]
    mailer.send(Letter(to=to, subject=subject.strip(), text=text.strip() + "\n"))


class SmtpMailer:
    """Sends over STARTTLS (smtp://, RFC 3207) or TLS (smtps://, RFC 8314); never in clear."""

    def __init__(self, *, address: str, sender: str) -> None:
        parts = urlsplit(address)
        self._direct = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._direct else 587)
        self._name = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """The mail server has taken the letter. Raises `NotSent`."""
        message = self._written(letter)
        try:
            with self._connected() as server:
                if self._name:
                    server.login(self._name, self._password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException):
            # The library's words quote the letter's address.
            raise NotSent("the mail server did not take the letter") from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._direct:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=20, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=20)
        server.starttls(context=context)
        return server

    def _written(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, letter.to, letter.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self._sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


class OutboxMailer:
    """Keeps the newest letters of a day in a folder, each wrapped under the mail key."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key

    def send(self, letter: Letter) -> None:
        """The letter lies in the outbox; old ones are gone."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.urandom(4).hex()}.letter"
        written = json.dumps({"to": letter.to, "subject": letter.subject, "text": letter.text}).encode()
        whole, part = self._folder / name, self._folder / f".{name}"
        part.write_bytes(wrap(self._key, written, "outbox", name))
        part.rename(whole)
        self._tidy()

    def letters(self) -> list[Letter]:
        """What lies in the outbox, newest first."""
        found = (self._opened(path) for path in self._files())
        return [letter for letter in found if letter is not None]

    def _opened(self, path: Path) -> Letter | None:
        try:
            kept: Mapping[str, str] = json.loads(unwrap(self._key, path.read_bytes(), "outbox", path.name))
        except (FileNotFoundError, Tampered):
            return None
        return Letter(to=kept["to"], subject=kept["subject"], text=kept["text"])

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.letter"), reverse=True)

    def _tidy(self) -> None:
        oldest = time.time_ns() - KEPT_SECONDS * 1_000_000_000
        for place, path in enumerate(self._files()):
            if place >= KEPT or int(path.name[:20]) < oldest:
                path.unlink(missing_ok=True)
