"""A site's sender against a real server: what arrives, what a break leaves, and what it says when something is wrong."""

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from consent.assertion import new_signing_key
from consent.clients import CLAIMS, PUSH, NewSiteClient, add_site_client
from phr.app import create_app
from phr.cli import main
from phr.commands.site import addresses, seed_of
from phr.config import Settings
from phr.pushing import Unreachable
from phr.pushing import pictures as sending
from phr.pushing import web as wire
from phr.pushing.config import SiteConfig
from phr.pushing.finding import Found, Unreadable, in_order, look_through
from phr.pushing.papers import studies_of, transaction
from phr.pushing.web import Web
from phr.storing import prepare
from tests.factories import A_PERSON, ANOTHER_PERSON, a_ct_series, an_instance
from tests.loopback import answering
from vault import accounts, claims, sites
from vault.catalogue import open_catalogue
from vault.reading import open_series
from vault.sealing.codes import ClaimPin
from vault.settling import settle
from vault.sites import SiteDetails
from vault.tables import ClaimRow, InstanceRow, ResourceRow, StudyRow

PASSWORD = "many words of a song"
REPORT = "FINDINGS: Nothing that should worry.\nIMPRESSION: All is well.\n"


class Door:
    """The way into the server, which a test can make narrow: `answers` are given before it opens."""

    def __init__(self):
        self.app = None
        self.answers = []
        self.lost = 0
        self.seen = []

    def __call__(self, environ, start_response):
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if self.answers and environ["PATH_INFO"].endswith("/studies"):
            status, headers = self.answers.pop(0)
            start_response(status, [("Content-Length", "0"), *headers])
            return [b""]
        answer = self.app(environ, start_response)
        if self.lost and environ["PATH_INFO"].endswith("/studies"):
            self.lost -= 1
            b"".join(answer)
            raise ConnectionError("the answer is lost on its way")
        return answer

    def count(self, path):
        return sum(place.endswith(path) for _, place in self.seen)


@pytest.fixture
def door():
    door = Door()
    with answering(door) as server:
        door.port = server.server_port
        yield door


@pytest.fixture
def settings(door, tmp_path):
    keys = {"pepper": b"p" * 32, "index_key": b"i" * 32, "mail_key": b"m" * 32, "audit_key": b"a" * 32}
    return Settings(base_url=f"http://127.0.0.1:{door.port}", data=tmp_path / "data", **keys)


@pytest.fixture
def store(settings, door, renderer):
    services = prepare(settings)
    door.app = create_app(settings, services=services)
    door.app.extensions["renderer"].close()
    door.app.extensions["renderer"] = renderer
    yield services
    services.database.dispose()


def a_site(store, settings, tmp_path, *, rights=(PUSH, CLAIMS)):
    """A registered site's configuration file."""
    private, public = new_signing_key()
    with store.work() as work:
        new = sites.add_site(work, SiteDetails(name="Harbour Imaging", phone="555 0100"))
        jwks = json.dumps({"keys": [public]})
        client = add_site_client(work, NewSiteClient("Harbour", new.site_id, jwks=jwks, rights=frozenset(rights)))
    told = {"client_id": client.client_id, **seed_of(new), **addresses(settings), "key": private}
    file = tmp_path / "site.json"
    file.write_text(json.dumps(told))
    return file


@pytest.fixture
def site(store, settings, tmp_path):
    return a_site(store, settings, tmp_path)


@pytest.fixture
def folder(tmp_path):
    """Six slices of Ada's, in folders and under names that say nothing."""
    place = tmp_path / "disc"
    for number, octets in enumerate(a_ct_series(6, person=A_PERSON)):
        file = place / f"d{number % 2}" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
    (place / "README.TXT").write_text("not a picture")
    return place


@pytest.fixture
def push(site, tmp_path, monkeypatch):
    """Types `phr push`."""
    monkeypatch.setattr(wire.time, "sleep", lambda _: None)
    monkeypatch.setattr(wire, "SECONDS", 30)  # a busy machine prints slowly

    def typed(folder, *words, config=site):
        state = ("--state", str(tmp_path / "state"))
        return main(["push", str(folder), "--site-config", str(config), *state, *map(str, words)])

    return typed


