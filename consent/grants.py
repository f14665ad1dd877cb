"""The patient's decisions: giving, redeeming, ending, and what became of each.

The keys of a grant are the vault's (`vault.sharing`); here is who it is for, what they did, and when it ended. Words
about people are sealed: the patient's label under their library key, what the redeemer said to the patient's public
half, because the patient is away when it is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from consent import tokens
from consent.access import Access
from consent.decisions import EVERYTHING, LONGEST_WORDS, For, row_of, rows_of
from consent.receipts import mark_opened, mark_saved
from consent.redeeming import Redeemed, Redeemer, redeem
from consent.scopes import Scopes
from consent.tables import GrantRow
from vault import audit, sharing
from vault.audit import SYSTEM_ACTOR, Actor, Did
from vault.database import Work
from vault.errors import NotThere, WrongSecret
from vault.ids import Id
from vault.keyring import GrantKeyring, KeyClass, Owner, OwnerKind, VaultKeyring
from vault.record import lock_vault, write_record
from vault.sealing.codes import ShareCode
from vault.sharing import GrantLimits, GrantTerms, Standing
from vault.tables_sharing import GrantOwnerRow

__all__ = [
    "EVERYTHING",
    "For",
    "Given",
    "GrantLimits",
    "Offer",
    "Redeemed",
    "Redeemer",
    "WrongSecret",
    "end",
    "end_all",
    "end_empty",
    "end_run_out",
    "give",
    "give_back",
    "give_code",
    "give_to_provider",
    "mark_opened",
    "mark_saved",
    "redeem",
    "rows_of",
]

NO_SCOPES = Scopes()
CODE_DAYS = 30  # how long a code waits to be typed where the sharing has no end


@dataclass(frozen=True, slots=True)
class Offer:
    """What a patient is about to give. `expires` None is "until I stop it"; `label` is the patient's own words."""

    study_ids: tuple[bytes, ...]
    expires: datetime | None
    kind: For = For.CODE
    view_only: bool = True
    classes: frozenset[KeyClass] = EVERYTHING
    standing: Standing | None = None
    label: str = ""
    purpose: str = "TREAT"
    client: Id | None = None
    scopes: Scopes = NO_SCOPES


@dataclass(frozen=True, slots=True)
class Given:
    """A grant just made, open in our hands."""

    grant_id: Id
    keyring: GrantKeyring


# --- giving ----------------------------------------------------------------------------------------------------------


def give(work: Work, access: Access, offer: Offer) -> Given:
    """The grant exists and its keys are wrapped; nobody but the patient holds it yet.

    Raises `NotYours` for whoever is not the patient, `NotThere` for a study that is not theirs.
    """
    own = access.check_can_give()
    lock_vault(work, own.vault_id)
    terms = GrantTerms(
        offer.study_ids, offer.classes, offer.view_only, offer.standing, not_before=work.now, expires=offer.expires
    )
    keyring = sharing.new_grant(work, own, terms)
    work.session.add(
        GrantRow(
            id=keyring.grant_id,
            vault=own.vault_id,
            kind=offer.kind.value,
            client=offer.client,
            scope=str(offer.scopes),
            purpose=offer.purpose,
            created=work.now,
            opens=0,
        )
    )
    work.session.flush()
    if offer.label:
        own.keep_field(work, "label", offer.label[:LONGEST_WORDS], subject=keyring.grant_id)
    audit.record(
        work,
        owner=own.owner,
        did=Did.GAVE,
        by=access.actor,
        to=keyring.grant_id,
        kind=offer.kind.value,
        studies=len(offer.study_ids),
    )
    write_record(work, own)
    return Given(keyring.grant_id, keyring)


def give_code(work: Work, access: Access, offer: Offer) -> tuple[Id, ShareCode]:
    """A grant and the code that opens it once. The code is told here and can never be read again."""
    given = give(work, access, offer)
    until = offer.expires or work.now + timedelta(days=CODE_DAYS)
    return given.grant_id, sharing.add_share_code(work, given.keyring, expires=until)


def give_to_provider(work: Work, access: Access, offer: Offer, provider_vault: bytes) -> Given:
    """A grant that a registered provider finds in their list."""
    given = give(work, access, offer)
    sharing.add_provider(work, given.keyring, provider_vault, expires=offer.expires)
    row_of(work, given.grant_id).redeemed_at = work.now
    row_of(work, given.grant_id).redeemed_by = "provider"
    return given


