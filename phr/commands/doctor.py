"""Say what is misconfigured and what it would cost.

Every line is good, a warning (it serves, but less well or less safely) or bad (it cannot serve). Ends with 1 where
something is bad. Nothing is changed but a file that is written and removed.
"""

import argparse

from phr.commands import say
from phr.config import Settings, WrongSettings
from phr.health import Finding, How, look_at_machine, look_at_settings

_MARKS = {How.GOOD: "good", How.WARNING: "warning", How.BAD: "BAD"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing besides the settings."""
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> int:
    """0 where this machine can serve with these settings, else 1."""
    findings = list(look_at_machine())
    try:
        settings = Settings.from_env()
    except WrongSettings as wrong:
        findings += [Finding(How.BAD, "settings", problem) for problem in wrong.problems]
    else:
        findings.append(Finding(How.GOOD, "settings", "complete"))
        findings += look_at_settings(settings)
    say(*(f"{_MARKS[one.how]:8} {one.what:12} {one.sentence}" for one in findings))
    bad = sum(one.how is How.BAD for one in findings)
    say("", "It cannot serve like this." if bad else "It can serve.")
    return 1 if bad else 0
