"""What an operator and a site's own machine do with the command `phr`, against a running server."""

import json
from pathlib import Path

from tests.factories import a_ct_series, an_instance
from tests.journeys.stories import someone
from tests.people import App, Patient


def test_a_site_is_registered_pushes_a_folder_and_hands_out_the_slip(keepray, tmp_path: Path) -> None:
    public = keepray.phr("keys", "site", str(tmp_path / "key.json"))
    assert public.returncode == 0, public.stderr
    (tmp_path / "public.json").write_text(public.stdout)
    added = keepray.phr("site", "add", "Valley Imaging", "--phone", "555 0123", "--jwks", str(tmp_path / "public.json"))
    assert added.returncode == 0, added.stderr
    site = json.loads(added.stdout)
    (tmp_path / "site.json").write_text(json.dumps({**site, "key_file": "key.json"}))
    person = someone()
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    for number, octets in enumerate(a_ct_series(5, study=person.mrn, person=person)):
        (folder / "deep" / f"I{number}").write_bytes(octets)
    (folder / "readme.txt").write_text("not a picture")
    report = tmp_path / "report.txt"
    report.write_text("FINDINGS: as seen.\nIMPRESSION: Pushed from a folder.\n")
    words = ("push", str(folder), "--site-config", str(tmp_path / "site.json"), "--state", str(tmp_path / "state"))

    pushed = keepray.phr(
        *words, "--report", str(report), "--issue-claim", "--show-pin", "--slip", str(tmp_path / "slip.pdf")
    )
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    assert "5 files taken" in pushed.stdout
    assert (tmp_path / "slip.pdf").read_bytes()[:5] == b"%PDF-"
    pin = next(line.partition(" ")[2] for line in pushed.stdout.splitlines() if line.startswith("PIN "))

    ana = Patient(keepray, person)
    ana.open("/add").send("Continue", pin=pin).send("Continue", born_day="27", born_month="3", born_year="1958")
    page = ana.makes_an_account()
    assert page.says("Valley Imaging")
    assert ana.open(f"{page.path}/report").send("Read it now").says("Pushed from a folder.")

    # After a break the same again sends nothing twice, and what is new goes straight to the record.
    once_more = keepray.phr(*words, "--report", str(report))
    assert "0 files taken" in once_more.stdout, once_more.stdout
    assert "5 taken before" in once_more.stdout
    (folder / "new").write_bytes(an_instance(study=f"{person.mrn}-later", person=person))
    later = keepray.phr(*words)
    assert "1 files taken" in later.stdout or "1 file taken" in later.stdout, later.stdout
    assert len(ana.scans()) == 2


def test_a_client_that_was_switched_off_gets_no_token(keepray) -> None:
    added = keepray.phr("client", "add", "Short-lived", "--redirect", "https://short.example.org/back", "--secret")
    assert added.returncode == 0, added.stderr
    client = json.loads(added.stdout)
    app = App(keepray)
    app.client_id, app.secret = client["client_id"], client["client_secret"]
    refused = app.asks_for_tokens(grant_type="refresh_token", refresh_token="x")
    assert refused.json()["error"] == "invalid_grant"
    assert keepray.phr("client", "off", client["client_id"]).returncode == 0
    refused = app.asks_for_tokens(grant_type="refresh_token", refresh_token="x")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_the_histories_verify_and_the_doctor_is_content(keepray) -> None:
    verified = keepray.phr("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    doctor = keepray.phr("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_other_keys_are_refused_at_the_start(keepray) -> None:
    from phr.commands.keys import new_secrets

    before = keepray.settings
    keepray.settings = {**before, "PHR_PEPPER": new_secrets()["PHR_PEPPER"]}
    try:
        refused = keepray.phr("audit", "verify")
    finally:
        keepray.settings = before
    assert refused.returncode == 1
    assert "PHR_PEPPER" in refused.stderr