# --- ending ----------------------------------------------------------------------------------------------------------


def end(work: Work, access: Access, grant_id: bytes) -> None:
    """After this no secret opens anything through the grant. Raises `NotThere` for anyone else's grant."""
    own = access.check_can_give()
    lock_vault(work, own.vault_id)
    if sharing.limits(work, grant_id).vault_id != own.vault_id:
        raise NotThere
    _end(work, own, access.actor, [grant_id])


def end_all(work: Work, access: Access) -> int:
    """Everything the patient ever gave ends; answers how many were live."""
    own = access.check_can_give()
    lock_vault(work, own.vault_id)
    return _end(work, own, access.actor, [one.grant_id for one in sharing.grants_of(work, own.vault_id)])


def end_empty(work: Work, access: Access) -> int:
    """Grants end that name no study any more and wait for none; called when studies are forgotten."""
    own = access.check_can_give()
    lock_vault(work, own.vault_id)
    all_of_them = sharing.grants_of(work, own.vault_id)
    empty = [one.grant_id for one in all_of_them if not one.study_ids and one.standing is None]
    return _end(work, own, access.actor, empty)


def end_run_out(work: Work) -> int:
    """Grants whose time has run out lose their keys; called from time to time. Answers how many there were."""
    over = sa.select(GrantOwnerRow.id, GrantOwnerRow.vault).where(
        GrantOwnerRow.status == "live", GrantOwnerRow.expires <= work.now
    )
    found = list(work.session.execute(over.order_by(GrantOwnerRow.vault, GrantOwnerRow.id)))
    for grant_id, _ in found:
        _stop(work, grant_id, "time")
    for grant_id, vault_id in found:
        owner = Owner(OwnerKind.VAULT, Id(vault_id))
        audit.record(work, owner=owner, did=Did.ENDED_GRANT, by=SYSTEM_ACTOR, to=grant_id)
    return len(found)


def end_guessed(work: Work, grant_id: bytes) -> None:
    """A health link was guessed at too often: what it opened has ended, and the patient's history says so."""
    limits = sharing.limits(work, grant_id)
    if limits.ended is not None:
        return
    _stop(work, grant_id, "guesses")
    owner = Owner(OwnerKind.VAULT, limits.vault_id)
    audit.record(work, owner=owner, did=Did.ENDED_GRANT, by=SYSTEM_ACTOR, to=grant_id)


def give_back(work: Work, grant_id: bytes, family: bytes) -> None:
    """Software gave back what came of one decision; where nothing opens the grant any more, it has ended."""
    work.session.get(GrantOwnerRow, grant_id, with_for_update=True)  # before its tokens, as every end does
    tokens.end_family(work, family)
    limits = sharing.limits(work, grant_id)
    row = work.session.get(GrantRow, grant_id)
    if row is None or not _is_softwares(row) or limits.ended is not None or tokens.is_alive(work, grant_id):
        return
    _stop(work, grant_id, "app")
    by = Actor("app", row.client, grant_id)
    audit.record(work, owner=Owner(OwnerKind.VAULT, limits.vault_id), did=Did.ENDED_GRANT, by=by, to=grant_id)


def _is_softwares(row: GrantRow) -> bool:
    """Whether software alone holds it: an app the patient let in, or one that used up a code."""
    return row.kind == For.APP or (row.kind == For.CODE and row.redeemed_by == "app")


def _end(work: Work, own: VaultKeyring, by: Actor, grant_ids: Sequence[bytes]) -> int:
    """The chain of events is locked by its first event, so everything else is done before."""
    live = [one for one in grant_ids if sharing.limits(work, one).ended is None]
    for grant_id in live:
        _stop(work, grant_id, "patient")
    for grant_id in live:
        audit.record(work, owner=own.owner, did=Did.ENDED_GRANT, by=by, to=grant_id)
    write_record(work, own)
    return len(live)


def _stop(work: Work, grant_id: bytes, by: str) -> None:
    sharing.end_grant(work, grant_id)
    tokens.end_of_grant(work, grant_id)
    row = work.session.get(GrantRow, grant_id)
    if row is not None:
        row.ended_at, row.ended_by = work.now, by
