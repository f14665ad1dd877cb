"""Whoever writes to the database may swap what is sealed; nobody ever reads one thing for another."""

import os
from datetime import timedelta
from itertools import combinations

import pytest
import sqlalchemy as sa

from tests.fakes import FrozenClock
from tests.vault.owners import a_document, a_picture, a_site, a_vault, link, push
from vault import openers, reading, sharing
from vault.blobs import DiskBlobs
from vault.catalogue import open_catalogue
from vault.database import Database, Services
from vault.errors import BrokenRecord, DifferentContent, Expired, NoKey, NotThere
from vault.keyring import KeyClass
from vault.previews import keep_previews
from vault.receiving import IncomingResource, Receiving
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.secrets import Secrets
from vault.sharing import GrantTerms, Standing
from vault.tables import (
    AccountRow,
    BatchKeyRow,
    CardRow,
    FieldRow,
    InstanceRow,
    ObjectRow,
    PreviewRow,
    ResourceRow,
    Row,
    SeriesRow,
)
from vault.tables_sharing import DraftRow, GrantKeyRow, GrantOwnerRow, HolderRow, SessionRow, TokenHolderRow

REFUSED = (Tampered, BrokenRecord, NoKey, NotThere, Expired, DifferentContent)
STUDIES = {"1.2.3": ("1.1", "1.2"), "4.5.6": ("4.1",)}


