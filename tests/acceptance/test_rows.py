"""docs/accessibility.md names every row of the acceptance list, and what it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = {
    *(f"A{n:02}" for n in range(1, 21)), *(f"K{n:02}" for n in range(1, 8)), *(f"J{n:02}" for n in range(1, 12)),
    *(f"V{n:02}" for n in range(1, 6)), *(f"L{n:02}" for n in range(1, 5)), *(f"P{n:02}" for n in range(1, 5)), "S01",
}  # fmt: skip


def listed() -> dict[str, str]:
    """What the document says of each row."""
    text = (ROOT / "docs" / "accessibility.md").read_text()
    return dict(re.findall(r"^\| ([AKJVLPS]\d\d)\b[^|]*\| ([^|]+) \|$", text, re.MULTILINE))


def test_every_row_is_listed():
    assert set(listed()) == ROWS


def test_every_row_names_a_test_or_says_why_not():
    bare = [row for row, said in listed().items() if "::" not in said and len(said) < 60]
    assert bare == []


def test_every_test_that_is_named_is_there():
    for row, said in listed().items():
        for file, name in re.findall(r"([\w/]+\.py)::(\w+)", said):
            assert f"def {name}(" in (ROOT / "tests" / file).read_text(), f"{row}: {name}"


def test_every_test_named_after_a_row_is_listed():
    said = " ".join(listed().values())
    for path in (ROOT / "tests" / "acceptance").glob("test_*.py"):
        for name in re.findall(r"^def (test_[akjvlps]\d\d_\w+)", path.read_text(), re.MULTILINE):
            assert name in said, name