def count(store, table):
    with store.reading() as work:
        return work.session.scalar(sa.select(sa.func.count()).select_from(table))


def claimed(store, pin, born):
    """The catalogue of someone who makes an account and types the PIN."""
    signed_in = accounts.open_account(store, login="ada", password=PASSWORD, name="Ada Example", born=born)
    claims.take(
        store,
        pin=ClaimPin.parse(pin),
        born=born,
        keyring=signed_in.keyring,
        account_id=signed_in.account_id,
        source="127.0.0.1",
    )
    with store.work() as work:
        settle(work, signed_in.keyring)
    return signed_in.keyring


# -- the main way ----------------------------------------------------------------------------------


def test_a_folder_its_report_and_a_slip_reach_the_patient(store, push, folder, tmp_path, capsys):
    (tmp_path / "report.txt").write_text(REPORT)
    slip = tmp_path / "slip.pdf"
    words = ("--report", tmp_path / "report.txt", "--written-by", "Dr. Reader", "--issue-claim", "--show-pin")
    assert push(folder, *words, "--slip", slip) == 0
    said = capsys.readouterr()
    assert "6 files taken" in said.out
    assert slip.read_bytes().startswith(b"%PDF")
    assert slip.stat().st_mode & 0o777 == 0o600
    pin = next(line.removeprefix("PIN ") for line in said.out.splitlines() if line.startswith("PIN "))
    keyring = claimed(store, pin, A_PERSON.born)
    with store.reading() as work:
        study = open_catalogue(work, keyring).studies[0]
        assert study.instances == 6
        assert study.reports[0].facts.conclusion == "All is well."
        assert study.reports[0].facts.written_by == "Dr. Reader"
        assert len(open_series(work, keyring, study.uid, study.series[0].facts.uid)) == 6


def test_the_pin_is_told_only_where_it_was_asked_for(push, folder, tmp_path, capsys):
    assert push(folder, "--issue-claim", "--slip", tmp_path / "slip.pdf") == 0
    assert "PIN " not in capsys.readouterr().out.replace("The PIN is", "")


def test_a_slip_nobody_would_see_is_not_issued(store, push, folder, capsys):
    assert push(folder, "--issue-claim") == 1
    assert "--show-pin" in capsys.readouterr().err
    assert count(store, ClaimRow) == 0


def test_a_patient_who_has_linked_needs_no_slip(store, push, folder, tmp_path, capsys):
    assert push(folder, "--issue-claim", "--show-pin") == 0
    pin = next(line[4:] for line in capsys.readouterr().out.splitlines() if line.startswith("PIN "))
    keyring = claimed(store, pin, A_PERSON.born)
    later = tmp_path / "later"
    later.mkdir()
    (later / "one").write_bytes(an_instance(person=A_PERSON, study="later"))
    assert push(later, "--issue-claim", "--show-pin") == 0
    assert "linked already" in capsys.readouterr().out
    with store.work() as work:
        settle(work, keyring)
        assert len(open_catalogue(work, keyring).studies) == 2


def test_a_lost_slip_is_replaced(push, folder, capsys):
    assert push(folder, "--issue-claim", "--show-pin") == 0
    first = capsys.readouterr().out
    assert push(folder, "--issue-claim", "--show-pin") == 1
    assert "--reissue-claim" in capsys.readouterr().err
    assert push(folder, "--reissue-claim", "--show-pin") == 0
    again = capsys.readouterr().out
    assert next(line for line in again.splitlines() if line.startswith("PIN ")) not in first


# -- breaks ----------------------------------------------------------------------------------------


def test_what_was_taken_is_not_sent_again(store, push, folder, door, capsys):
    assert push(folder) == 0
    before = door.count("/studies")
    assert push(folder) == 0
    assert door.count("/studies") == before
    assert "0 files taken (0.0 MB), 6 taken before" in capsys.readouterr().out


def test_sending_everything_again_makes_no_duplicates(store, push, folder):
    assert push(folder) == 0
    papers = count(store, ResourceRow)
    assert push(folder, "--fresh") == 0
    assert count(store, InstanceRow) == 6
    assert count(store, StudyRow) <= 2
    assert count(store, ResourceRow) == papers