class Home:
    """Two people, two sites, studies, papers, previews, grants, tokens: a row of everything that is sealed, twice."""

    def __init__(self, services):
        self.services = services
        self.resources, self.papers, self.previews = {}, {}, {}
        with services.work() as work:
            self.people = [a_vault(work), a_vault(work)]
            self.doctor = a_vault(work)
        self.sites = [a_site(services, "Harbor"), a_site(services, "Hill")]
        self.batches = []
        for site, owner in zip(self.sites, self.people, strict=True):
            link(services, site.site, owner)
            self._push(site, owner)
        self._let_in()

    def _push(self, site, owner, more=""):
        for study, uids in STUDIES.items():
            named = {"study_uid": study, "series_uid": f"{study}.1"}
            things = [a_picture(f"{uid}{more}", self.octets(owner, f"{uid}{more}"), **named) for uid in uids]
            things.append(a_document(f"9.{study}{more}", self.octets(owner, f"9.{study}{more}"), study_uid=study))
            batch = push(self.services, site, *things)
            self.batches.append((batch, site, study))
            self._papers(batch, site, owner, study)

    def _papers(self, batch, site, owner, study):
        with Receiving(self.services, site.pusher) as receiving:
            body = {"type": "DiagnosticReport", "facts": {"title": os.urandom(4).hex()}, "fhir": {}}
            made = receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
            self.resources[owner.vault_id, made] = body
            pdf = os.urandom(20)
            made = receiving.document(batch, "application/pdf", pdf, KeyClass.REPORTS)
            self.papers[owner.vault_id, made] = pdf
            receiving.commit()
        with self.services.reading() as work:
            series = open_catalogue(work, owner).by_uid(study)[0].series[0].id
        for kind in (Kind.THUMBNAIL, Kind.QUICK_VIEW):
            jpeg = os.urandom(30)
            keep_previews(self.services, batch, series_id=series, pictures={kind: jpeg}, instances=1)
            self.previews[owner.vault_id, study, kind] = jpeg

    def octets(self, owner, uid):
        return owner.vault_id + uid.encode()

    def _let_in(self):
        self.grants, self.tokens, self.sessions, self.drafts = [], {}, {}, {}
        with self.services.work() as work:
            for owner in self.people:
                ids = tuple(study.id for study in open_catalogue(work, owner).studies)
                until = work.now + timedelta(hours=4)
                terms = GrantTerms(ids, frozenset(KeyClass), True, Standing(), work.now, until)
                grant = sharing.new_grant(work, owner, terms)
                self.grants.append((owner, grant))
                sharing.add_provider(work, grant, self.doctor.vault_id, expires=None)
                secret = openers.new_secret()
                openers.add_token_holder(work, grant, secret=secret, kind="at", expires=until)
                self.tokens[secret] = grant
                self._sign_in(work, owner)
                for name in ("name", "label"):
                    owner.keep_field(work, name, f"{name} of {owner.vault_id.hex()}")
        for site, owner in zip(self.sites, self.people, strict=True):  # keys sealed while the owner is away
            self._push(site.next_token(self.services), owner, more="8")

    def _sign_in(self, work, owner):
        account = os.urandom(16)
        values = {"id": account, "login_bi": account, "vault": owner.vault_id, "kind": "person", "created": work.now}
        work.session.add(AccountRow(**values))
        work.session.flush()
        for device in ("phone", "desk"):
            secret = openers.add_session(
                work, owner, account_id=account, area="patient", device=device, idle=999, life=999
            )
            self.sessions[secret] = (owner, device)
            draft = openers.new_secret()
            openers.keep_draft(work, draft, draft.hex(), 999)
            self.drafts[draft] = draft.hex()

    # -- everything that can be read, each with what it must say

    def readings(self):
        for owner in self.people:
            yield from self._of_keyring(owner.vault_id, owner)
            yield from self._fields(owner)
        for owner, grant in self.grants:
            yield from self._of_keyring(owner.vault_id, grant)
            yield self._opened_key(lambda w, o=owner, g=grant: sharing.owner_opens(w, o, g.grant_id), grant)
            yield self._opened_key(lambda w, g=grant: sharing.provider_opens(w, self.doctor, g.grant_id), grant)
        for secret, grant in self.tokens.items():
            yield self._opened_key(lambda w, s=secret: openers.open_token_holder(w, s, "at"), grant)
        for secret, (owner, device) in self.sessions.items():
            yield (
                lambda w, s=secret: openers.open_session(w, s, "patient").keyring.library_key,
                owner.library_key,
            )
            yield self._device(secret, owner, device)
        for secret, text in self.drafts.items():
            yield lambda w, s=secret: openers.draft(w, s), text

    def _opened_key(self, opening, grant):
        return lambda w: opening(w).wrapping_key, grant.wrapping_key

    def _device(self, secret, owner, device):
        def words(work):
            mine = openers.open_session(work, secret, "patient").id
            return next(one.words for one in openers.sessions_of(work, owner) if one.id == mine)

        return words, device

    def _fields(self, owner):
        for name in ("name", "label"):
            yield lambda w, n=name: owner.field(w, n), f"{name} of {owner.vault_id.hex()}"
            yield lambda w, n=name: owner.fields(w, n), {owner.vault_id: f"{name} of {owner.vault_id.hex()}"}

    def _of_keyring(self, vault_id, keyring):
        for study, uids in STUDIES.items():
            for more in ("", "8"):
                named = [(f"{study}.1", f"{uid}{more}") for uid in uids]
                for series, uid in (*named, ("1.2.3.9", f"9.{study}{more}")):
                    yield self._octets(keyring, study, series, uid), vault_id + uid.encode()
            for kind in (Kind.THUMBNAIL, Kind.QUICK_VIEW):
                jpeg = self.previews[vault_id, study, kind]
                yield lambda w, s=study, k=kind: reading.find_preview(w, keyring, s, f"{s}.1", k), jpeg
            yield self._described(keyring, study), True
        yield self._listed(keyring), {(study, f"{study}.1") for study in STUDIES} | {(s, "1.2.3.9") for s in STUDIES}
        for (owner, made), body in self.resources.items():
            if owner == vault_id:
                yield lambda w, i=made: reading.open_resource(w, keyring, i).body, body
        for (owner, made), pdf in self.papers.items():
            if owner == vault_id:
                yield lambda w, i=made: reading.open_document(w, keyring, i)[1], pdf

    def _octets(self, keyring, study, series, uid):
        def read(work):
            found = reading.find_instance(work, keyring, study, series, uid)
            with found.octets.opened(self.services.blobs) as opened:
                octets = opened.read(0, opened.length)
            if found.key_class is KeyClass.PICTURES:  # its layout is its own
                assert found.layout["frames"] == [[0, len(octets)]]
            else:
                assert reading.full_description(work, keyring, found) is not None
            return octets

        return read

    def _listed(self, keyring):
        def read(work):
            catalogue = open_catalogue(work, keyring)
            if catalogue.damaged:
                raise Tampered
            return {(study.uid, one.facts.uid) for study in catalogue.studies for one in study.series}

        return read

    def _described(self, keyring, study):
        def read(work):
            found = reading.open_series(work, keyring, study)
            return all(one.dicom["00080018"]["Value"] == [one.facts.uid] for one in found)

        return read


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One for all: every swap is undone."""
    folder = tmp_path_factory.mktemp("home")
    database = Database(f"sqlite:///{folder / 'keepray.db'}")
    Row.metadata.create_all(database.engine)
    keys = Secrets({1: os.urandom(32)}, 1, os.urandom(32), os.urandom(32), os.urandom(32))
    yield Home(Services(database, DiskBlobs(folder / "objects"), FrozenClock(), keys))
    database.dispose()


def check(home, *, whole=False):
    """Everything reads as it was, or is refused; never as something else. Answers how much was refused."""
    refused = 0
    with home.services.reading() as work:
        for read, right in home.readings():
            try:
                assert read(work) == right
            except REFUSED:
                refused += 1
    assert not (whole and refused)
    return refused


def test_before_anything_is_swapped_everything_reads(home):
    assert check(home, whole=True) == 0


# Column by column: what is swapped between two rows of one table.
SWAPS = {
    "a batch's root key": (BatchKeyRow, ("ct",)),
    "a batch's root key with its MAC": (BatchKeyRow, ("ct", "row_mac")),
    "a class key": (GrantKeyRow, ("ct",)),
    "a class key with its MAC": (GrantKeyRow, ("ct", "row_mac")),
    "a holder": (HolderRow, ("ct",)),
    "a token's holder": (TokenHolderRow, ("ct",)),
    "a token's holder with its grant": (TokenHolderRow, ("ct", "grant")),
    "a session": (SessionRow, ("ct",)),
    "a session with its vault": (SessionRow, ("ct", "vault")),
    "a device's words": (SessionRow, ("device",)),
    "a draft": (DraftRow, ("ct",)),
    "a word": (FieldRow, ("ct",)),
    "a layout": (InstanceRow, ("layout",)),
    "an instance's object": (InstanceRow, ("object",)),
    "an instance's layout and object": (InstanceRow, ("layout", "object")),
    "an instance's UID": (InstanceRow, ("uid_bi", "version")),
    "an instance's place": (InstanceRow, ("index_object", "place")),
    "a resource's object": (ResourceRow, ("object",)),
    "a preview's object": (PreviewRow, ("object",)),
    "a series of an index": (ObjectRow, ("series",)),
    "a series' UID": (SeriesRow, ("uid_bi",)),
    "an object's place": (ObjectRow, ("blob", "offset", "length")),
    "an object's place and commitment": (ObjectRow, ("blob", "offset", "length", "commitment")),
    "a card": (CardRow, ("ct",)),
    "a card with its count": (CardRow, ("ct", "changed")),
    "a grant's limits": (GrantOwnerRow, ("gpk", "classes", "expires", "row_mac")),
}


@pytest.mark.parametrize("what", SWAPS)
def test_swapped_ciphertexts_are_refused_and_never_read_as_each_other(home, what):
    table, columns = SWAPS[what]
    key = sa.inspect(table).primary_key
    with home.services.reading() as work:
        rows = work.session.scalars(sa.select(table).order_by(*key)).all()
        keys = [tuple(getattr(row, one.name) for one in key) for row in rows]
    pairs = list(combinations(keys, 2))
    for one, two in pairs[:: max(1, len(pairs) // 4)]:
        if not swap(home.services, table, columns, one, two):
            continue
        try:
            assert check(home) or what in HARMLESS
        finally:
            swap(home.services, table, columns, one, two)
    check(home, whole=True)


# A swap that may show to no reading here: each says for itself why.
HARMLESS = {
    "an object's place",  # of series indexes that nothing but `open_series` of another person reads
    "an object's place and commitment",
    "a holder",  # of two share codes
    "a batch's root key",
    "a card",  # which is not believed then, so the study is opened anew
    "a card with its count",
    "a series of an index",  # of objects that are no index
}


def swap(services, table, columns, one, two):
    """Swap the columns of two rows; False where they are equal already, or the database itself refuses it."""
    try:
        return _swapped(services, table, columns, one, two)
    except sa.exc.IntegrityError:  # a third row of that study has this UID
        return False


def _swapped(services, table, columns, one, two):
    with services.work() as work:
        first, second = work.session.get(table, one), work.session.get(table, two)
        mine, theirs = ([getattr(row, column) for column in columns] for row in (first, second))
        if "uid_bi" in columns:  # which are unique at every moment
            first.uid_bi = os.urandom(16)
            work.session.flush()
            second.uid_bi = first.uid_bi[::-1]
            work.session.flush()
        for column, a, b in zip(columns, mine, theirs, strict=True):
            setattr(first, column, b)
            setattr(second, column, a)
        return mine != theirs
