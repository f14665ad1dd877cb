"""The demo is a whole instance: what it prints works, what it leaves tells a thief nothing, and it can be run again."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from phr.demo.home import Home
from phr.pushing.config import SiteConfig
from phr.pushing.web import Web
from phr.samples import phantom
from phr.samples.studies import ABDOMEN_MR, CHEST_CT, CHEST_XRAY, ULTRASOUND, borrowed_folder
from phr.storing import open_store
from tests.phr.test_cli import a_free_port
from vault import accounts, claims
from vault.catalogue import open_catalogue
from vault.sealing.codes import ClaimPin
from vault.settling import settle

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("true_cost")]  # what is started here is what people start


@contextmanager
def demo(folder, details):
    """`phr demo` until its details are written; answers them, with the running process."""
    details.unlink(missing_ok=True)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
    port = a_free_port()
    command = [sys.executable, "-m", "phr.cli", "demo", "--port", str(port), "--data", str(folder)]
    output = folder.parent / "output.txt"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--details", str(details)], cwd=ROOT, env=bare, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(1800):
                assert process.poll() is None, output.read_text()
                if details.exists():
                    break
                time.sleep(0.1)
            yield json.loads(details.read_text()), process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(place):
    with demo(place / "data", place / "told.json") as (told, _):
        yield told


@contextmanager
def store_of(folder):
    services = open_store(Home.opened(folder, host="127.0.0.1", port=1).settings)
    try:
        yield services
    finally:
        services.database.dispose()


def asked(url, token=None, form=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = urlencode(form).encode() if form else None
    with urlopen(Request(url, data=body, headers=headers), timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def test_it_tells_everything_one_needs_to_begin(told, place):
    base = told["base_url"]
    assert told["fhir_base"] == f"{base}/fhir"
    assert told["dicomweb_base"] == f"{base}/dicomweb"
    assert told["token_url"] == f"{base}/oauth/token"
    assert {"client_id", "private_jwk", "seal_seed"} <= told["site"].keys()
    assert {"pin", "born"} <= told["unclaimed"].keys()
    assert len(told["patient"]["scans"]) == 2
    assert all(scan["reports"] for scan in told["patient"]["scans"])
    assert told["client"]["redirect_uri"]
    assert told["confidential_client"]["client_secret"]
    assert (place / "told.json").stat().st_mode & 0o777 == 0o600
    printed = (place / "output.txt").read_text()
    for word in (told["unclaimed"]["pin"], told["patient"]["password"], told["share_code"], base):
        assert word in printed


def test_its_series_is_long_enough_to_scroll(told):
    chest = next(scan for scan in told["patient"]["scans"] if scan["description"] == CHEST_CT.description)
    assert chest["instances"] == phantom.SLICES >= 60


def test_the_patient_signs_in_with_what_it_tells(told, place):
    with store_of(place / "data") as store:
        signed_in = accounts.sign_in(
            store, login=told["patient"]["name"], password=told["patient"]["password"], source="127.0.0.1"
        )
    assert signed_in.keyring.vault_id.hex() == told["patient"]["patient_id"]


def test_a_doctor_sees_the_scans_with_the_code(told):
    form = {"grant_type": "urn:keepray:oauth:grant-type:share-code", "code": told["share_code"]}
    form |= {"client_id": told["client"]["client_id"]}
    try:
        token = asked(told["token_url"], form=form)
    except HTTPError as refused:
        pytest.fail(refused.read().decode())
    studies = asked(f"{told['dicomweb_base']}/studies", token["access_token"])
    found = {one["0020000D"]["Value"][0] for one in studies}
    assert found == {scan["study_uid"] for scan in told["patient"]["scans"]}


def test_the_site_gets_a_token_with_its_key(told, tmp_path):
    file = tmp_path / "site.json"
    addresses = {name: told[name] for name in ("token_url", "fhir_base", "dicomweb_base")}
    file.write_text(json.dumps({**told["site"], **addresses, "key": told["site"]["private_jwk"]}))
    answer = Web(SiteConfig.read(file)).post_json(f"{told['fhir_base']}/Patient/$claim-status", status_of(told))
    assert answer.status == 200
    state = {one["name"]: one for one in answer.json()["parameter"]}
    assert state["state"]["valueCode"] == "open"
    assert state["studies"]["valueUnsignedInt"] == 2


def status_of(told):
    identifier = {"name": "identifier", "valueIdentifier": {"value": told["unclaimed"]["mrn"]}}
    return {"resourceType": "Parameters", "parameter": [identifier]}


def test_what_it_leaves_tells_a_thief_nothing(told, place):
    hidden = [told["patient"]["password"], told["patient"]["name"], told["patient"]["full_name"], "Sample", "Example"]
    hidden += [told["unclaimed"]["pin"], told["unclaimed"]["pin"].replace("-", ""), told["site"]["seal_seed"]]
    hidden += [told["share_code"], told["share_code"].replace("-", ""), told["site"]["private_jwk"]["d"]]
    hidden += [told["confidential_client"]["client_secret"], "DEMO-1001", "19600412", "1960-04-12"]
    hidden += [scan["study_uid"] for scan in told["patient"]["scans"]]
    for path in (place / "data").rglob("*"):
        if path.is_file():
            octets = path.read_bytes()
            found = [word for word in hidden if word.encode() in octets or word.encode("utf-16-le") in octets]
            assert found == [], path


def test_run_again_it_goes_on_with_a_fresh_pin_and_code(tmp_path):
    with demo(tmp_path / "data", tmp_path / "told.json") as (before, first):
        ended_by_signal(first)
    with store_of(tmp_path / "data") as store:
        assert claimed_with_the_slip(store, before["unclaimed"]) == {CHEST_XRAY.description, ULTRASOUND.description}
    with demo(tmp_path / "data", tmp_path / "again.json") as (again, second):
        assert again["patient"]["name"] == before["patient"]["name"]
        assert again["patient"]["scans"] == before["patient"]["scans"]
        assert again["site"] == before["site"]
        assert again["client"] == before["client"]
        assert again["unclaimed"]["pin"] != before["unclaimed"]["pin"]
        assert again["unclaimed"]["mrn"] != before["unclaimed"]["mrn"]
        assert again["share_code"] != before["share_code"]
        assert_an_archive_fetches_all(again, tmp_path / "copy")
        ended_by_signal(second)
    assert "Traceback" not in (tmp_path / "output.txt").read_text()


def assert_an_archive_fetches_all(told, folder):
    """With the code that was told, and `phr pull`."""
    base = told["dicomweb_base"].removesuffix("/dicomweb")
    command = [sys.executable, "-m", "phr.cli", "pull", told["share_code"], "--from", base, "--to", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(folder.rglob("*.dcm"))) == sum(scan["instances"] for scan in told["patient"]["scans"])
    assert {path.parent.parent.name for path in folder.rglob("reports/*.pdf")} == {
        scan["study_uid"] for scan in told["patient"]["scans"]
    }


def ended_by_signal(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def claimed_with_the_slip(store, slip):
    """What somebody new finds with the slip that the demo printed."""
    somebody = accounts.open_account(
        store, login="visitor", password="long enough to be one", name="V", born="19750930"
    )
    claims.take(
        store,
        pin=ClaimPin.parse(slip["pin"]),
        born=slip["born"].replace("-", ""),
        keyring=somebody.keyring,
        account_id=somebody.account_id,
        source="127.0.0.1",
    )
    with store.work() as work:
        settle(work, somebody.keyring)
        return {study.facts.description for study in open_catalogue(work, somebody.keyring).studies}


def test_the_borrowed_pictures_are_where_we_look_for_them():
    for sample in (ABDOMEN_MR, ULTRASOUND):
        for _, files in sample.borrowed:
            assert all((borrowed_folder() / name).is_file() for name in files)
