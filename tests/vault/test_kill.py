"""A server that is killed in the middle of a push has lost nothing it acknowledged, and shows nothing that is not whole.

The push runs in a process of its own (`push_all`), which prints what it acknowledges.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.hurry import hurry
from tests.vault.owners import ANA, PushingSite, a_picture, a_site, a_vault, begin, link
from vault import reading
from vault.blobs import DiskBlobs
from vault.clock import SystemClock
from vault.database import Database, Services
from vault.errors import NotThere
from vault.intake import Pusher
from vault.receiving import Receiving
from vault.secrets import Secrets
from vault.sites import find_site
from vault.tables import BlobRow, InstanceRow, ObjectRow, Row

ROOT = Path(__file__).parents[2]
ROUNDS, INSTANCES = 10, 60


def uids_of(study):
    return [f"{study}.1.{n}" for n in range(INSTANCES)]


def octets_of(uid):
    return sha256(uid.encode()).digest() * (500 + len(uid) * 37)


def open_services(folder, keys):
    key = [bytes.fromhex(one) for one in keys]
    database = Database(f"sqlite:///{folder}/keepray.db")
    return Services(database, DiskBlobs(Path(folder) / "objects"), SystemClock(), Secrets({1: key[0]}, 1, *key[1:]))


def say(*words):
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def push_all():
    """What the other process does: push every instance that is asked for, one to four in a request."""
    hurry()
    asked = json.loads(sys.stdin.readline())
    services = open_services(asked["folder"], asked["keys"])
    with services.reading() as work:
        site = find_site(work, bytes.fromhex(asked["site"]))
    expires = datetime.now(UTC) + timedelta(seconds=300)
    pusher = Pusher.of(site, bytes.fromhex(asked["secret"]), expires)
    say("ready")
    for study in asked["studies"]:
        waiting = uids_of(study)
        while waiting:
            batch = begin(services, PushingSite(site, b"", pusher), study_uid=study, person=ANA)
            now, waiting = waiting[: 1 + len(waiting) % 4], waiting[1 + len(waiting) % 4 :]
            with Receiving(services, pusher) as receiving:
                for uid in now:
                    receiving.instance(batch, a_picture(uid, octets_of(uid), study_uid=study, series_uid=f"{study}.1"))
                assert not receiving.commit()
            say(*now)


class Pushing:
    """A store, and processes that push to it."""

    def __init__(self, folder):
        self.folder, self.keys = str(folder), [os.urandom(32).hex() for _ in range(4)]
        self.services = open_services(folder, self.keys)
        Row.metadata.create_all(self.services.database.engine)
        self.site = a_site(self.services).site
        with self.services.work() as work:
            self.ana = a_vault(work)
        link(self.services, self.site, self.ana)
        self.secret = os.urandom(32).hex()

    def begin(self, *studies):
        child = subprocess.Popen(
            [sys.executable, "-c", "from tests.vault.test_kill import push_all; push_all()"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        asked = {"folder": self.folder, "keys": self.keys, "site": self.site.id.hex(), "secret": self.secret}
        child.stdin.write(json.dumps({**asked, "studies": studies}) + "\n")
        child.stdin.close()
        assert child.stdout.readline() == "ready\n"
        return child

    def kept(self, study):
        """What its owner reads of a study, every octet of it; the others are not there at all."""
        kept = {}
        for uid in uids_of(study):
            try:
                with self.services.reading() as work:
                    found = reading.find_instance(work, self.ana, study, f"{study}.1", uid)
            except NotThere:
                continue
            with found.octets.opened(self.services.blobs) as opened:
                kept[uid] = opened.read(0, opened.length)
        return kept

    def check_rows(self):
        with self.services.reading() as work:
            on_disk = {path.name: path.stat().st_size for path in self.services.blobs._committed()}
            for blob in work.session.scalars(sa.select(BlobRow)):
                assert on_disk[blob.id] >= blob.bytes
            for row in work.session.scalars(sa.select(ObjectRow)):
                assert row.offset + row.length <= on_disk[row.blob]


@pytest.fixture
def pushing(tmp_path):
    pushing = Pushing(tmp_path)
    yield pushing
    pushing.services.database.dispose()


@pytest.mark.slow
def test_a_server_killed_at_any_moment_has_kept_what_it_acknowledged(pushing):
    chance = random.Random(os.urandom(8))
    studies = [f"1.2.{n}" for n in range(ROUNDS)]
    for study in studies:
        child = pushing.begin(study)
        acknowledged = []
        for _ in range(chance.randrange(12)):
            acknowledged += child.stdout.readline().split()
        time.sleep(chance.random() / 20)
        child.send_signal(signal.SIGKILL)
        acknowledged += child.stdout.read().split()
        child.stdout.close()
        child.wait()
        kept = pushing.kept(study)
        assert set(acknowledged) <= set(kept)
        assert all(octets == octets_of(uid) for uid, octets in kept.items())
        pushing.check_rows()
    again = pushing.begin(*studies)
    again.stdout.read()
    again.stdout.close()
    assert again.wait() == 0
    for study in studies:
        assert pushing.kept(study) == {uid: octets_of(uid) for uid in uids_of(study)}
    pushing.check_rows()
    with pushing.services.reading() as work:
        count = work.session.scalar(sa.select(sa.func.count()).select_from(InstanceRow))
        assert count == ROUNDS * INSTANCES
        described = reading.open_series(work, pushing.ana, studies[0])
        assert {one.facts.uid for one in described} == set(uids_of(studies[0]))
