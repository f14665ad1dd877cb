"""A doctor's fetcher against a real server: what arrives, what a break leaves, and what it says when something is wrong."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from consent import grants
from consent.access import Access
from consent.grants import EVERYTHING, Offer
from consent.scopes import PATIENT_READS
from consent.tables import GrantRow, TokenRow
from fhir_gateway.dicom.syntaxes import IMPLICIT_LITTLE
from phr.app import create_app
from phr.cli import main
from phr.config import Settings
from phr.pulling import shelf as shelves
from phr.pulling import web as wire
from phr.pulling.keeping import NAME, Kept
from phr.pulling.listing import Listed, Wanted
from phr.pulling.shelf import Shelf
from phr.storing import prepare
from tests import factories as make
from tests.factories import Person
from tests.fhir_gateway.house import ADA, a_patient, a_site
from tests.loopback import Lasting, answering
from tests.papers import a_report, a_transaction
from vault.audit import Actor
from vault.keyring import KeyClass
from vault.sealing.codes import ShareCode

STUDY = make.a_uid("study", "one")
PERSON = Person(name=ADA.name, mrn=ADA.mrn, born=ADA.born, sex=ADA.sex)
REPORT = "FINDINGS: Nothing that should worry.\nIMPRESSION: All is well.\n"
PDF = b"%PDF-1.4 made up\n%%EOF\n"


class Door:
    """The way into the server, which a test can make narrow."""

    def __init__(self):
        self.app = None
        self.seen = []
        self.cut_after = []  # octets of the next whole-object answers, before they break off
        self.flip = False  # one octet of every picture
        self.pause = 0.0  # seconds between pieces
        self.busy = 0

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.seen.append((environ["REQUEST_METHOD"], path, environ.get("HTTP_ACCEPT", "")))
        whole = "multipart/related" in environ.get("HTTP_ACCEPT", "")
        if whole and self.busy:
            self.busy -= 1
            start_response("503 Slow", [("Content-Length", "0"), ("Retry-After", "7")])
            return [b""]
        answer = self.app(environ, start_response)
        return self._narrow(answer) if whole else answer

    def _narrow(self, answer):
        left = self.cut_after.pop(0) if self.cut_after else None
        try:
            for given in answer:
                if self.pause:
                    time.sleep(self.pause)
                piece = given
                if self.flip:
                    piece = piece.replace(bytes(64), b"\1" + bytes(63))
                if left is not None and left < len(piece):
                    yield piece[:left]
                    raise ConnectionError("cut")
                if left is not None:
                    left -= len(piece)
                yield piece
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def asked(self, ending):
        return [path for _, path, _ in self.seen if path.endswith(ending)]

    def fetched(self):
        return [path.partition("/studies/")[2] for _, path, accept in self.seen if "multipart/related" in accept]


@pytest.fixture
def door():
    door = Door()
    with answering(door, handler=Lasting) as server:
        door.port = server.server_port
        yield door


@pytest.fixture
def base(door):
    return f"http://127.0.0.1:{door.port}"


@pytest.fixture
def app(door, base, tmp_path, renderer):
    keys = {"pepper": b"p" * 32, "index_key": b"i" * 32, "mail_key": b"m" * 32, "audit_key": b"a" * 32}
    settings = Settings(base_url=base, data=tmp_path / "data", **keys)
    services = prepare(settings)
    app = create_app(settings, services=services)
    app.extensions["renderer"].close()
    app.extensions["renderer"] = renderer
    door.app = app
    yield app
    services.database.dispose()


@pytest.fixture
def site(app):
    return a_site(app)


@pytest.fixture
def patient(app, site):
    return a_patient(app).is_linked_to(site)


@pytest.fixture
def files(site, patient):
    """Twelve slices, so large that an answer has many pieces."""
    made = make.a_ct_series(12, person=PERSON, rows=128, columns=128)
    assert site.stores(*made).status_code == 200
    return made


def me(patient):
    return Access(
        actor=Actor("patient", patient.keyring.vault_id),
        scopes=PATIENT_READS,
        keyring=patient.keyring,
        vault_id=patient.keyring.vault_id,
        own=patient.keyring,
    )


def shares(patient, *, view_only=False, classes=EVERYTHING):
    """A code for everything of the patient's, and its grant."""
    studies = tuple(folder for study in patient.studies() for folder in study.folders)
    with patient.services.work() as work:
        offer = Offer(studies, work.now + timedelta(days=1), view_only=view_only, classes=classes)
        grant_id, code = grants.give_code(work, me(patient), offer)
    return code.reveal(), grant_id


def stops(patient, grant_id):
    with patient.services.work() as work:
        grants.end(work, me(patient), grant_id)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "copy"


@pytest.fixture
def pull(base, folder, monkeypatch):
    """Types `phr pull`; `waited` has the pauses."""
    waited = []
    monkeypatch.setattr(wire.time, "sleep", waited.append)

    def typed(*words, to=folder):
        return main(["pull", *words, "--from", base, "--to", str(to)])

    typed.waited = waited
    return typed


def copies(folder):
    return sorted(path.read_bytes() for path in folder.rglob("*.dcm"))


# -- the main way ----------------------------------------------------------------------------------


def test_everything_comes_and_is_what_was_pushed(site, patient, files, pull, folder, door, capsys):
    said = a_transaction(PERSON, "one", a_report(pdf=PDF, text=REPORT))
    assert site.with_next_token().sends(said).status_code == 200
    code, _ = shares(patient)
    assert pull(code) == 0
    out = capsys.readouterr().out
    assert "12 of 12 DICOM files are here and are what the server signed for." in out
    assert copies(folder) == sorted(files)
    series = make.a_uid("series", "one", "first")
    first = folder / STUDY / series / f"{make.a_uid('instance', 'one', 'first', 1)}.dcm"
    assert first.read_bytes() == files[0]
    assert (folder / STUDY / "manifest.jws").read_text().count(".") == 2
    reports = {path.suffix: path.read_bytes() for path in (folder / STUDY / "reports").iterdir()}
    assert reports == {".pdf": PDF, ".txt": REPORT.encode()}
    assert door.fetched() == [STUDY], "one request brings a study"


def test_what_came_is_its_owners_alone_and_nothing_that_lets_in_is_left(patient, files, pull, folder):
    code, grant_id = shares(patient)
    assert pull(code) == 0
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_dir()} == {0o700}
    assert not (folder / NAME).exists()
    assert not list(folder.rglob(".part*"))
    with patient.services.reading() as work:
        live = [row for row in work.session.query(TokenRow) if row.grant == grant_id and row.state == "live"]
        ended = work.session.get_one(GrantRow, grant_id)
    assert live == []
    assert ended.ended_by == "app", "what nobody can open any more is not told as shared"


def test_the_patient_reads_who_took_a_copy(patient, files, pull):
    code, grant_id = shares(patient)
    assert pull(code, "--name", "Dr. J. \u202eLee", "--clinic", "Hill Clinic") == 0
    from consent.shared import shared

    with patient.services.reading() as work:
        seen = shared(work, me(patient), grant_id)
    assert (seen.who, seen.clinic, seen.redeemed_by) == ("Dr. J. Lee", "Hill Clinic", "app")
    assert seen.saved_at is not None


def test_a_code_that_is_not_on_the_command_line_is_read(patient, files, pull, folder, monkeypatch):
    code, _ = shares(patient)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{code.lower()}\n"))
    assert pull() == 0
    assert len(copies(folder)) == 12


def test_what_is_written_anew_on_its_way_is_said_to_be(site, patient, pull, folder, capsys):
    site.stores(make.an_instance(person=PERSON, syntax=IMPLICIT_LITTLE), make.an_instance(person=PERSON, number=2))
    code, _ = shares(patient)
    assert pull(code) == 0
    assert "1 files were written anew" in capsys.readouterr().out
    assert len(copies(folder)) == 2
    again, _ = shares(patient)
    assert pull(again) == 0
    assert "2 of 2" in capsys.readouterr().out


def test_a_report_without_a_file_comes_as_its_words(site, patient, pull, folder):
    site.stores(make.an_instance(person=PERSON))
    site.with_next_token().sends(a_transaction(PERSON, "one", a_report("All is well.")))
    code, _ = shares(patient)
    assert pull(code) == 0
    (report,) = (folder / STUDY / "reports").iterdir()
    assert report.name.startswith("2026-01-05-CT-of-the-chest-")
    assert "All is well." in report.read_text()


# -- breaks ----------------------------------------------------------------------------------------


def test_a_connection_that_breaks_is_taken_up_and_nothing_comes_twice(patient, files, pull, folder, door, capsys):
    door.cut_after = [5 * len(files[0]) + 3000]
    code, _ = shares(patient)
    assert pull(code) == 0
    assert copies(folder) == sorted(files)
    whole, *singly = door.fetched()
    assert whole == STUDY
    assert len(singly) == len(set(singly)) == 7
    assert "trying again" in capsys.readouterr().err


def test_a_busy_server_is_waited_for_as_long_as_it_asks(patient, files, pull, door):
    door.busy = 2
    code, _ = shares(patient)
    assert pull(code) == 0
    assert len(pull.waited) == 2
    assert all(7 <= seconds < 9 for seconds in pull.waited)


def test_who_gives_up_can_go_on_later_without_the_code(patient, files, pull, folder, door, capsys):
    door.cut_after = [4 * len(files[0]) + 2500, *[0] * 20]
    code, _ = shares(patient)
    assert pull(code) == 1
    assert "Run the same again" in capsys.readouterr().err
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600
    assert code not in (folder / NAME).read_text()
    here = len(copies(folder))
    assert 0 < here < 12
    door.cut_after, door.seen = [], []
    assert pull() == 0
    assert len(door.fetched()) == 12 - here
    assert door.asked("/oauth/token") == [], "the token is still good"
    assert copies(folder) == sorted(files)
    assert not (folder / NAME).exists()


def test_the_same_code_goes_on_although_it_is_spent(patient, files, pull, folder, door):
    door.cut_after = [4 * len(files[0]), *[0] * 20]
    code, _ = shares(patient)
    assert pull(code) == 1
    door.cut_after = []
    assert pull(code) == 0
    assert copies(folder) == sorted(files)


def test_a_token_that_has_run_out_is_renewed(patient, files, pull, folder, door, app):
    door.cut_after = [4 * len(files[0]), *[0] * 20]
    code, _ = shares(patient)
    assert pull(code) == 1
    door.cut_after = []
    said = json.loads((folder / NAME).read_text())
    (folder / NAME).write_text(json.dumps(said | {"until": 0.0}))
    assert pull() == 0
    assert len(door.asked("/oauth/token")) == 2
    assert copies(folder) == sorted(files)