def test_an_answer_lost_on_its_way_loses_and_doubles_nothing(store, push, folder, door, monkeypatch):
    monkeypatch.setattr(wire, "SECONDS", 5)
    door.lost = 1
    assert push(folder) == 0
    assert count(store, InstanceRow) == 6


def test_a_busy_server_is_asked_again_when_it_says(push, folder, door, monkeypatch, capsys):
    waited = []
    monkeypatch.setattr(wire.time, "sleep", waited.append)
    monkeypatch.setattr(wire.random, "uniform", lambda *_: 0.0)
    door.answers = [("429 Too Many Requests", [("Retry-After", "7")]), ("503 Service Unavailable", [])]
    assert push(folder) == 0
    assert "trying again in 7 s" in capsys.readouterr().err


def test_a_server_that_is_gone_is_named_after_all_tries(site, settings):
    config = replace(SiteConfig.read(site), token_url="http://127.0.0.1:9/oauth/token")
    waited = []
    with pytest.raises(Unreachable, match="8 tries"):
        Web(config, wait=waited.append).post_json(config.fhir_base, {})
    assert len(waited) == 7
    assert waited == sorted(waited) or max(waited) <= 75


def test_a_broken_push_goes_on_where_it_was(store, push, folder, door, monkeypatch, capsys):
    monkeypatch.setattr(sending, "MOST_FILES", 2)
    monkeypatch.setattr(wire, "TRIES", 1)
    door.answers = []
    real = door.app

    def second_time_gone(environ, start_response):
        if environ["PATH_INFO"].endswith("/studies") and count(store, InstanceRow) == 2:
            raise ConnectionError("gone")
        return real(environ, start_response)

    door.app = second_time_gone
    assert push(folder) == 1
    assert count(store, InstanceRow) == 2
    door.app = real
    assert push(folder) == 0
    assert "4 files taken" in capsys.readouterr().out
    assert count(store, InstanceRow) == 6


def test_the_state_tells_a_finder_nothing(push, folder, tmp_path):
    assert push(folder) == 0
    kept = list((tmp_path / "state").iterdir())
    assert len(kept) == 1
    assert not list(folder.rglob("*.sent"))
    lines = kept[0].read_text().split()
    assert all(len(line) == 64 and set(line) <= set("0123456789abcdef") for line in lines)
    assert kept[0].stat().st_mode & 0o777 == 0o600


# -- what is refused -------------------------------------------------------------------------------


def test_a_damaged_file_is_named_and_the_rest_arrives(store, push, folder, capsys):
    whole = an_instance(person=A_PERSON, number=9, study="one", series="first")
    (folder / "short.dcm").write_bytes(whole[:-300])
    (folder / "stub.dcm").write_bytes(whole[:140])
    assert push(folder) == 3
    said = capsys.readouterr().err
    assert "short.dcm: The file ends before its last element does." in said
    assert "stub.dcm" in said
    assert count(store, InstanceRow) == 6


def test_another_picture_under_a_known_number_is_refused_by_name(store, push, folder, tmp_path, capsys):
    assert push(folder) == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / "changed").write_bytes(a_ct_series(1, person=A_PERSON, WindowCenter=77)[0])
    assert push(other) == 3
    assert "another picture is kept under its number already" in capsys.readouterr().err


def test_one_slip_is_not_for_two_patients(store, push, folder, capsys):
    (folder / "bo").write_bytes(an_instance(person=ANOTHER_PERSON, study="bo"))
    assert push(folder, "--issue-claim", "--show-pin") == 1
    assert "--patient" in capsys.readouterr().err
    assert count(store, InstanceRow) == 0
    assert push(folder, "--issue-claim", "--show-pin", "--patient", ANOTHER_PERSON.mrn) == 0
    assert count(store, InstanceRow) == 1


def test_a_site_without_the_right_issues_no_slips(store, settings, push, folder, tmp_path, capsys):
    place = tmp_path / "second"
    place.mkdir()
    only_pushes = a_site(store, settings, place, rights=(PUSH,))
    assert push(folder, "--issue-claim", "--show-pin", config=only_pushes) == 1
    assert "does not let us issue a slip" in capsys.readouterr().err
    assert count(store, ClaimRow) == 0


