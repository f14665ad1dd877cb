"""What happened stays on the record, and whoever tampers with the record is found."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.fakes import FrozenClock
from vault import audit, checkpoints
from vault.audit import Actor, Did
from vault.checkpoints import Leaf, checkpoint, root_of, verify_all
from vault.database import Services
from vault.errors import BrokenChain
from vault.ids import Id, new_id
from vault.keyring import Owner, OwnerKind
from vault.sealing import chain
from vault.tables_sharing import AuditHeadRow, AuditRow, CheckpointRow

PATIENT = Actor("patient", bytes([7]) * 16)


def lived(services: Services, events: int = 3) -> Owner:
    owner = Owner(OwnerKind.VAULT, new_id())
    for number in range(events):
        with services.work() as work:
            audit.record(work, owner=owner, did=Did.VIEWED, by=PATIENT, to=bytes([number]) * 16, frames=number)
    return owner


def problems(services: Services, *, witnessed: list[str] | None = None) -> list[str]:
    with services.reading() as work:
        return list(verify_all(work, witnessed or []).problems)


def tamper(services: Services, statement: sa.Update | sa.Delete) -> None:
    with services.work() as work:
        work.session.execute(statement)


def test_the_chain_and_its_leaf_are_those_of_the_format():
    h0 = chain.link(b"\x01" * 16, 0, bytes(32), b'{"a":"study.read"}')
    assert h0.hex() == "e5fe432c96152c1bb2136a1f5926de2f59de25fa2c7fd7f6cb99df11991953b5"
    leaf = Leaf(Owner(OwnerKind.VAULT, Id(b"\x01" * 16)), 0, h0)
    assert root_of([leaf]).hex() == "ad6ff124076efed2bffaa405ff1e0aa953ea86015ce1e5566901d16861a809d1"
    assert root_of([leaf, leaf]).hex() == "9f40e697109e8cbe1f44201d4c8d8749b33bc2c65a83042dacf99669310db9ef"


def test_an_odd_leaf_moves_up():
    one, two, three = (Leaf(Owner(OwnerKind.VAULT, Id(bytes([number]) * 16)), 0, bytes(32)) for number in (1, 2, 3))
    pair = chain.node(one.digest(), two.digest())
    assert root_of([three, one, two]) == chain.node(pair, three.digest())


def test_events_come_back_as_they_were_recorded_newest_first(services: Services, clock: FrozenClock):
    owner = lived(services)
    with services.reading() as work:
        newest, *_ = events = audit.events(work, owner)
    assert [event.n for event in events] == [2, 1, 0]
    assert (newest.did, newest.by, newest.to, newest.detail) == (Did.VIEWED, PATIENT, bytes([2]) * 16, {"frames": 2})
    assert newest.at == clock.now()


def test_history_can_be_paged_and_picked(services: Services):
    owner = lived(services)
    with services.work() as work:
        audit.record(work, owner=owner, did=Did.GAVE, by=PATIENT)
    with services.reading() as work:
        assert [event.n for event in audit.events(work, owner, before=3, most=2)] == [2, 1]
        assert [event.did for event in audit.events(work, owner, kinds={Did.GAVE})] == [Did.GAVE]


def test_a_detail_cannot_pass_itself_off_as_the_actor(services: Services):
    with services.work() as work, pytest.raises(ValueError):
        audit.record(work, owner=Owner(OwnerKind.VAULT, new_id()), did=Did.GAVE, by=PATIENT, id="00")


def test_scrolling_through_a_study_is_one_event_an_hour(services: Services, clock: FrozenClock):
    owner = Owner(OwnerKind.VAULT, new_id())

    def look() -> int:
        with services.work() as work:
            audit.record_once(work, owner=owner, did=Did.VIEWED, by=PATIENT, key="study and session")
        with services.reading() as work:
            return len(audit.events(work, owner))

    assert (look(), look()) == (1, 1)
    clock.advance(minutes=61)
    assert (look(), look()) == (2, 2)


def test_an_event_that_is_rolled_back_never_happened(services: Services):
    owner = lived(services)

    def fail() -> None:
        with services.work() as work:
            audit.record(work, owner=owner, did=Did.GAVE, by=PATIENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert problems(services) == []


def test_an_untouched_record_verifies(services: Services):
    lived(services)
    lived(services, 1)
    with services.work() as work:
        checkpoint(work, [].append)
    with services.reading() as work:
        found = verify_all(work)
    assert (found.chains, found.events, found.checkpoints, found.problems) == (2, 4, 1, ())


@pytest.mark.parametrize(
    ("change", "first_bad"),
    [
        (lambda row: sa.update(row).where(row.n == 1).values(event=row.event.op("||")(" ")), 1),
        (lambda row: sa.update(row).where(row.n == 1).values(at=audit.EPOCH + timedelta(days=1)), 1),
        (lambda row: sa.update(row).where(row.n == 1).values(h=bytes(32)), 1),
        (lambda row: sa.update(row).where(row.n == 1).values(event=""), 1),
        (lambda row: sa.delete(row).where(row.n == 1), 1),
        (lambda row: sa.delete(row).where(row.n == 0), 0),
        (lambda row: sa.delete(row).where(row.n == 2), 2),
    ],
)
def test_an_edited_or_removed_event_is_named(services: Services, change, first_bad: int):
    owner = lived(services)
    tamper(services, change(AuditRow))
    with services.reading() as work, pytest.raises(BrokenChain) as broken:
        audit.verify_chain(work, owner)
    assert broken.value.n == first_bad
    assert problems(services) == [f"vault {owner.id.hex()}: event {first_bad} is missing, changed or out of place"]


def test_two_events_that_change_places_are_found(services: Services):
    owner = lived(services)
    for before, after in ((1, 9), (2, 1), (9, 2)):
        tamper(services, sa.update(AuditRow).where(AuditRow.n == before).values(n=after))
    with services.reading() as work, pytest.raises(BrokenChain) as broken:
        audit.verify_chain(work, owner)
    assert broken.value.n == 1


def test_an_end_cut_off_with_its_head_moved_back_meets_the_checkpoint(services: Services):
    owner = lived(services)
    with services.work() as work:
        checkpoint(work, [].append)
    with services.work() as work:
        h = audit.hash_at(work, owner, 1)
        work.session.execute(sa.delete(AuditRow).where(AuditRow.n == 2))
        work.session.execute(sa.update(AuditHeadRow).values(n=1, h=h))
    assert problems(services) == [f"vault {owner.id.hex()}: cut behind checkpoint 1, which saw event 2"]


def test_a_chain_written_anew_is_not_the_one_the_checkpoint_saw(services: Services):
    owner = lived(services)
    with services.work() as work:
        checkpoint(work, [].append)
    tamper(services, sa.delete(AuditRow))
    tamper(services, sa.delete(AuditHeadRow))
    for _ in range(3):
        with services.work() as work:
            audit.record(work, owner=owner, did=Did.VIEWED, by=PATIENT)
    assert problems(services) == [f"vault {owner.id.hex()}: event 2 is not the one that checkpoint 1 saw"]


def test_a_witness_finds_that_checkpoints_were_removed(services: Services):
    witness: list[str] = []
    owner = lived(services)
    with services.work() as work:
        checkpoint(work, witness.append)
    assert problems(services, witnessed=witness) == []
    for row in (AuditRow, AuditHeadRow, CheckpointRow):
        tamper(services, sa.delete(row))
    assert problems(services) == []
    assert problems(services, witnessed=witness) == [
        "checkpoint 1: the witness saw one that is not in the database",
        f"vault {owner.id.hex()}: cut behind checkpoint 1, which saw event 2",
    ]
    assert problems(services, witnessed=['{"text":"{}"}']) == [
        "the witness keeps a line that is no checkpoint of this store's key"
    ]


def test_a_checkpoint_is_signed_twice_and_follows_the_one_before(services: Services):
    lived(services)
    for _ in range(2):
        with services.work() as work:
            checkpoint(work, [].append)
    assert problems(services) == []
    with services.reading() as work:
        first, second = work.session.scalars(sa.select(CheckpointRow).order_by(CheckpointRow.number))
    assert len(first.signature) == 2 + 64 + 2 + 3309
    assert json.loads(second.text)["count"] == 0
    tamper(services, sa.delete(CheckpointRow).where(CheckpointRow.number == 1))
    assert problems(services) == ["checkpoint 2: does not follow the one before"]


def test_changed_leaves_and_forged_texts_are_found(services: Services):
    lived(services)
    with services.work() as work:
        checkpoint(work, [].append)
    tamper(services, sa.update(CheckpointRow).values(leaves="[]"))
    assert problems(services) == ["checkpoint 1: its leaves were changed"]
    with services.reading() as work:
        said = json.loads(work.session.scalars(sa.select(CheckpointRow.text)).one())
    forged = json.dumps(said | {"count": 0, "root": checkpoints.NO_LEAVES.hex()})
    tamper(services, sa.update(CheckpointRow).values(text=forged))
    assert problems(services) == ["checkpoint 1: not signed with this store's key"]


def test_of_an_erased_vault_only_the_hashes_are_left_and_still_verify(services: Services):
    owner = lived(services)
    with services.work() as work:
        audit.record(work, owner=owner, did=Did.ERASED, by=PATIENT)
        audit.clear_texts(work, owner)
    with services.reading() as work:
        assert [event.did for event in audit.events(work, owner)] == [Did.ERASED]
    assert problems(services) == []


@pytest.mark.postgres
def test_many_at_once_make_one_chain_on_postgresql_too(postgres_services: Services):
    owner = Owner(OwnerKind.VAULT, new_id())

    def happen(number: int) -> None:
        with postgres_services.work() as work:
            audit.record_once(work, owner=owner, did=Did.VIEWED, by=PATIENT, key=str(number % 12))

    with ThreadPoolExecutor(6) as together:
        list(together.map(happen, range(24)))
    with postgres_services.work() as work:
        assert audit.verify_chain(work, owner) == 12
        checkpoint(work, [].append)
    assert problems(postgres_services) == []
