"""The four keys of the settings. They open nothing by themselves; without them no guess can be tried (docs/keys.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Secrets:
    """Each key is 32 octets, kept outside the database.

    `peppers` go into every stretched human secret, by id, the newest being `pepper_id`; `index_key` makes blind indexes
    and row MACs; `mail_key` wraps e-mail addresses; `audit_key` is the seed that signs checkpoints.
    """

    peppers: Mapping[int, bytes] = field(repr=False)
    pepper_id: int
    index_key: bytes = field(repr=False)
    mail_key: bytes = field(repr=False)
    audit_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse keys of another length, and a newest pepper that is not there."""
        for key in (*self.peppers.values(), self.index_key, self.mail_key, self.audit_key):
            if len(key) != 32:
                raise ValueError("every key of the settings has 32 octets")
        if self.pepper_id not in self.peppers:
            raise ValueError("the newest pepper is missing")

    @property
    def pepper(self) -> bytes:
        """The pepper for secrets stretched from now on."""
        return self.peppers[self.pepper_id]

    def __reduce__(self) -> NoReturn:
        """Keys are never pickled."""
        raise TypeError("keys are not pickled")
