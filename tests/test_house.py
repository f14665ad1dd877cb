"""The house keeps its own rules: staircase, sizes, names, locks, templates, licence.

Other files add to this as rooms fill; what is checked here needs no running app.
"""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("phr", "fhir_gateway", "consent", "vault")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "managers", "misc"}
MODULE_LINES = 300
FUNCTION_LINES = 40

# Longer than the house allows, each with its reason.
LONG_MODULES: dict[str, str] = {"vault/tables.py": "one table after the other, read like a list"}
LONG_FUNCTIONS: dict[str, str] = {}


def modules() -> list[Path]:
    return sorted(
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts and "static" not in path.parts
    )


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def committed() -> list[Path]:
    """The files of the project, as git lists them; in an unpacked source archive there is no git, and no list."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_go_down_the_staircase_only():
    checked = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout.decode()


def test_no_room_is_a_drawer_for_odds_and_ends():
    parts = {part.removesuffix(".py") for path in modules() for part in path.relative_to(ROOT).parts}
    assert not parts & FORBIDDEN_NAMES


def test_every_room_says_what_belongs_in_it():
    rooms = [path for path in modules() if path.name == "__init__.py"]
    silent = [named(path) for path in rooms if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_modules_are_short_enough_to_be_read_at_once():
    long = {named(path) for path in modules() if len(path.read_text().splitlines()) > MODULE_LINES}
    assert long == set(LONG_MODULES)


def test_functions_are_short_enough_to_be_read_at_once():
    long = {
        f"{named(path)}:{node.name}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert long == set(LONG_FUNCTIONS)


def test_only_the_settings_read_the_environment():
    reading = re.compile(r"\bos\.(environ|getenv)\b")
    readers = {named(path) for path in modules() if reading.search(path.read_text())}
    # printing and rendering hand their children a bare environment.
    assert readers <= {
        "phr/config.py",
        "phr/printing.py",
        "fhir_gateway/dicom/render.py",
        "fhir_gateway/dicom/child.py",
    }


def test_the_locks_remember_no_registry_but_the_public_one():
    hosts = set(re.findall(r"https?://([^/\"'\s]+)", (ROOT / "uv.lock").read_text()))
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}
    for place in (ROOT, ROOT / "interop"):
        lock = json.loads((place / "package-lock.json").read_text())
        assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    scripts = ("tools/system-packages", "tools/interop-packages", "interop/fetch-ohif", ".ci/run")
    for settings in (".npmrc", "interop/.npmrc", "pyproject.toml", "Makefile", *scripts):
        assert not re.search(r"index-url|registry\s*=|find-links|\bproxy\b", (ROOT / settings).read_text())


def test_every_version_is_locked():
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    assert all("version" in package for package in lock["package"])
    assets, clients = (json.loads((place / "package.json").read_text()) for place in (ROOT, ROOT / "interop"))
    wanted = {**assets["dependencies"], **assets["devDependencies"], **clients["dependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


@pytest.mark.parametrize("path", templates(), ids=named)
def test_a_template_escapes_all_and_runs_nothing_inline(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"\|\s*safe\b", text)
    assert "autoescape" not in text
    if path.is_relative_to(ROOT / "templates" / "reports"):
        return  # printed, never shown by a browser: one style block, no script at all
    assert not re.search(r"<style\b|\sstyle=", text)
    assert not re.search(r"\son[a-z]+=|javascript:|hx-on|hx-vals=[\"']js:", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script
        assert 'nonce="{{ csp_nonce() }}"' in script
    assert not re.search(r"(?:src|href|action)=[\"'](?:https?:)?//", text)


@pytest.mark.parametrize("path", [p for p in templates() if "<form" in p.read_text()], ids=named)
def test_a_form_that_changes_something_carries_its_token(path):
    for form in re.findall(r"<form\b.*?(?:</form>|\Z)", path.read_text(), flags=re.DOTALL):
        if re.search(r"method=[\"']post[\"']", form, flags=re.IGNORECASE):
            assert "csrf" in form
            asks = re.search(r"<(?:select|textarea)\b|<input\b(?![^>]*type=\"hidden\")", form)
            assert "novalidate" in form or not asks


def test_paper_templates_hold_nothing_that_readers_of_tagged_pdfs_lose():
    for path in (ROOT / "templates" / "reports").glob("*.html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"<dl\b|float:|<script\b", text)
        for image in re.findall(r"<img\b[^>]*>", text):
            assert re.search(r'alt="[^"]', image)
        for heading in re.findall(r"<th\b[^>]*>", text):
            assert "scope=" in heading


def test_nothing_takes_away_zoom_or_focus():
    styles = (ROOT / "viewer" / "site.scss").read_text()
    assert not re.search(r"outline:\s*(?:none|0)(?!\s*!important; box-shadow)", styles)
    assert not [named(path) for path in templates() if re.search(r"user-scalable|maximum-scale", path.read_text())]


def test_the_project_is_free_software_and_says_so():
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert json.loads((ROOT / "package.json").read_text())["license"] == "Apache-2.0"
    for paper in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        assert len((ROOT / paper).read_text()) > 500


def test_fonts_and_foreign_code_travel_with_their_licences():
    shipped = ROOT / "phr" / "static" / "site" / "licenses"
    assert {path.name for path in shipped.iterdir()} == {
        "atkinson-hyperlegible-mono.txt",
        "atkinson-hyperlegible-next.txt",
        "htmx.txt",
        "nhsuk-frontend.txt",
    }
    assert "nhs.uk" not in (ROOT / "phr" / "static" / "site" / "site.css").read_text()


def test_built_files_and_secrets_stay_out_of_the_project():
    listed = [named(path) for path in committed()]
    assert not [
        name
        for name in listed
        if name.startswith(("phr/static/viewer/", "phr/static/site/", "demo-data/", "node_modules/"))
    ]
    assert not [name for name in listed if name.endswith((".dcm", ".sqlite", ".db", ".pem", ".key"))]
    keys = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
    assert not [named(path) for path in committed() if keys.search(path.read_bytes())]
