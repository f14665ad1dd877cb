"""Who a site's patient number means, as far as the database may know: slow blind indexes (docs/format.md 4.4)."""

import hmac
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from vault.ids import Id
from vault.sealing import derive, slow
from vault.secrets import Secrets
from vault.sites import Site

_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class SitePatient:
    """A patient of a site as far as the database may know: two slow blind indexes. None: no full birth date."""

    site_id: Id
    bi: bytes = field(repr=False)
    dob_check: int | None = field(repr=False)


class _Remembered:
    """Slow answers, found again under a key that lives and dies with this process."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, tuple[bytes, int | None]] = OrderedDict()

    def under(self, *what: bytes | str) -> bytes:
        return hmac.digest(self._key, derive.lp(*what), "sha256")

    def get(self, key: bytes) -> tuple[bytes, int | None] | None:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def keep(self, key: bytes, answer: tuple[bytes, int | None]) -> None:
        with self._lock:
            self._answers[key] = answer
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)


_remembered = _Remembered()


def identify(secrets: Secrets, site: Site, *, mrn: str, issuer: str | None, born: str | None) -> SitePatient:
    """The patient behind a site's patient number. Slow the first time, since numbers can be guessed.

    `born` is "YYYYMMDD"; anything less than a full date is None. Raises `Busy` of `vault.sealing`.
    """
    namespace = namespace_of(site, issuer)
    known = born if is_full_date(born) else None
    key = _remembered.under(secrets.index_key, site.id, namespace, slow.normalise_mrn(mrn), known or "")
    answer = _remembered.get(key)
    if answer is None:
        bi = slow.patient_index(secrets.index_key, site.id, namespace, mrn)
        check = None if known is None else slow.birth_check(secrets.index_key, site.id, namespace, mrn, known)
        answer = bi, check
        _remembered.keep(key, answer)
    return SitePatient(site.id, *answer)


def namespace_of(site: Site, issuer: str | None) -> str:
    """The assigning authority meant: one for all where the site mapped none, else the mapped one or itself."""
    details = site.details
    if not details.issuers:
        return details.default_issuer
    named = (issuer or "").strip()
    return details.issuers.get(named, named or details.default_issuer)


def is_full_date(born: str | None) -> bool:
    """Whether `born` is eight digits that can be a day of some year."""
    if born is None or not (len(born) == 8 and born.isascii() and born.isdigit()):
        return False
    return 1 <= int(born[4:6]) <= 12 and 1 <= int(born[6:]) <= 31
