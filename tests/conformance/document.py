"""docs/conformance.md, written from the cases and the tests that take them up."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.cases import CASES, NOT_TESTED, STANDARDS

TESTS = Path(__file__).parents[1]
FILE = TESTS.parent / "docs" / "conformance.md"
_HEAD = """# Conformance

Every case a program of another maker may rely on, with the test that holds it. This file is written from the tests
(`python -m tests.conformance.document`); a test compares it.
"""


def taken_up() -> dict[str, list[str]]:
    """Case → the tests that are marked with it, as "file::test"."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for case, test in _marked(ast.parse(path.read_text())):
            found.setdefault(case, []).append(f"{path.relative_to(TESTS.parent)}::{test}")
    return found


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.case":
                yield from ((ast.literal_eval(one), node.name) for one in mark.args)


def written() -> str:
    """The whole document."""
    tests = taken_up()
    parts = [_HEAD]
    for number, standard in STANDARDS.items():
        parts.append(f"\n## {number} {standard}\n\n| case | what holds | held by |\n|---|---|---|\n")
        for case, sentence in CASES.items():
            if case.partition(".")[0] == number:
                held = "<br>".join(f"`{one}`" for one in tests.get(case, [])) or f"no test: {NOT_TESTED.get(case, '')}"
                parts.append(f"| {case} | {sentence} | {held} |\n")
    return "".join(parts)


if __name__ == "__main__":
    FILE.write_text(written())
