"""What many studies are searched by is kept in columns; these never hide a new study and never outlive an erased one."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault.owners import a_picture, a_site, a_vault, link, push
from vault import custody, sharing, sheets
from vault.audit import Actor
from vault.catalogue import open_catalogue
from vault.keyring import KeyClass
from vault.sharing import GrantTerms
from vault.sheets import open_sheet
from vault.tables import SheetRow

STUDIES = 4


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(sheets, "FEW", 2)


@pytest.fixture
def shelf(services):
    """One vault, two sites, four studies."""
    with services.work() as work:
        ana = a_vault(work)
    harbor, hill = a_site(services, "Harbor"), a_site(services, "Hill")
    for site in (harbor, hill):
        link(services, site.site, ana)
    for number in range(1, STUDIES + 1):
        push(services, harbor if number % 2 else hill, of(number))
    return ana, harbor


def of(number):
    return a_picture(f"{number}.1.1", b"octets", study_uid=f"{number}", series_uid=f"{number}.1")


def uids(services, keyring):
    with services.reading() as work:
        sheet = open_sheet(work, keyring)
        return None if sheet is None else sheet.words("uid")


def kept(services, keyring):
    with services.reading() as work:
        return work.session.scalar(sa.select(SheetRow.ct).where(SheetRow.owner == keyring.owner.id))


def a_grant(services, ana, *wanted):
    with services.work() as work:
        ids = tuple(study.id for study in open_catalogue(work, ana).studies if study.uid in wanted)
        terms = GrantTerms(ids, frozenset(KeyClass), False, None, work.now, work.now + timedelta(days=1))
        return sharing.new_grant(work, ana, terms)


def ids_of(services, keyring):
    with services.reading() as work:
        return {study.uid: study.id for study in open_catalogue(work, keyring).studies}


def test_few_studies_need_no_sheet(services):
    with services.work() as work:
        ana = a_vault(work)
    assert uids(services, ana) is None
    assert kept(services, ana) is None


def test_a_sheet_has_a_column_for_each_word_the_newest_study_first(services, shelf):
    with services.reading() as work:
        sheet = open_sheet(work, shelf[0])
    assert sheet.words("uid") == ["4", "3", "2", "1"]
    assert (set(sheet.words("mrn")), set(sheet.words("modalities"))) == ({"12345"}, {"MR"})
    assert sheet.ids == [ids_of(services, shelf[0])[uid] for uid in ("4", "3", "2", "1")]


def test_a_sheet_is_read_again_as_long_as_nothing_changed(services, shelf):
    first = uids(services, shelf[0])
    written = kept(services, shelf[0])
    assert uids(services, shelf[0]) == first
    assert kept(services, shelf[0]) == written is not None


def test_a_new_study_is_on_the_sheet_at_once(services, shelf):
    ana, harbor = shelf
    uids(services, ana)
    push(services, harbor, of(5))
    for _ in range(2):
        assert uids(services, ana) == ["5", "4", "3", "2", "1"]


def test_what_an_erased_study_said_is_gone_with_it_from_every_sheet(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, "1", "2", "3")
    assert (len(uids(services, ana)), len(uids(services, grant))) == (4, 3)
    with services.work() as work:
        gone = [study.id for study in open_catalogue(work, ana).studies if study.uid == "2"]
        custody.forget_study(work, gone, owner=ana, by=Actor("patient", ana.vault_id))
        assert work.session.scalar(sa.select(sa.func.count()).select_from(SheetRow)) == 0
    assert uids(services, ana) == ["4", "3", "1"]
    assert uids(services, grant) is None  # two are few


def test_a_sheet_that_was_made_before_an_erasure_is_not_written_after_it(services, shelf):
    ana, _ = shelf
    gone = ids_of(services, ana)["2"]
    with services.reading() as work:
        assert len(open_sheet(work, ana).ids) == STUDIES
        with services.work() as other:
            custody.forget_study(other, [gone], owner=ana, by=Actor("patient", ana.vault_id))
    assert kept(services, ana) is None
    assert uids(services, ana) == ["4", "3", "1"]


def test_a_grants_sheet_names_what_was_given_and_goes_with_it(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, "1", "3", "4")
    for _ in range(2):
        assert uids(services, grant) == ["4", "3", "1"]
    with services.work() as work:
        sharing.end_grant(work, grant.grant_id)
    assert kept(services, grant) is None


@pytest.mark.parametrize("column", ["ct", "id", "commitment", "owner"])
def test_a_sheet_that_was_changed_or_moved_is_not_believed_but_made_again(services, shelf, column):
    ana, _ = shelf
    grant = a_grant(services, ana, "1", "2", "3")
    before = uids(services, ana), uids(services, grant)
    with services.work() as work:
        one, two = work.session.scalars(sa.select(SheetRow)).all()
        if column == "owner":
            one.ct, two.ct, one.id, two.id = two.ct, one.ct, two.id, one.id
            one.commitment, two.commitment = two.commitment, one.commitment
        else:
            setattr(one, column, getattr(one, column)[:-1] + bytes([getattr(one, column)[-1] ^ 1]))
    assert (uids(services, ana), uids(services, grant)) == before
    assert (uids(services, ana), uids(services, grant)) == before


@pytest.mark.postgres
def test_a_sheet_is_kept_and_goes_on_postgres_as_well(postgres_services):
    services = postgres_services
    with services.work() as work:
        ana = a_vault(work)
    harbor = a_site(services, "Harbor")
    link(services, harbor.site, ana)
    for number in range(1, STUDIES + 1):
        push(services, harbor, of(number))
    grant = a_grant(services, ana, "1", "2", "3")
    for _ in range(2):
        assert (uids(services, ana), uids(services, grant)) == (["4", "3", "2", "1"], ["3", "2", "1"])
    assert None not in {kept(services, ana), kept(services, grant)}
    gone = ids_of(services, ana)["2"]
    with services.work() as work:
        custody.forget_study(work, [gone], owner=ana, by=Actor("patient", ana.vault_id))
    assert (kept(services, ana), uids(services, ana)) == (None, ["4", "3", "1"])
