"""The sealing room keeps to itself: no I/O, no tables, and cryptography nowhere else in the vault."""

import ast
from pathlib import Path

import pytest

VAULT = Path(__file__).parents[3] / "vault"
SEALING = sorted((VAULT / "sealing").glob("*.py"))
REST = sorted(set(VAULT.rglob("*.py")) - set(SEALING))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def called(path: Path) -> set[str]:
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {call.id for call in calls if isinstance(call, ast.Name)}


def test_cryptography_has_one_home_in_the_vault():
    assert [path.name for path in REST if any(name.split(".")[0] == "cryptography" for name in imported(path))] == []


@pytest.mark.parametrize("path", SEALING, ids=lambda path: path.name)
def test_sealing_knows_no_files_no_tables_no_network_and_no_other_room(path):
    names = imported(path)
    assert not {name.split(".")[0] for name in names} & {"pathlib", "socket", "sqlalchemy", "tempfile", "logging", "io"}
    assert {name for name in names if name.split(".")[0] == "vault"} <= {
        f"vault.sealing.{other.stem}" for other in SEALING
    }
    assert not called(path) & {"open", "print", "eval", "exec"}


@pytest.mark.parametrize("path", SEALING, ids=lambda path: path.name)
def test_random_octets_come_from_the_system_alone(path):
    assert not imported(path) & {"random", "secrets", "uuid"}
