"""
What tests, and the servers that they start, do not wait for; all else is as installed.

    stretching   costs little (`tests.stretching`)
    the disk     what is written is there for every process at once, but would not survive a power cut: what tests kill
                 are processes
    templates    are compiled once for all runs, not once for each app
    routes       write their addresses with a program that is made when one is first asked for
    statements   are compiled once for all databases of a kind, not once for each

No setting does any of this. `as_installed` takes back the first two.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from flask import Flask
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from tests.stretching import at_true_cost, costs_little
from vault import database

_COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "d" / "templates"
_STATEMENTS = 5_000
_SETTINGS = database._SQLITE_SETTINGS
_HURRIED_SETTINGS = tuple(one.replace("synchronous=FULL", "synchronous=OFF") for one in _SETTINGS)
_fsync = os.fsync
_make_engine = database._make_engine
_compile_builder = Rule._compile_builder
_first: dict[str, sa.Engine] = {}


def hurry() -> None:
    """From now on, in this process."""
    costs_little()
    _forget_the_disk()
    _COMPILED.mkdir(mode=0o700, parents=True, exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": _Compiled(str(_COMPILED))}
    database._make_engine = _engine
    Rule._compile_builder = _when_asked


@contextmanager
def as_installed() -> Iterator[None]:
    """Here inside stretching costs what it costs people, and what is written is on the disk."""
    os.fsync, database._SQLITE_SETTINGS = _fsync, _SETTINGS
    try:
        with at_true_cost():
            yield
    finally:
        _forget_the_disk()


def _forget_the_disk() -> None:
    os.fsync, database._SQLITE_SETTINGS = _only_if_open, _HURRIED_SETTINGS


def _only_if_open(file: Any) -> None:
    os.fstat(file if isinstance(file, int) else file.fileno())


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates by what they say, and by what else decides how they are compiled."""

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        ways = (
            jinja2.__version__,
            *sorted(environment.extensions),
            bool(getattr(environment, "newstyle_gettext", False)),
        )
        return super().get_bucket(environment, f"{name} {ways}", filename, source)


def _when_asked(rule: Rule, append_unknown: bool = True) -> Any:
    made: list[Any] = []

    def build(bound: Rule, *given: Any, **named: Any) -> Any:
        if not made:
            made.append(_compile_builder(rule, append_unknown))
        return made[0](bound, *given, **named)

    return build


def remember_statements(engine: sa.Engine) -> None:
    """Other databases of this engine's kind use the statements that it has compiled. It must have been connected."""
    engine._compiled_cache.capacity = _STATEMENTS
    _first[engine.dialect.name] = engine


def _engine(url: str) -> sa.Engine:
    engine = _make_engine(url)
    first = _first.get(engine.dialect.name)
    if first is not None:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine
