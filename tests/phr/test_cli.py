"""What an operator types, and what comes back: JSON, sentences and exit codes, never a traceback."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from consent.assertion import new_signing_key
from phr.cli import COMMANDS, main
from phr.config import TABLE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path, monkeypatch, capsys):
    """The settings of an instance in a folder of its own."""
    for line in TABLE:
        monkeypatch.delenv(line.name, raising=False)
    assert main(["keys", "new"]) == 0
    made = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    made |= {"PHR_BASE_URL": "http://127.0.0.1:8000", "PHR_DATA": str(tmp_path / "data")}
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def key_set(tmp_path):
    _, public = new_signing_key()
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [public]}))
    return file


@pytest.fixture
def typed(capsys):
    """Types a command; answers its exit code, standard output and standard error."""

    def type_it(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_it


# -- the command itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out) > 200


@pytest.mark.parametrize("words", [[], ["nonsense"], ["site"], ["site", "add"], ["serve", "--workers", "0"]])
def test_a_wrong_call_is_answered_with_usage(words, environment, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: phr" in capsys.readouterr().err


def test_missing_settings_are_named_all_at_once(typed, monkeypatch):
    for line in TABLE:
        monkeypatch.delenv(line.name, raising=False)
    code, _, said = typed("site", "list")
    assert code == 1
    for name in ("PHR_BASE_URL", "PHR_PEPPER", "PHR_INDEX_KEY", "PHR_MAIL_KEY", "PHR_AUDIT_KEY"):
        assert name in said


def test_the_key_of_id_tokens_is_changed_by_a_word(environment, typed):
    code, said, _ = typed("keys", "rotate-signing")
    assert code == 0
    first = json.loads(said)["kid"]
    assert json.loads(typed("keys", "rotate-signing")[1])["kid"] != first


def test_new_keys_are_new_each_time_and_all_different(typed):
    lines = [line for _ in range(2) for line in typed("keys", "new")[1].splitlines()]
    secrets = [line.partition("=")[2] for line in lines]
    assert len(set(secrets)) == len(secrets) == 8
    assert all(len(secret) == 43 for secret in secrets)


def test_a_sites_key_never_replaces_another(typed, tmp_path):
    file = tmp_path / "site.key"
    code, said, _ = typed("keys", "site", file)
    assert code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    private = json.loads(file.read_text())
    public = json.loads(said)["keys"][0]
    assert "d" in private
    assert "d" not in public
    assert private["kid"] == public["kid"]
    assert typed("keys", "site", file)[0] == 1
    assert json.loads(file.read_text()) == private


# -- sites and apps --------------------------------------------------------------------------------


def test_a_site_gets_all_it_needs_to_know(typed, environment, key_set):
    code, said, _ = typed("site", "add", "Harbour", "--zone", "Europe/Madrid", "--phone", "555", "--jwks", key_set)
    assert code == 0
    told = json.loads(said)
    assert len(told["client_id"]) == 32
    assert len(told["seal_seed"]) == 43
    assert told["token_url"] == "http://127.0.0.1:8000/oauth/token"
    assert told["fhir_base"] == "http://127.0.0.1:8000/fhir"
    assert told["dicomweb_base"] == "http://127.0.0.1:8000/dicomweb"
    assert told["rights"] == ["claims", "push"]
    listed = json.loads(typed("site", "list")[1])["sites"]
    assert [one["name"] for one in listed] == ["Harbour"]
    assert told["seal_seed"] not in json.dumps(listed)


def test_a_site_that_only_pushes_is_registered_so(typed, environment, key_set):
    told = json.loads(typed("site", "add", "Harbour", "--no-claims", "--jwks", key_set)[1])
    assert told["rights"] == ["push"]


def test_the_seal_seed_is_kept_nowhere(typed, environment, key_set, tmp_path):
    told = json.loads(typed("site", "add", "Harbour", "--jwks", key_set)[1])
    import base64

    seed = base64.urlsafe_b64decode(told["seal_seed"] + "=")
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            octets = path.read_bytes()
            assert seed not in octets
            assert told["seal_seed"].encode() not in octets


def test_a_site_that_lost_its_seed_gets_another(typed, environment, key_set):
    told = json.loads(typed("site", "add", "Harbour", "--jwks", key_set)[1])
    again = json.loads(typed("site", "rekey", told["site_id"])[1])
    assert again["site_id"] == told["site_id"]
    assert again["seal_seed"] != told["seal_seed"]


def test_a_sites_picture_is_kept_changed_and_taken_off(typed, environment, key_set, tmp_path):
    told = json.loads(typed("site", "add", "Harbour", "--jwks", key_set)[1])
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 100)
    (tmp_path / "logo.svg").write_bytes(b"<svg/>")
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 100_000)
    assert json.loads(typed("site", "logo", told["site_id"], "--file", str(tmp_path / "logo.png"))[1])["logo"]
    for refused in ("logo.svg", "large.png"):
        assert typed("site", "logo", told["site_id"], "--file", str(tmp_path / refused))[0] == 1
    assert json.loads(typed("site", "logo", told["site_id"], "--none")[1])["logo"] is None


def test_a_site_says_for_how_long_its_law_keeps_reports_back(typed, environment, key_set):
    told = json.loads(typed("site", "add", "Harbour", "--hold-reports", "3", "--jwks", key_set)[1])
    assert json.loads(typed("site", "list")[1])["sites"][0]["reports_held_days"] == 3
    assert typed("site", "hold", told["site_id"], "0")[0] == 0
    assert json.loads(typed("site", "list")[1])["sites"][0]["reports_held_days"] == 0
    with pytest.raises(SystemExit):
        typed("site", "hold", told["site_id"], "400")


def test_a_site_switched_off_takes_its_systems_with_it(typed, environment, key_set):
    told = json.loads(typed("site", "add", "Harbour", "--jwks", key_set)[1])
    assert typed("site", "off", told["site_id"])[0] == 0
    assert json.loads(typed("site", "list")[1])["sites"][0]["active"] is False
    listed = json.loads(typed("client", "list")[1])["clients"]
    assert {one["client_id"]: one["active"] for one in listed} == {told["client_id"]: False, "keepray-pull": True}
    assert {one["registered"] for one in listed} == {"by the operator"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--zone", "Mars/Olympus"], "Mars/Olympus"),
        (["--also-called", "nothing"], "NAME=ISSUER"),
    ],
)
def test_a_site_described_wrongly_is_not_registered(typed, environment, key_set, words, named):
    code, _, said = typed("site", "add", "Harbour", "--jwks", key_set, *words)
    assert code == 1
    assert named in said
    assert json.loads(typed("site", "list")[1])["sites"] == []


def test_a_private_key_is_not_registered_as_a_public_one(typed, environment, tmp_path):
    private, _ = new_signing_key()
    file = tmp_path / "oops.json"
    file.write_text(json.dumps({"keys": [private]}))
    code, _, said = typed("site", "add", "Harbour", "--jwks", file)
    assert code == 1
    assert "private" in said
    assert json.loads(typed("site", "list")[1])["sites"] == []


def test_a_file_that_is_not_there_is_named(typed, environment):
    code, _, said = typed("site", "add", "Harbour", "--jwks", "/nowhere/keys.json")
    assert code == 1
    assert "/nowhere/keys.json" in said


def test_an_unknown_site_or_client_is_said_to_be_unknown(typed, environment):
    assert typed("site", "off", "00" * 16)[0] == 1
    assert typed("site", "rekey", "00" * 16)[0] == 1
    assert typed("client", "off", "nobody")[0] == 1


def test_an_app_is_public_keeps_a_secret_or_signs(typed, environment, key_set):
    back = ("--redirect", "https://viewer.example/back")
    public = json.loads(typed("client", "add", "Viewer", *back)[1])
    secret = json.loads(typed("client", "add", "Server", *back, "--secret")[1])
    signed = json.loads(typed("client", "add", "Signer", *back, "--jwks", key_set)[1])
    assert [one["authentication"] for one in (public, secret, signed)] == [
        "none",
        "client_secret",
        "private_key_jwt",
    ]
    assert "client_secret" not in public
    assert len(secret["client_secret"]) == 43
    assert public["redirect_uris"] == ["https://viewer.example/back"]
    assert secret["client_secret"] not in typed("client", "list")[1]


def test_an_app_without_a_way_back_is_not_registered(typed, environment):
    assert typed("client", "add", "Viewer")[0] == 1
    assert typed("client", "add", "Viewer", "--redirect", "http://viewer.example/back")[0] == 1


def test_a_front_desk_may_issue_slips_with_a_key_of_its_own(typed, environment, key_set):
    told = json.loads(typed("site", "add", "Harbour", "--no-claims", "--jwks", key_set)[1])
    desk = typed("client", "add", "Desk", "--site", told["site_id"], "--rights", "claims", "--jwks", key_set)
    assert json.loads(desk[1])["rights"] == ["claims"]


# -- the histories ---------------------------------------------------------------------------------


def test_histories_that_are_as_recorded_verify(typed, environment, key_set):
    typed("site", "add", "Harbour", "--jwks", key_set)
    assert typed("audit", "checkpoint")[0] == 0
    code, said, _ = typed("audit", "verify")
    assert code == 0
    assert "All is as it was recorded." in said


def test_a_history_that_was_cut_does_not_verify(typed, environment, key_set, tmp_path):
    typed("site", "add", "Harbour", "--jwks", key_set)
    typed("audit", "checkpoint")
    with closing(sqlite3.connect(tmp_path / "data" / "keepray.sqlite3")) as thief, thief:
        thief.execute("delete from audit where owner_kind = 'system' and n = (select max(n) from audit)")
    code, said, problems = typed("audit", "verify")
    assert code == 1
    assert "Something is not as it was recorded." in said
    assert problems


def test_a_kept_copy_of_the_checkpoints_shows_a_rewritten_history(typed, environment, key_set, tmp_path):
    typed("site", "add", "Harbour", "--jwks", key_set)
    typed("audit", "checkpoint")
    copy = tmp_path / "kept-elsewhere.log"
    copy.write_bytes((tmp_path / "data" / "checkpoints.log").read_bytes())
    (tmp_path / "data" / "checkpoints.log").unlink()
    with closing(sqlite3.connect(tmp_path / "data" / "keepray.sqlite3")) as thief, thief:
        thief.execute("delete from checkpoint")
    assert typed("audit", "verify", "--witness", copy)[0] == 1


# -- keys and databases ----------------------------------------------------------------------------


def test_a_command_with_another_stores_key_touches_nothing(typed, environment, key_set, monkeypatch):
    typed("site", "add", "Harbour", "--jwks", key_set)
    monkeypatch.setenv("PHR_INDEX_KEY", environment["PHR_MAIL_KEY"][::-1])
    code, _, said = typed("site", "add", "Second", "--jwks", key_set)
    assert code == 1
    assert "PHR_INDEX_KEY is not the key" in said
    monkeypatch.setenv("PHR_INDEX_KEY", environment["PHR_INDEX_KEY"])
    assert len(json.loads(typed("site", "list")[1])["sites"]) == 1


def test_a_database_that_cannot_be_reached_is_said_to_be_so(typed, environment, monkeypatch):
    monkeypatch.setenv("PHR_DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3")
    code, _, said = typed("db", "upgrade")
    assert code == 1
    assert "PHR_DATABASE_URL" in said


def test_a_database_of_a_newer_version_is_left_alone(typed, environment, tmp_path):
    assert typed("db", "upgrade")[0] == 0
    with closing(sqlite3.connect(tmp_path / "data" / "keepray.sqlite3")) as kept, kept:
        kept.execute("update alembic_version set version_num = '9999'")
    code, _, said = typed("db", "upgrade")
    assert code == 1
    assert "newer version" in said
    assert typed("doctor")[0] == 1


# -- the doctor ------------------------------------------------------------------------------------


def test_the_doctor_finds_a_complete_instance_able_to_serve(typed, environment):
    assert typed("db", "upgrade")[0] == 0
    code, said, _ = typed("doctor")
    assert code == 0
    assert "It can serve." in said
    for looked_at in ("pages", "paper", "decoders", "temporary", "swap", "core dumps", "database", "keys", "blobs"):
        assert looked_at in said


def test_the_doctor_names_what_is_missing_before_there_is_anything(typed, monkeypatch):
    for line in TABLE:
        monkeypatch.delenv(line.name, raising=False)
    code, said, _ = typed("doctor")
    assert code == 1
    assert "PHR_PEPPER is missing" in said
    assert "It cannot serve like this." in said


def test_the_doctor_says_what_a_wrong_key_would_cost(typed, environment, monkeypatch):
    typed("db", "upgrade")
    monkeypatch.setenv("PHR_PEPPER", environment["PHR_MAIL_KEY"][::-1])
    code, said, _ = typed("doctor")
    assert code == 1
    assert "PHR_PEPPER" in said
    assert "nobody could sign in" in said


def test_the_doctor_warns_of_what_serves_but_less_well(typed, environment, monkeypatch):
    monkeypatch.setenv("PHR_SMTP", "smtp://127.0.0.1:9")
    monkeypatch.setenv("PHR_MAIL_FROM", "keepray@example.org")
    code, said, _ = typed("doctor")
    assert code == 0
    assert "has no TLS" in said
    assert "does not answer at port 9" in said
    assert "not in its newest shape" in said


def test_the_doctor_prints_no_secret(typed, environment):
    typed("db", "upgrade")
    said = "".join(typed("doctor")[1:])
    for name in ("PHR_PEPPER", "PHR_INDEX_KEY", "PHR_MAIL_KEY", "PHR_AUDIT_KEY"):
        assert environment[name] not in said


# -- serving ---------------------------------------------------------------------------------------


@contextmanager
def running(environment, *words, port=None):
    """`phr` with these words in a process of its own; ended by its own id."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "phr.cli", *words],
        cwd=ROOT,
        env={**bare, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        process.wait(60)
        process.stderr.close()


def a_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answered(port, process, path="/healthz"):
    for _ in range(900):
        assert process.poll() is None, process.stderr.read().decode()
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
        time.sleep(0.1)
    raise AssertionError("no answer")


def workers_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_two_processes_serve_without_leaving_core_dumps_and_end_when_told(environment, tmp_path):
    port = a_free_port()
    here = {**environment, "PHR_BASE_URL": f"http://127.0.0.1:{port}"}
    with running(here, "serve", "--port", str(port), "--workers", "2", "--threads", "4") as process:
        assert answered(port, process)[0] == 200
        workers = workers_of(process)
        assert len(workers) == 2
        for worker in workers:
            limits = Path(f"/proc/{worker}/limits").read_text()
            core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
            assert core.split()[4:6] == ["0", "0"]
            inherited = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
            assert b"PHR_PROCESSES=2" in inherited
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_a_server_with_another_stores_key_does_not_start(environment, typed):
    typed("db", "upgrade")
    here = {**environment, "PHR_AUDIT_KEY": environment["PHR_MAIL_KEY"][::-1]}
    with running(here, "serve", "--port", str(a_free_port())) as process:
        assert process.wait(60) == 1
        said = process.stderr.read().decode()
        assert "PHR_AUDIT_KEY is not the key" in said
        assert "Traceback" not in said


def test_a_port_that_another_program_uses_is_named(environment, typed, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for words in (("serve",), ("demo", "--data", tmp_path / "demo")):
            code, _, said = typed(*words, "--port", port)
            assert code == 1
            assert f"port {port} cannot be listened at" in said


def test_the_worker_does_the_jobs_and_ends_when_told(environment, tmp_path, typed):
    typed("db", "upgrade")
    with running(environment, "worker") as process:
        jobs = tmp_path / "data" / "jobs.sqlite3"
        for _ in range(300):
            assert process.poll() is None, process.stderr.read().decode()
            if jobs.exists():
                break
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_gunicorn_serves_as_well(environment, tmp_path, typed):
    typed("db", "upgrade")
    port = a_free_port()
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
    command = ["-k", "gthread", "-w", "2", "--threads", "4", "-b", f"127.0.0.1:{port}", "phr.serving:worker_app()"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *command],
        cwd=ROOT,
        env={**bare, **environment, "PHR_PROCESSES": "2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert answered(port, process)[0] == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stderr.close()