def test_a_puller_that_was_killed_goes_on_where_it_was(patient, files, folder, door, base, app):
    door.pause = 0.05
    code, _ = shares(patient)
    command = [sys.executable, "-m", "phr.cli", "pull", "--from", base, "--to", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(code.encode() + b"\n")
        process.stdin.flush()
        for _ in range(600):
            if len(list(folder.rglob("*.dcm"))) >= 3:
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    here = set(folder.rglob("*.dcm"))
    assert 3 <= len(here) < 12
    assert all(path.read_bytes() in files for path in here), "half a file bears a name"
    door.pause, door.seen = 0.0, []
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(door.fetched()) == 12 - len(here)
    assert copies(folder) == sorted(files)
    assert not list(folder.rglob(".part*"))


def test_a_file_that_was_changed_here_is_fetched_again(patient, files, pull, folder, door):
    code, _ = shares(patient)
    assert pull(code) == 0
    changed = next(iter(sorted(folder.rglob("*.dcm"))))
    changed.write_bytes(changed.read_bytes()[:-1] + b"\xff")
    door.seen = []
    again, _ = shares(patient)
    assert pull(again) == 0
    assert len(door.fetched()) == 1
    assert copies(folder) == sorted(files)


def test_a_full_disk_is_said_and_what_came_stays(patient, files, pull, folder, monkeypatch, capsys):
    code, _ = shares(patient)
    real, written = os.write, [0]

    def filling(handle, octets):
        written[0] += len(octets)
        if written[0] > 5 * len(files[0]):
            raise OSError(errno.ENOSPC, "full")
        return real(handle, octets)

    with monkeypatch.context() as patch:
        patch.setattr(shelves.os, "write", filling)
        assert pull(code) == 1
    assert "The disk is full" in capsys.readouterr().err
    assert len(copies(folder)) >= 4
    assert pull() == 0
    assert copies(folder) == sorted(files)


# -- refusals --------------------------------------------------------------------------------------


def test_a_wrong_code_and_a_spent_one_are_told(patient, files, pull, folder, tmp_path, capsys):
    code, _ = shares(patient)
    assert pull("not a code") == 4
    assert "mistyped" in capsys.readouterr().err
    assert pull(ShareCode.new(77).reveal()) == 4
    assert "opens nothing" in capsys.readouterr().err
    assert not folder.exists()
    assert pull(code) == 0
    assert pull(code, to=tmp_path / "another") == 4
    assert "was used before" in capsys.readouterr().err


def test_where_looking_alone_was_allowed_nothing_comes_and_the_code_stays_good(patient, files, pull, folder, capsys):
    code, grant_id = shares(patient, view_only=True)
    assert pull(code) == 4
    assert "The patient allowed looking, not saving a copy. The code is not used up." in capsys.readouterr().err
    assert not folder.exists()
    with patient.services.reading() as work:
        assert work.session.get(GrantRow, grant_id).redeemed_at is None


def test_once_the_patient_stops_the_rest_does_not_come(patient, files, pull, folder, door, capsys):
    door.cut_after = [4 * len(files[0]), *[0] * 20]
    code, grant_id = shares(patient)
    assert pull(code) == 1
    stops(patient, grant_id)
    door.cut_after = []
    here = copies(folder)
    assert pull() == 4
    assert "The sharing has ended" in capsys.readouterr().err
    assert copies(folder) == here
    assert not (folder / NAME).exists()


def test_pictures_without_their_reports_are_no_whole_study(site, patient, files, pull, folder, capsys):
    site.with_next_token().stores(make.a_text_report(person=PERSON), make.an_instance(person=PERSON, study="two"))
    code, _ = shares(patient, classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert pull(code) == 3
    said = capsys.readouterr()
    assert f"Study {STUDY} was not shared as a whole" in said.err
    assert "1 of 1 DICOM files" in said.out
    assert [path.parent.parent.name for path in folder.rglob("*.dcm")] == [make.a_uid("study", "two")]


def test_octets_that_were_changed_on_their_way_are_not_kept(patient, files, pull, folder, door, capsys):
    door.flip = True
    code, _ = shares(patient)
    assert pull(code) == 3
    assert "0 of 12" in capsys.readouterr().out
    assert copies(folder) == []
    door.flip = False
    assert pull() == 0, "it was not given up for good"
    assert copies(folder) == sorted(files)


def test_a_list_the_server_did_not_sign_is_not_believed(patient, files, pull, folder, door, capsys):
    real = door.app

    def signed_by_another(environ, start_response):
        if environ["PATH_INFO"].endswith("/manifest-keys"):
            start_response("200 OK", [("Content-Length", "11"), ("Content-Type", "application/jwk-set+json")])
            return [b'{"keys":[]}']
        return real(environ, start_response)

    door.app = signed_by_another
    code, _ = shares(patient)
    assert pull(code) == 1
    assert "is not signed by the server" in capsys.readouterr().err
    assert copies(folder) == []


@pytest.mark.parametrize("address", ["http://phr.example.org", "ftp://127.0.0.1", "nothing"])
def test_a_code_is_sent_over_tls_alone(address, folder, capsys):
    assert main(["pull", ShareCode.new(5).reveal(), "--from", address, "--to", str(folder)]) == 1
    assert "is not https" in capsys.readouterr().err


def test_a_server_of_another_kind_or_name_gets_no_code(patient, files, pull, folder, door, base, capsys):
    code, _ = shares(patient)
    assert main(["pull", code, "--from", f"{base}/below", "--to", str(folder)]) == 1
    assert "takes patients' codes" in capsys.readouterr().err
    elsewhere = base.replace("127.0.0.1", "localhost")
    assert main(["pull", code, "--from", elsewhere, "--to", str(folder)]) == 1
    assert f"The server calls itself {base}" in capsys.readouterr().err
    assert door.asked("/oauth/token") == []


def test_a_study_that_two_sites_sent_comes_once(app, site, patient, files, pull, folder, capsys):
    second = a_site(app, "Hill Imaging")
    patient.is_linked_to(second)
    assert second.stores(*files).status_code == 200
    code, _ = shares(patient)
    assert pull(code) == 0
    assert "12 of 12" in capsys.readouterr().out
    assert copies(folder) == sorted(files)


def test_two_copies_of_one_instance_have_places_of_their_own(tmp_path):
    one, other = (Wanted("1.2", "1.2.3", 5, digest * 64, reencoded=False) for digest in "ab")
    shelf = Shelf(tmp_path, Listed("1.2.9", (one, other), ""))
    assert shelf.place_of(one).name == "1.2.3.dcm"
    assert shelf.place_of(other).name == "1.2.3-2.dcm"


def test_what_an_earlier_run_left_and_nobody_can_read_is_nothing(tmp_path):
    (tmp_path / NAME).write_text("{half")
    assert Kept(tmp_path).read() is None
