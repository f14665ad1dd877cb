"""What the operator's pages of the documentation say is what the program does."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from phr.cli import COMMANDS
from phr.config import Settings
from phr.samples.studies import ABDOMEN_MR, CHEST_CT, CHEST_XRAY, ULTRASOUND

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHORT_LIVED = ("session", "draft", "tokenholder", "healthfile", "export", "ingest")


def the_table_of_settings():
    rows = ["| setting | what it is | without it |", "|---|---|---|"]
    for one in Settings.describe():
        without = "**must be set**" if one.required else one.default
        rows.append(f"| `{one.name}` | {one.meaning} | {without} |")
    return "\n".join(rows)


def test_every_setting_is_documented_as_the_program_reads_it():
    """Put the table of the failure into docs/settings.md."""
    assert the_table_of_settings() in (DOCS / "settings.md").read_text()


def test_every_command_is_told_to_operators():
    told = (DOCS / "operating.md").read_text() + (DOCS / "site.md").read_text()
    assert [name for name in COMMANDS if f"phr {name}" not in told] == []


def test_no_page_names_a_command_or_option_that_there_is_not():
    for page in ("operating.md", "site.md", "samples.md", "settings.md"):
        for name in re.findall(r"`?phr ([a-z]+)\b", (DOCS / page).read_text()):
            assert name in COMMANDS, (page, name)


def test_backups_leave_out_every_short_lived_opener():
    told = (DOCS / "operating.md").read_text()
    for table in SHORT_LIVED:
        assert f"--exclude-table-data={table} " in told
        assert f"delete from {table};" in told


@pytest.mark.parametrize("sample", [ABDOMEN_MR, ULTRASOUND, CHEST_CT, CHEST_XRAY], ids=lambda sample: sample.name)
def test_it_is_told_where_each_sample_comes_from(sample):
    told = (DOCS / "samples.md").read_text()
    assert sample.description in told
    for _, files in sample.borrowed:
        assert all(f"`{name}`" in told for name in files)


def test_every_client_that_was_tried_is_told_with_its_version():
    told = (DOCS / "interop.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \|(.*)\|$", told, re.MULTILINE))
    driven = re.findall(r'^    "([^"]+)": ', (ROOT / "interop" / "clients" / "__init__.py").read_text(), re.MULTILINE)
    assert list(rows) == driven
    versions = json.loads((ROOT / "interop" / "package.json").read_text())["dependencies"]
    versions |= {one["name"]: one["version"] for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    for name in ("fhirpy", "dicomweb-client", "fhir-kit-client"):
        assert versions[name] in rows[name]
    assert versions["kill-the-clipboard"] in rows["health-link"]
    assert all(versions[name] in rows["validators"] for name in ("fhir", "@medplum/core"))
    assert re.search(r"version=(\S+)", (ROOT / "interop" / "fetch-ohif").read_text())[1] in rows["ohif"]
