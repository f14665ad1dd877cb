"""One wheel carries everything: built, installed in a clean environment, and asked how it is."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = ROOT / ".uv" / "bin" / "uv"
ROOMS = {"phr", "fhir_gateway", "consent", "vault"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built by the backend that pyproject.toml names, without asking any registry."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return next(out.glob("keepray-*.whl"))


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment of its own that has the wheel and the locked versions of what it needs, nothing of this checkout."""
    place = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    if not install(wheel, place):
        lend(wheel, place)
    yield place
    shutil.rmtree(place)  # a few hundred megabytes


def install(wheel, place):
    """As people do it; False where there is no installer here, or no registry to ask."""
    if not UV.exists():
        return False
    quiet = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    locked = place / "locked.txt"
    export = [UV, "export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "-q", "-o", locked]
    subprocess.run(export, cwd=ROOT, env=quiet, check=True, stdout=subprocess.DEVNULL)
    command = [UV, "pip", "install", "-q", "--python", place / "bin" / "python", "-c", locked, wheel]
    return subprocess.run(command, cwd=place, env=quiet, capture_output=True, check=False).returncode == 0


def lend(wheel, place):
    """Without a registry: the wheel is unpacked, and what it needs is lent from the environment of the tests."""
    site_packages = next(place.glob("lib/python*/site-packages"))
    unpack(wheel, site_packages, place / "bin")
    # A path alone: the other environment's own .pth files are not run, so the checkout stays unknown.
    (site_packages / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")


def unpack(wheel, site_packages, scripts):
    """What an installer does with a pure wheel (PEP 427): its files, and a script for each entry point."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
        entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "phr = phr.cli:main" in archive.read(entry_points).decode()
    script = scripts / "phr"
    script.write_text(f"#!{scripts / 'python'}\nimport sys\nfrom phr.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)


def phr(place, *words, **settings):
    """Types `phr` in the clean environment, far from the checkout."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PHR_", "PYTHON"))}
    command = [str(place / "bin" / "phr"), *words]
    return subprocess.run(
        command, cwd=place, env={**bare, **settings}, capture_output=True, text=True, check=False, timeout=120
    )


def settings_for(place, data):
    lines = phr(place, "keys", "new").stdout.splitlines()
    keys = dict(line.split("=", 1) for line in lines)
    return {**keys, "PHR_BASE_URL": "http://127.0.0.1:8000", "PHR_DATA": str(data)}


def test_the_wheel_has_the_four_rooms_and_nothing_else_at_its_top(names):
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == ROOMS


def test_the_wheel_carries_every_page_and_paper(names):
    shipped = {name.removeprefix("phr/templates/") for name in names if name.startswith("phr/templates/")}
    written = {path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.*")}
    assert {name for name in written if name.endswith((".html", ".txt"))} <= shipped


def test_the_wheel_carries_every_language(names):
    assert "phr/translations/es/LC_MESSAGES/messages.po" in names


def test_the_wheel_carries_what_was_built_for_browsers(names):
    assert "phr/static/site/site.css" in names
    assert any(name.startswith("phr/static/viewer/") and name.endswith(".js") for name in names)
    assert any(name.endswith(".woff2") for name in names)
    assert any(name.startswith("phr/static/site/licenses/") for name in names)


def test_the_wheel_carries_the_shape_of_the_database(names):
    assert "phr/migrations/env.py" in names
    assert "phr/migrations/versions/0001_first.py" in names


def test_the_wheel_carries_neither_tests_nor_secrets_nor_somebodys_data(names):
    assert not [name for name in names if "test" in name.split("/")[0] or "__pycache__" in name]
    assert not [name for name in names if name.endswith((".dcm", ".env", ".sealed", ".sqlite3", ".log"))]
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_installed_it_comes_from_the_wheel_and_leaves_no_stray_folder(installed):
    site_packages = next(installed.glob("lib/python*/site-packages"))
    assert {path.name for path in site_packages.iterdir() if path.is_dir()} >= ROOMS
    assert not (site_packages / "templates").exists()
    command = [str(installed / "bin" / "python"), "-c", "import phr, vault; print(phr.__file__); print(vault.__file__)"]
    said = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=True).stdout.splitlines()
    assert all(Path(line).is_relative_to(site_packages) for line in said)


def test_installed_the_doctor_says_what_is_missing(installed):
    done = phr(installed, "doctor")
    assert done.returncode == 1
    assert "PHR_PEPPER is missing" in done.stdout
    assert "templates, styles and viewer are there" in done.stdout
    assert done.stderr == ""


def test_installed_the_doctor_finds_it_able_to_serve(installed, tmp_path):
    settings = settings_for(installed, tmp_path / "data")
    upgraded = phr(installed, "db", "upgrade", **settings)
    assert upgraded.returncode == 0, upgraded.stderr
    done = phr(installed, "doctor", **settings)
    assert done.returncode == 0, done.stdout
    assert "It can serve." in done.stdout


def test_installed_it_shows_its_pages(installed, tmp_path):
    settings = settings_for(installed, tmp_path / "data")
    phr(installed, "db", "upgrade", **settings)
    ask = (
        "from phr.app import from_environment\n"
        "app = from_environment()\n"
        "client = app.test_client()\n"
        "for path in ('/', '/healthz', '/fhir/metadata', '/static/site/site.css'):\n"
        "    print(client.get(path).status_code)\n"
        "app.extensions['renderer'].close()\n"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PHR_", "PYTHON"))}
    command = [str(installed / "bin" / "python"), "-c", ask]
    done = subprocess.run(command, cwd=installed, env={**bare, **settings}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["200"] * 4, done.stderr
