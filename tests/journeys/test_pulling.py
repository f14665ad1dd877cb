"""A doctor's archive fetches a copy with the patient's code, `phr pull`, until the patient stops."""

import subprocess
from pathlib import Path

from tests.houses import RunningHouse
from tests.journeys.stories import a_story
from tests.people import App, Guest


def pulls(house: RunningHouse, code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return house.phr(
        "pull", code, "--from", house.base_url, "--to", str(folder), "--name", "Dr. S. Ave", "--clinic", "Ave Imaging"
    )


def test_a_copy_comes_with_the_code_and_none_after_the_patient_stopped(keepray, tmp_path):
    told = a_story(keepray, report="A word for the doctor.")
    other, _ = told.another_scan(StudyDescription="MR of the knee")
    share = told.patient.gives_a_code(may=("see", "save"))

    done = pulls(keepray, share.code, tmp_path / "copy")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 DICOM files are here" in done.stdout
    fetched = sorted(path.read_bytes() for path in (tmp_path / "copy").rglob("*.dcm"))
    assert fetched == sorted([*told.scan.files, *other.files])
    reports = list((tmp_path / "copy" / told.scan.uid / "reports").iterdir())
    assert any("A word for the doctor." in path.read_text() for path in reports)
    assert share.code not in done.stdout + done.stderr

    assert share.id not in told.patient.shares(), "the tokens were given back: nobody can see anything now"
    assert told.patient.open("/history").says("saved a copy of")

    stopped = told.patient.gives_a_code(may=("see", "save"))
    told.patient.stops(stopped.id)
    for code in (share.code, stopped.code):
        again = pulls(keepray, code, tmp_path / "later")
        assert (again.returncode, again.stdout) == (4, "")
        assert "opens nothing, or was used before" in again.stderr
        assert not (tmp_path / "later").exists()


def test_who_broke_off_and_was_stopped_does_not_go_on(keepray, tmp_path):
    told = a_story(keepray)
    share = told.patient.gives_a_code(may=("see", "save"))
    (tmp_path / "copy" / told.scan.uid).mkdir(parents=True)
    (tmp_path / "copy" / told.scan.uid / ".part").mkdir()  # where a file should be begun: the first run fails there
    broken = pulls(keepray, share.code, tmp_path / "copy")
    assert broken.returncode == 1, broken.stderr
    (tmp_path / "copy" / told.scan.uid / ".part").rmdir()
    assert told.patient.open("/shares").says("Dr. S. Ave")
    told.patient.stops(share.id)
    refused = keepray.phr("pull", "--to", str(tmp_path / "copy"))
    assert refused.returncode == 4
    assert "The sharing has ended. Ask the patient for another code." in refused.stderr
    assert not list((tmp_path / "copy").rglob("*.dcm"))


def test_a_code_for_looking_fetches_nothing_and_still_opens_the_pictures(keepray, tmp_path):
    told = a_story(keepray)
    share = told.patient.gives_a_code()
    refused = pulls(keepray, share.code, tmp_path / "copy")
    assert refused.returncode == 4
    assert "The patient allowed looking, not saving a copy." in refused.stderr
    assert told.patient.open(f"/share/state/{share.id}").says("Waiting for your doctor")
    assert Guest(keepray).opens(share.code).path == "/see/view"


def test_any_script_can_redeem_a_code_without_being_registered(keepray):
    told = a_story(keepray)
    share = told.patient.gives_a_code(may=("see", "save"))
    script = App(keepray, "Somebody's script")
    form = {"grant_type": "urn:keepray:oauth:grant-type:share-code", "client_id": "keepray-pull", "code": share.code}
    answer = script.ask("POST", "/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert script.ask("GET", told.scan.address(1), token=token).status_code == 200
    assert script.ask("POST", "/oauth/token", data=form).json()["error"] == "invalid_grant"
    assert told.patient.open("/shares").says("phr pull")
