"""Keyrings of those who hold several grants at once, or who may use less than what theirs opens."""

from collections.abc import Callable, Collection, Sequence

from vault.database import Work
from vault.errors import Expired, NoKey, NotThere
from vault.ids import Id
from vault.keyring import GrantKeyring, KeyClass, Keyring, Owner
from vault.tables_sharing import GrantKeyRow


class GrantToOpen(GrantKeyring):
    """A grant that is opened when the first key of it is needed: a provider holds many, a request needs one."""

    def __init__(self, grant_id: Id, opener: Callable[[Work], GrantKeyring]) -> None:
        super().__init__(grant_id, b"")  # which opens nothing
        self._opener = opener
        self._opened: GrantKeyring | None = None

    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:
        """Opens the grant only if it has this key. Raises `NoKey`, and `Expired` once the grant has ended."""
        if work.session.get(GrantKeyRow, (self.grant_id, batch, key_class.value)) is None:
            raise NoKey
        return self._open(work).class_key(work, batch, key_class)

    def catalogue_key(self, work: Work) -> bytes | None:
        """The grant's, which is opened for it; None once it has ended."""
        try:
            return self._open(work).catalogue_key(work)
        except (Expired, NotThere):
            return None

    def _open(self, work: Work) -> GrantKeyring:
        if self._opened is None:
            self._opened = self._opener(work)
        return self._opened


class ManyKeyrings(Keyring):
    """Several keyrings as one: sees what any of them sees, and opens what any of them opens."""

    def __init__(self, owner: Owner, keyrings: Sequence[Keyring]) -> None:
        self.owner = owner
        self._keyrings = tuple(keyrings)

    @property
    def parts(self) -> tuple[Keyring, ...]:
        """Those of each."""
        return tuple(part for keyring in self._keyrings for part in keyring.parts)

    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:
        """The first of them that has it. Raises `NoKey`."""
        for keyring in self._keyrings:
            try:
                return keyring.class_key(work, batch, key_class)
            except (NoKey, Expired, NotThere):
                continue  # a grant may end between two questions of one request
        raise NoKey

    def scopes(self, work: Work) -> list[bytes]:
        """Those of all of them, each once."""
        return list(dict.fromkeys(scope for keyring in self._keyrings for scope in keyring.scopes(work)))

    def study_ids(self, work: Work) -> list[bytes]:
        """Those of all of them, each once."""
        return list(dict.fromkeys(study for keyring in self._keyrings for study in keyring.study_ids(work)))

    def holding(self, work: Work, study_ids: Collection[bytes]) -> set[bytes]:
        """Those that any of them holds."""
        return {study_id for keyring in self._keyrings for study_id in keyring.holding(work, study_ids)}


class WithoutReports(Keyring):
    """A keyring that opens descriptions and pictures alone, whatever more it holds."""

    def __init__(self, keyring: Keyring) -> None:
        self.owner = keyring.owner
        self._keyring = keyring

    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:
        """The keyring's own. Raises `NoKey` for reports."""
        if key_class is KeyClass.REPORTS:
            raise NoKey
        return self._keyring.class_key(work, batch, key_class)

    def scopes(self, work: Work) -> list[bytes]:
        """The keyring's own."""
        return self._keyring.scopes(work)

    def study_ids(self, work: Work) -> list[bytes]:
        """The keyring's own."""
        return self._keyring.study_ids(work)

    def holding(self, work: Work, study_ids: Collection[bytes]) -> set[bytes]:
        """The keyring's own."""
        return self._keyring.holding(work, study_ids)