def test_a_site_that_was_switched_off_is_told_so(store, push, folder, site, capsys):
    from consent.clients import switch_off

    with store.work() as work:
        switch_off(work, json.loads(site.read_text())["client_id"])
    assert push(folder) == 1
    assert "gives us no token" in capsys.readouterr().err
    assert count(store, InstanceRow) == 0


def test_a_key_that_was_not_registered_opens_nothing(store, push, folder, site, capsys):
    told = json.loads(site.read_text())
    other, _ = new_signing_key()
    site.write_text(json.dumps({**told, "key": {**other, "kid": told["key"]["kid"]}}))
    assert push(folder) == 1
    assert "no token" in capsys.readouterr().err


def test_a_server_without_tls_is_only_for_this_machine(push, folder, site, capsys):
    told = json.loads(site.read_text())
    site.write_text(json.dumps({**told, "dicomweb_base": "http://keepray.example/dicomweb"}))
    assert push(folder) == 1
    assert "is not https" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["{", "[]", '{"client_id": "x"}'])
def test_a_site_file_that_lacks_something_is_named(push, folder, site, capsys, broken):
    site.write_text(broken)
    assert push(folder) == 1
    assert "site.json" in capsys.readouterr().err


def test_a_folder_without_dicom_is_said_to_be_that(push, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert push(tmp_path / "empty") == 1
    assert "no DICOM files" in capsys.readouterr().err
    assert push(tmp_path / "nowhere") == 1


def test_a_report_that_fhir_does_not_know_is_told_with_the_servers_words(push, folder, tmp_path, capsys):
    (tmp_path / "report.json").write_text(json.dumps({"resourceType": "DiagnosticReport", "status": "nonsense"}))
    assert push(folder, "--report", tmp_path / "report.json") == 1
    assert "(422)" in capsys.readouterr().err


# -- pieces ----------------------------------------------------------------------------------------


def found_in(folder):
    return [one for one in look_through(folder) if isinstance(one, Found)]


def test_files_are_known_by_what_is_in_them(folder):
    assert len(found_in(folder)) == 6
    assert not [one for one in look_through(folder) if isinstance(one, Unreadable)]


def test_a_request_holds_one_study_twenty_files_and_sixteen_mebibytes(folder):
    one = in_order(found_in(folder))[0]
    many = [replace(one, instance_uid=f"1.2.{number}") for number in range(45)]
    assert [len(group) for group in sending.groups(many)] == [20, 20, 5]
    heavy = [replace(each, size=6 << 20) for each in many[:5]]
    assert [len(group) for group in sending.groups(heavy)] == [2, 2, 1]
    huge = [replace(many[0], size=1 << 30), many[1]]
    assert [len(group) for group in sending.groups(huge)] == [1, 1]
    two = [many[0], replace(many[1], study_uid="1.2.3")]
    assert [len(group) for group in sending.groups(two)] == [1, 1]
    twice = [many[0], many[0]]
    assert [len(group) for group in sending.groups(twice)] == [1, 1]


def test_what_is_announced_is_what_is_sent(folder):
    group = in_order(found_in(folder))
    order = sending._order("http://127.0.0.1:1", group)
    assert sum(map(len, order.body())) == order.length
    assert b"".join(order.body()).count(b"DICM") == 6


def test_the_papers_say_the_same_each_time(folder, site, tmp_path):
    report = tmp_path / "report.txt"
    report.write_text(REPORT)
    study = studies_of(in_order(found_in(folder)))[0]
    config = SiteConfig.read(site)
    first = transaction(config, study, [report], born="", written_by="")
    again = transaction(config, study, [report], born="", written_by="")
    assert [one["request"] for one in first["entry"]] == [one["request"] for one in again["entry"]]
    kinds = [one["resource"]["resourceType"] for one in first["entry"]]
    assert kinds == ["Patient", "ImagingStudy", "DiagnosticReport"]
    assert first["entry"][2]["resource"]["conclusion"] == "All is well."


def test_a_token_is_renewed_before_it_runs_out(push, folder, door, monkeypatch):
    monkeypatch.setattr(sending, "MOST_FILES", 2)
    monkeypatch.setattr(wire, "RENEW_BEFORE", 10_000)
    assert push(folder) == 0
    assert door.count("/oauth/token") == 4
