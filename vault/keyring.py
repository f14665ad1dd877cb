"""What an unlocked owner holds: the keys to what was sealed to it, for as long as one request lasts.

A keyring is made by opening an owner (a vault by slot or session, a grant by holder), is never kept between requests,
never pickled, never printed. No keyring, no class key; no class key, no octets.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, NoReturn

import sqlalchemy as sa

from vault import held
from vault.believed import batch_key_mac, check_batch_key, check_row_mac, put_batch_key, row_mac
from vault.database import Work
from vault.errors import NoKey
from vault.ids import Id
from vault.owners import SYSTEM, KeyClass, Owner, OwnerKind, classes_from
from vault.scopes import scopes_of_grant, scopes_of_vault
from vault.sealing import canonical, derive
from vault.sealing.suite import KeyPair, SigningKey, open_sealed, seal, unwrap, wrap
from vault.tables import BatchKeyRow, FieldRow, ScopeRow, StudyRow
from vault.tables_sharing import GrantKeyRow, GrantStudyRow

__all__ = [
    "SYSTEM",
    "WRAPPED_KEY_OCTETS",
    "GrantKeyring",
    "KeyClass",
    "Keyring",
    "Owner",
    "OwnerKind",
    "VaultKeyring",
    "batch_key_mac",
    "canonical_json",
    "check_batch_key",
    "check_row_mac",
    "classes_from",
    "put_batch_key",
    "row_mac",
]

WRAPPED_KEY_OCTETS = 61  # a wrapped 32-octet key; a sealed one has 1,169 (docs/format.md 1)


class Keyring(ABC):
    """The keys of one unlocked owner."""

    owner: Owner

    @property
    def parts(self) -> tuple["Keyring", ...]:
        """The keyrings of single owners that this one is made of."""
        return (self,)

    def catalogue_key(self, work: Work) -> bytes | None:  # noqa: ARG002  a grant may be opened for it
        """What the owner's catalogue lies under; None for whoever has none, or may not use all of it."""
        return None

    @abstractmethod
    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:
        """The 32-octet key of one class of a batch. Raises `NoKey` where this owner was not given it."""

    @abstractmethod
    def scopes(self, work: Work) -> list[bytes]:
        """The scopes in which this owner's studies were pushed; blind indexes are made with them."""

    @abstractmethod
    def study_ids(self, work: Work) -> list[bytes]:
        """Every study this owner holds or was given, newest row first. There may be thousands: see `holding`."""

    def holding(self, work: Work, study_ids: Collection[bytes]) -> set[bytes]:
        """Those of a few studies that this owner holds or was given, however many more there are."""
        return set(study_ids) & set(self.study_ids(work))

    def __repr__(self) -> str:
        """The owner's kind, never a key."""
        return f"{type(self).__name__}(…)"

    def __reduce__(self) -> NoReturn:
        """Keys are never pickled."""
        raise TypeError("keyrings are not pickled")


class VaultKeyring(Keyring):
    """A person's opened vault (docs/format.md 2)."""

    def __init__(self, vault_id: bytes, master: bytes) -> None:
        self.owner = Owner(OwnerKind.VAULT, Id(vault_id))
        self._master = master

    @property
    def vault_id(self) -> Id:
        """The vault's identifier."""
        return self.owner.id

    @cached_property
    def pair(self) -> KeyPair:
        """The key pair that sites seal to."""
        return KeyPair.from_seed(derive.vault_kem_seed(self._master))

    @cached_property
    def library_key(self) -> bytes:
        """The symmetric key of the owner's own wraps."""
        return derive.vault_library_key(self._master)

    def catalogue_key(self, work: Work) -> bytes:  # noqa: ARG002
        """Derived from the vault's master."""
        return derive.vault_catalogue_key(self._master)

    @cached_property
    def signing_key(self) -> SigningKey:
        """Signs grant statements."""
        return SigningKey.from_seed(derive.vault_signing_seed(self._master))

    def seal_master_to(self, public: bytes, kind: str, *context: bytes | str) -> bytes:
        """The vault master sealed to a slot's public key."""
        return seal(public, self._master, kind, *context)

    def wrap_master_under(self, key: bytes, kind: str, *context: bytes | str) -> bytes:
        """The vault master wrapped under a session's key half."""
        return wrap(key, self._master, kind, *context)

    def root_key(self, work: Work, batch: bytes) -> bytes:
        """The batch's root key, whether sealed by a push or wrapped since. Raises `NoKey`."""
        row = work.session.get(BatchKeyRow, (batch, OwnerKind.VAULT.value, self.vault_id))
        if row is None:
            raise NoKey
        return self._root_key_in(work, row)

    def _root_key_in(self, work: Work, row: BatchKeyRow) -> bytes:
        check_batch_key(work, row)
        if len(row.ct) == WRAPPED_KEY_OCTETS:
            return unwrap(self.library_key, row.ct, "vault", self.vault_id, row.batch)
        return open_sealed(self.pair, row.ct, "vault", self.vault_id, row.batch)

    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:
        """Derived from the batch's root key."""
        return derive.class_key(self.root_key(work, batch), key_class.value)

    def class_key_in(self, work: Work, row: BatchKeyRow, key_class: KeyClass) -> bytes:
        """The same, where its row was found already. Raises `BrokenRecord`."""
        return derive.class_key(self._root_key_in(work, row), key_class.value)

    def scopes(self, work: Work) -> list[bytes]:
        """Those that point at this vault."""
        return scopes_of_vault(work, self.vault_id)

    def study_ids(self, work: Work) -> list[bytes]:
        """All studies of its scopes."""
        return held.in_vault(work, self.vault_id)

    def holding(self, work: Work, study_ids: Collection[bytes]) -> set[bytes]:
        """Those that lie in one of its scopes."""
        if len(study_ids) == 1:
            return {one for one in study_ids if held.lies_in_vault(work, self.vault_id, one)}
        found = (
            sa.select(StudyRow.id)
            .join(ScopeRow, StudyRow.scope == ScopeRow.id)
            .where(StudyRow.id.in_(study_ids))
            .where(ScopeRow.owner_kind == OwnerKind.VAULT, ScopeRow.owner == self.vault_id)
        )
        return set(work.session.scalars(found))

    def keep_field(self, work: Work, name: str, value: str, *, subject: bytes | None = None) -> None:
        """Keep a word of the owner's, wrapped; `subject` is the row it is about (the vault itself if absent)."""
        about = subject or self.vault_id
        ct = wrap(self.library_key, value.encode(), "lib", self.vault_id, "field", about, name)
        work.session.merge(FieldRow(vault=self.vault_id, subject=about, name=name, ct=ct))

    def add_fields(self, work: Work, name: str, values: Mapping[bytes, str]) -> None:
        """Keep the word of this name for each of these subjects, none of which has one."""
        rows = [
            {
                "vault": self.vault_id,
                "subject": about,
                "name": name,
                "ct": wrap(self.library_key, value.encode(), "lib", self.vault_id, "field", about, name),
            }
            for about, value in values.items()
        ]
        if rows:
            work.session.execute(sa.insert(FieldRow), rows)

    def field(self, work: Work, name: str, *, subject: bytes | None = None) -> str | None:
        """A word kept before, or None."""
        about = subject or self.vault_id
        row = work.session.get(FieldRow, (self.vault_id, about, name))
        if row is None:
            return None
        return unwrap(self.library_key, row.ct, "lib", self.vault_id, "field", about, name).decode()

    def fields(self, work: Work, name: str) -> dict[bytes, str]:
        """The word of this name for every subject that has one."""
        rows = work.session.scalars(sa.select(FieldRow).where(FieldRow.vault == self.vault_id, FieldRow.name == name))
        return {
            row.subject: unwrap(self.library_key, row.ct, "lib", self.vault_id, "field", row.subject, row.name).decode()
            for row in rows
        }


