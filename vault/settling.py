"""What is done first for an owner who has come back: take over what was pushed meanwhile (docs/format.md 9)."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from vault import catalogue, root_keys, sharing
from vault.database import Work
from vault.facts import PersonFacts
from vault.ids import Id
from vault.keyring import VaultKeyring
from vault.record import check_record, lock_vault, write_record
from vault.sealing.suite import open_sealed, wrap

Doubt = Literal["none", "name", "born"]

DOUBT: Final = "doubt"  # the field that keeps what comparing a study's person with the owner said


@dataclass(frozen=True, slots=True)
class Settled:
    """How many batches were taken over, and which studies may be another person's."""

    new_batches: int
    doubts: tuple[Id, ...]


def settle(work: Work, keyring: VaultKeyring) -> Settled:
    """The vault's rows are those its owner knows, what was sealed to it is wrapped under its own key, live grants
    have the keys they are owed, and studies were compared with the owner's name and birth date.

    Raises `BrokenRecord`. Two at once do no harm.
    """
    check_record(work, keyring)
    new_batches = absorb(work, keyring)
    sharing.give_owed_keys(work, keyring)
    doubts = _compare(work, keyring)
    write_record(work, keyring)
    return Settled(new_batches, doubts)


def absorb(work: Work, keyring: VaultKeyring) -> int:
    """Every sealed root key of the vault's is a wrapped one; in the same row, so there are never both or neither."""
    lock_vault(work, keyring.vault_id)
    cts = dict[bytes, bytes]()
    for batch, sealed in root_keys.sealed_to(work, keyring.owner).items():
        context = (keyring.vault_id, batch)
        root_key = open_sealed(keyring.pair, sealed, "vault", *context)
        cts[batch] = wrap(keyring.library_key, root_key, "vault", *context)
    root_keys.renew(work, owner=keyring.owner, cts=cts)
    return len(cts)


def doubt_about(person: PersonFacts, *, name: str, born: str) -> Doubt:
    """Why a study may be another's: its birth date is not `born` ("YYYYMMDD"), or no part of its name is in `name`.

    What either side does not know is no reason.
    """
    if len(person.born) == len(born) == 8 and person.born != born:
        return "born"
    mine, theirs = _parts(name), _parts(person.name)
    return "name" if mine and theirs and not mine & theirs else "none"


def dismiss_doubt(work: Work, keyring: VaultKeyring, study_id: bytes) -> None:
    """The owner said that the study is theirs."""
    keyring.keep_field(work, DOUBT, "none", subject=study_id)


def _compare(work: Work, keyring: VaultKeyring) -> tuple[Id, ...]:
    known = keyring.fields(work, DOUBT)
    new = {study_id for study_id in keyring.study_ids(work) if study_id not in known}
    compared = _doubts_about(work, keyring, new) if new else {}
    keyring.add_fields(work, DOUBT, compared)
    return tuple(Id(study_id) for study_id, doubt in (known | compared).items() if doubt != "none")


def _doubts_about(work: Work, keyring: VaultKeyring, study_ids: Collection[bytes]) -> dict[bytes, str]:
    name, born = keyring.field(work, "name") or "", keyring.field(work, "born") or ""
    return {
        bytes(study_id): doubt_about(study.facts.person, name=name, born=born)
        for study in catalogue.open_catalogue(work, keyring, only=study_ids).studies
        for study_id in study.folders
        if study_id in study_ids
    }


def _parts(name: str) -> set[str]:
    """The words of a name as they are compared: without case, accents and the signs between them."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one))
    return set("".join(one if one.isalpha() else " " for one in plain).split())
