"""Who can open a grant for long: its owner, a registered provider, whoever has its printed share code."""

import os
from datetime import datetime
from hmac import compare_digest

import sqlalchemy as sa

from vault import attempts
from vault.database import Services, Work
from vault.errors import CodeSpent, Expired, NotThere, WrongSecret
from vault.ids import Id, new_id
from vault.keyring import GrantKeyring, VaultKeyring
from vault.limits import check_live, vault_row
from vault.sealing import derive
from vault.sealing.codes import ShareCode
from vault.sealing.slow import stretch_share_code
from vault.sealing.suite import open_sealed, unwrap
from vault.tables_sharing import HolderRow

CODE_PROFILE = 2


def add_owner(work: Work, grant: GrantKeyring, owner: VaultKeyring) -> None:
    """The patient who gave the grant can open it again later."""
    holder = new_id()
    ct = grant.wrap_key_under(owner.library_key, grant.grant_id, holder, "owner")
    _add_holder(work, grant, holder, kind="owner", ref=owner.vault_id, ct=ct, expires=None)


def owner_opens(work: Work, owner: VaultKeyring, grant_id: bytes) -> GrantKeyring:
    """The grant, opened by the patient who gave it. Raises `NotThere`."""
    row = _holder(work, grant_id, "owner", owner.vault_id)
    return GrantKeyring(grant_id, unwrap(owner.library_key, row.ct, "holder", grant_id, row.id, "owner"))


def add_share_code(work: Work, grant: GrantKeyring, *, expires: datetime | None) -> ShareCode:
    """A printed code that opens the grant once. It is returned here and can never be read again."""
    code = ShareCode.new(_free_locator(work))
    holder, salt = new_id(), os.urandom(16)
    stretched = stretch_share_code(code.secret, "", salt=salt, pepper=work.secrets.pepper, holder_id=holder)
    row = _add_holder(
        work,
        grant,
        holder,
        kind="share",
        ref=None,
        ct=grant.wrap_key_under(derive.code_key(stretched), grant.grant_id, holder, "share"),
        expires=expires,
    )
    row.uses_left, row.locator, row.salt = 1, code.locator, salt
    row.pepper_id, row.kdf_id = work.secrets.pepper_id, CODE_PROFILE
    row.commitment = derive.code_commitment(stretched)
    work.session.flush()
    return code


def redeem_code(services: Services, code: ShareCode, *, source: str) -> GrantKeyring:
    """Open a grant with its share code, which is spent by this.

    Raises `WrongSecret` for a code that opens nothing, `CodeSpent` for the right code used before, `Wait` after too
    many tries. An unknown code costs the same work as a wrong one.
    """
    attempts.spend(services, attempts.Limit.CODE_SOURCE, source)
    with services.reading() as work:
        found = work.session.scalar(sa.select(HolderRow).where(HolderRow.locator == code.locator))
    salt, holder_id, pepper = _stretching(services, code, found)
    stretched = stretch_share_code(code.secret, "", salt=salt, pepper=pepper, holder_id=holder_id)
    right = found is not None and compare_digest(found.commitment or b"", derive.code_commitment(stretched))
    if found is None or not right:
        raise WrongSecret
    attempts.credit(services, attempts.Limit.CODE_SOURCE, source)
    with services.work() as work:
        return _spend(work, found.id, derive.code_key(stretched))


def _spend(work: Work, holder_id: bytes, key: bytes) -> GrantKeyring:
    row = work.session.get(HolderRow, holder_id, with_for_update=True, populate_existing=True)
    if row is None or not row.uses_left:
        raise CodeSpent
    check_live(work, row.grant)
    if row.expires is not None and work.now >= row.expires:
        raise Expired
    grant = GrantKeyring(row.grant, unwrap(key, row.ct, "holder", row.grant, row.id, "share"))
    row.uses_left -= 1
    if row.uses_left == 0:
        row.ct = b""
    work.session.flush()
    return grant


def _stretching(services: Services, code: ShareCode, found: HolderRow | None) -> tuple[bytes, bytes, bytes]:
    secrets = services.secrets
    if found is None or found.salt is None or found.pepper_id is None:
        salt = derive.dummy_salt(secrets.index_key, code.locator.to_bytes(4, "big"))
        return salt, bytes(16), secrets.pepper
    return found.salt, found.id, secrets.peppers[found.pepper_id]


def add_provider(work: Work, grant: GrantKeyring, provider_vault: bytes, *, expires: datetime | None) -> Id:
    """Let a registered provider open the grant with the provider's own vault. Raises `NotThere`, `BrokenRecord`."""
    provider, holder = vault_row(work, provider_vault), new_id()
    ct = grant.seal_key_to(provider.vpk, grant.grant_id, holder, "provider")
    _add_holder(work, grant, holder, kind="provider", ref=provider_vault, ct=ct, expires=expires)
    return holder


def provider_opens(work: Work, provider: VaultKeyring, grant_id: bytes) -> GrantKeyring:
    """A grant given to this provider. Raises `NotThere`, and `Expired` when it has ended or run out."""
    row = _holder(work, grant_id, "provider", provider.vault_id)
    check_live(work, grant_id)
    if row.expires is not None and work.now >= row.expires:
        raise Expired
    return GrantKeyring(grant_id, open_sealed(provider.pair, row.ct, "holder", grant_id, row.id, "provider"))


def grants_given_to(work: Work, provider_vault: bytes) -> list[Id]:
    """The grants a provider's vault can open, newest first; ended ones have no holder left and are not among them."""
    found = (
        sa.select(HolderRow.grant)
        .where(HolderRow.kind == "provider", HolderRow.ref == provider_vault)
        .order_by(HolderRow.created.desc())
    )
    return [Id(grant) for grant in work.session.scalars(found)]


def _add_holder(
    work: Work, grant: GrantKeyring, holder: Id, *, kind: str, ref: bytes | None, ct: bytes, expires: datetime | None
) -> HolderRow:
    row = HolderRow(id=holder, grant=grant.grant_id, kind=kind, ref=ref, ct=ct, expires=expires, created=work.now)
    work.session.add(row)
    work.session.flush()
    return row


def _holder(work: Work, grant_id: bytes, kind: str, ref: bytes) -> HolderRow:
    row = work.session.scalar(
        sa.select(HolderRow).where(HolderRow.grant == grant_id, HolderRow.kind == kind, HolderRow.ref == ref)
    )
    if row is None:
        raise NotThere
    return row


def _free_locator(work: Work) -> int:
    while True:
        locator = int.from_bytes(os.urandom(3), "big") & 0xFFFFF
        if work.session.scalar(sa.select(HolderRow.id).where(HolderRow.locator == locator)) is None:
            return locator
