"""The patient's own questions for a visit: a list that only they have, printed with what they share (experience R5)."""

from __future__ import annotations

from flask_babel import gettext as _

from vault.database import Work
from vault.keyring import VaultKeyring

FIELD = "questions"
MOST = 20
LONGEST = 200


def starters() -> list[str]:
    """What to begin with."""
    return [
        _("What does the main point mean for me?"),
        _("Do I need another test? When?"),
        _("Should I stop or start anything?"),
        _("Who will call me, and when?"),
    ]


def read_questions(text: str) -> list[str]:
    """One question from each line that says something; too much is cut."""
    lines = (" ".join(line.split())[:LONGEST] for line in text.splitlines())
    return [line for line in lines if line][:MOST]


def questions_of(work: Work, own: VaultKeyring) -> list[str]:
    """The list as they left it; empty before the first."""
    return (own.field(work, FIELD) or "").split("\n") if own.field(work, FIELD) else []


def keep_questions(work: Work, own: VaultKeyring, questions: list[str]) -> None:
    """This is the list now."""
    own.keep_field(work, FIELD, "\n".join(questions))
