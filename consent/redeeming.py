"""A code turned into a way in, once."""

import json
from dataclasses import dataclass

from consent import guests
from consent.access import Access
from consent.cookies import Cookie
from consent.decisions import LONGEST_WORDS, row_of
from consent.errors import NotYours
from vault import audit, sharing
from vault.attempts import source_prefix
from vault.audit import Actor, Did
from vault.database import Services, Work
from vault.errors import WrongSecret
from vault.ids import Id
from vault.keyring import SYSTEM, GrantKeyring, Owner, OwnerKind
from vault.sealing.codes import ShareCode
from vault.sharing import ProvedCode


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Who redeems a code: what they say of themselves, and who they are where we know it."""

    name: str
    clinic: str = ""
    provider: Access | None = None
    client: Id | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A code turned into a way in. A guest gets a cookie; a provider finds the grant in the list."""

    grant_id: Id
    keyring: GrantKeyring
    cookie: Cookie | None = None


def redeem(services: Services, code: ShareCode, redeemer: Redeemer, *, source: str) -> Redeemed:
    """The code is spent, and whoever typed it has a way in: both, or neither.

    Raises what `prove` and `hand_over` raise.
    """
    proved = prove(services, code, redeemer, source=source)
    with services.work() as work:
        return hand_over(work, proved, redeemer)


def prove(services: Services, code: ShareCode, redeemer: Redeemer, *, source: str) -> ProvedCode:
    """The code is right, and nothing is spent yet.

    Raises what `sharing.prove_code` raises (`WrongSecret`, `Wait`), and `NotYours` where someone signed in as anything
    but a provider tries to keep the grant.
    """
    if redeemer.provider is not None and redeemer.provider.actor.kind != "provider":
        raise NotYours("only a provider keeps a grant")
    try:
        return sharing.prove_code(services, code, source=source_prefix(source))
    except WrongSecret:
        with services.work() as work:
            audit.record(work, owner=SYSTEM, did=Did.REDEEM_FAILED, by=Actor("guest"))
        raise


def hand_over(work: Work, proved: ProvedCode, redeemer: Redeemer) -> Redeemed:
    """Spend the code and write down who has a way in now. Raises `CodeSpent`, `Expired`."""
    keyring = proved.spend(work)  # holds the grant: it cannot be stopped half-way through
    limits = sharing.check_live(work, keyring.grant_id)
    row = row_of(work, keyring.grant_id)
    words = json.dumps([redeemer.name.strip()[:LONGEST_WORDS], redeemer.clinic.strip()[:LONGEST_WORDS]])
    row.redeemed_at, row.redeemed_by = work.now, _kind_of(redeemer)
    row.redeemer = sharing.seal_note(work, vault_id=limits.vault_id, about=row.id, text=words)
    row.client = redeemer.client
    cookie = None
    if redeemer.provider is not None:
        provider = redeemer.provider.own_vault().vault_id
        sharing.add_provider(work, keyring, provider, expires=limits.expires)
        actor = Actor("provider", provider, keyring.grant_id)
    elif redeemer.client is not None:
        actor = Actor("app", redeemer.client, keyring.grant_id)
    else:
        cookie = guests.begin_guest(work, keyring)
        actor = Actor("guest", None, keyring.grant_id)
    owner = Owner(OwnerKind.VAULT, limits.vault_id)
    audit.record(work, owner=owner, did=Did.REDEEMED, by=actor, to=keyring.grant_id)
    return Redeemed(keyring.grant_id, keyring, cookie)


def _kind_of(redeemer: Redeemer) -> str:
    if redeemer.provider is not None:
        return "provider"
    return "guest" if redeemer.client is None else "app"