class GrantKeyring(Keyring):
    """An opened grant: the class keys a patient chose to give, and no way back to the root keys."""

    def __init__(self, grant_id: bytes, grant_key: bytes) -> None:
        self.owner = Owner(OwnerKind.GRANT, Id(grant_id))
        self._grant_key = grant_key

    @property
    def grant_id(self) -> Id:
        """The grant's identifier."""
        return self.owner.id

    @cached_property
    def pair(self) -> KeyPair:
        """The key pair that later pushes are sealed to."""
        return KeyPair.from_seed(derive.grant_kem_seed(self._grant_key))

    @cached_property
    def wrapping_key(self) -> bytes:
        """Wraps the class keys given while the patient is present."""
        return derive.grant_wrap_key(self._grant_key)

    def catalogue_key(self, work: Work) -> bytes | None:  # noqa: ARG002
        """Derived from the grant's key."""
        return derive.grant_catalogue_key(self._grant_key)

    def wrap_key_under(self, key: bytes, *context: bytes | str) -> bytes:
        """The grant's key under a holder's key (kind "holder")."""
        return wrap(key, self._grant_key, "holder", *context)

    def seal_key_to(self, public: bytes, *context: bytes | str) -> bytes:
        """The grant's key sealed to a provider's vault (kind "holder")."""
        return seal(public, self._grant_key, "holder", *context)

    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:
        """The key that was wrapped for this grant, or sealed to it by a later push."""
        row = work.session.get(GrantKeyRow, (self.grant_id, batch, key_class.value))
        if row is None:
            raise NoKey
        return self.class_key_in(work, row, key_class)

    def class_key_in(self, work: Work, row: GrantKeyRow, key_class: KeyClass) -> bytes:
        """The same, where its row was found already. Raises `BrokenRecord`."""
        context = (self.grant_id, row.batch, key_class)
        if len(row.ct) == WRAPPED_KEY_OCTETS:
            return unwrap(self.wrapping_key, row.ct, "grant", *context)
        check_row_mac(work, row.row_mac, "grantkey", self.grant_id, row.batch, key_class.value, sha256(row.ct).digest())
        return open_sealed(self.pair, row.ct, "grant", *context)

    def scopes(self, work: Work) -> list[bytes]:
        """Those of the vault that gave it."""
        return scopes_of_grant(work, self.grant_id)

    def study_ids(self, work: Work) -> list[bytes]:
        """The studies the grant names. Raises `BrokenRecord` where somebody else named one."""
        return self._believed(work, held.named_in_grant(work, self.grant_id))

    def holding(self, work: Work, study_ids: Collection[bytes]) -> set[bytes]:
        """Those the grant names. Raises `BrokenRecord` where somebody else named one of them."""
        if len(study_ids) == 1:
            (one,) = study_ids
            return set(self._believed(work, held.naming_in_grant(work, self.grant_id, one)))
        named = sa.select(GrantStudyRow.study, GrantStudyRow.row_mac).where(GrantStudyRow.grant == self.grant_id)
        return set(self._believed(work, work.session.execute(named.where(GrantStudyRow.study.in_(study_ids)))))

    def _believed(self, work: Work, rows: Iterable[Sequence[Any]]) -> list[bytes]:
        found: list[bytes] = []
        for study_id, mac in rows:
            check_row_mac(work, mac, "grantstudy", self.grant_id, study_id)
            found.append(study_id)
        return found


def canonical_json(value: canonical.Value) -> str:
    """One text for one value (docs/format.md 1). Raises `ValueError` for what has none, such as a float."""
    return canonical.canonical_json(value).decode()
