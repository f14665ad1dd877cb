"""SMART scopes: reading them, comparing them, narrowing them (SMART App Launch 2.2).

    patient/ImagingStudy.rs          letters out of c r u d s, in this order
    patient/ImagingStudy.read        the first version's word for rs; write is cud, * is cruds
    patient/*.rs                     every type, now and in future
    patient/Observation.rs?category=…   only what the filter lets through
    launch/patient, offline_access   not about resources

A scope covers another when whatever the other allows, it allows too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

from consent.errors import BadScope

LETTERS = "cruds"
FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}
LONGEST = 4_000  # characters of a whole scope parameter
EVERY_TYPE = "*"
# The filters we apply, by type. Modifiers and chains are experimental in SMART, and left out like all else.
FILTERS: Mapping[str, frozenset[str]] = {
    kind: frozenset({"category"}) for kind in ("DiagnosticReport", "DocumentReference", "Observation")
}

_RESOURCE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})\."
    r"(?:(?P<word>read|write|\*)|(?P<letters>c?r?u?d?s?))(?:\?(?P<filter>[!#-\[\]-~]+))?"
)
_OTHER = re.compile(r"[!#-\[\]-~]{1,255}")  # RFC 6749 3.3: scope-token


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope about resources. `letters` are in the order of `LETTERS`; `filters` are "name=value", sorted."""

    level: str
    type: str
    letters: str
    filters: tuple[str, ...] = ()
    first_version: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadScope`. Letters out of order are refused, so that no misspelt word is read as letters."""
        found = _RESOURCE.fullmatch(text)
        if found is None or not (found["word"] or found["letters"]):
            raise BadScope(text[:100])
        letters = FIRST_VERSION[found["word"]] if found["word"] else found["letters"]
        filters = tuple(sorted(set(found["filter"].split("&")))) if found["filter"] else ()
        if any("=" not in one or one.startswith("=") for one in filters):
            raise BadScope(text[:100])
        return cls(found["level"], found["type"], letters, filters, found["word"] is not None)

    def __str__(self) -> str:
        """As it is told to a client: in the first version's words where it was asked so and they still fit."""
        word = next((word for word, letters in FIRST_VERSION.items() if letters == self.letters), None)
        ending = word if self.first_version and word and not self.filters else self.letters
        return f"{self.level}/{self.type}.{ending}" + (f"?{'&'.join(self.filters)}" if self.filters else "")

    def covers(self, other: "Scope") -> bool:
        """Whether `other` allows nothing that this does not."""
        return self._reaches(other) and set(self.filters) <= set(other.filters)

    @property
    def is_kept(self) -> bool:
        """Whether we can keep what its filters promise; a scope without any promises none."""
        known = FILTERS.get(self.type, ()) if self.level == "patient" else ()
        return all(one.partition("=")[0] in known for one in self.filters)

    def touches(self, other: "Scope") -> bool:
        """Whether this allows `other`, if only for what its own filters let through."""
        return self._reaches(other) and self.is_kept

    def _reaches(self, other: "Scope") -> bool:
        return (
            self.level == other.level
            and self.type in (EVERY_TYPE, other.type)
            and all(letter in self.letters for letter in other.letters)
        )

    def narrowed(self, limit: "Scope") -> "Scope | None":
        """What both allow, spelled as this one was; None if that is nothing."""
        if self.level != limit.level:
            return None
        types = {self.type, limit.type} - {EVERY_TYPE}
        letters = "".join(letter for letter in self.letters if letter in limit.letters)
        if len(types) > 1 or not letters:
            return None
        filters = tuple(sorted({*self.filters, *limit.filters}))
        return Scope(self.level, types.pop() if types else EVERY_TYPE, letters, filters, self.first_version)


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a token, a client or a session may do: the union of its scopes, and the words that are no resources."""

    resources: tuple[Scope, ...] = ()
    others: tuple[str, ...] = ()

    @staticmethod
    def parse(text: str) -> "Scopes":
        """Every scope of a space-separated list. Raises `BadScope` for one that is none, and for too long a list."""
        return _parsed(text)

    @classmethod
    def asked(cls, text: str) -> Self:
        """What a client asks for: whatever is no scope we can read is left out, as unknown scopes are."""
        return cls.read(text, strict=False)

    @classmethod
    def read(cls, text: str, *, strict: bool) -> Self:
        """The scopes of a list; what is none is left out, unless `strict`: then it raises `BadScope`."""
        if len(text) > LONGEST:
            raise BadScope("too long")
        resources: dict[Scope, None] = {}
        others: dict[str, None] = {}
        for word in text.split():
            try:
                found = _read_one(word)
            except BadScope:
                if strict:
                    raise
                continue
            if isinstance(found, Scope):
                resources[found] = None
            else:
                others[found] = None
        return cls(tuple(resources), tuple(others))

    def __str__(self) -> str:
        """Space-separated, as in a token response."""
        return " ".join([*self.others, *map(str, self.resources)])

    def __iter__(self) -> Iterator[Scope]:
        """Those about resources."""
        return iter(self.resources)

    def __bool__(self) -> bool:
        """Whether anything about resources is allowed at all."""
        return bool(self.resources)

    def __contains__(self, word: object) -> bool:
        """Whether one of the words that are no resources is among them."""
        return word in self.others

    def covers(self, needed: Scope | str) -> bool:
        """Whether every letter of `needed` is allowed by one of these."""
        wanted = Scope.parse(needed) if isinstance(needed, str) else needed
        return all(
            any(scope.covers(Scope(wanted.level, wanted.type, letter, wanted.filters)) for scope in self.resources)
            for letter in wanted.letters
        )

    def touches(self, needed: Scope | str) -> bool:
        """Whether every letter of `needed` is allowed by one of these, if only for some resources of the type."""
        return _touches(self, needed)

    def filters_of(self, kind: str, letters: str, *, level: str = "patient") -> tuple[tuple[str, ...], ...] | None:
        """What a resource of a type must have so that one of `letters` is allowed: one of these sets of "name=value".

        None where one of the scopes has no filter: then every resource of the type may be seen.
        """
        return _filters(self, kind, letters, level)

    @property
    def sorts_reports(self) -> bool:
        """Whether filters let some reports through and no scope lets through all of them."""
        whole = any(self.filters_of(kind, "rs") is None for kind in ("DiagnosticReport", "DocumentReference"))
        return not whole and any(self.filters_of(kind, "rs") for kind in FILTERS)

    def covers_all(self, others: "Scopes") -> bool:
        """Whether `others` ask for nothing more than these."""
        return all(self.covers(scope) for scope in others.resources) and set(others.others) <= set(self.others)

    def narrowed(self, limit: "Scopes") -> "Scopes":
        """What both allow, spelled as these were. Never more than either (property-tested)."""
        kept: dict[Scope, None] = {}
        for scope in self.resources:
            for bound in limit.resources:
                both = scope.narrowed(bound)
                if both is not None:
                    kept[both] = None
        return Scopes(_without_covered(tuple(kept)), tuple(word for word in self.others if word in limit.others))

    def kept(self) -> "Scopes":
        """Those whose filters we can apply; the others are left out, since none is ever taken for a whole one."""
        return Scopes(tuple(scope for scope in self.resources if scope.is_kept), self.others)

    def without(self, *words: str) -> "Scopes":
        """The same without these words that are no resources."""
        return Scopes(self.resources, tuple(word for word in self.others if word not in words))

    @property
    def has_every_type(self) -> bool:
        """Whether one of them names every type, now and in future."""
        return any(scope.type == EVERY_TYPE for scope in self.resources)


@lru_cache(maxsize=256)  # the same words come with every request of a token, and are no secret
def _parsed(text: str) -> Scopes:
    return Scopes.read(text, strict=True)


@lru_cache(maxsize=1024)
def _filters(scopes: Scopes, kind: str, letters: str, level: str) -> tuple[tuple[str, ...], ...] | None:
    wanted = [Scope(level, kind, letter) for letter in letters]
    found = [one.filters for one in scopes.resources if any(one.touches(scope) for scope in wanted)]
    return None if () in found else tuple(dict.fromkeys(found))


@lru_cache(maxsize=1024)  # every route asks the same of the same words
def _touches(scopes: Scopes, needed: Scope | str) -> bool:
    wanted = Scope.parse(needed) if isinstance(needed, str) else needed
    return all(
        any(scope.touches(replace(wanted, letters=letter)) for scope in scopes.resources) for letter in wanted.letters
    )


def _read_one(word: str) -> Scope | str:
    if word.split("/", 1)[0] in {"patient", "user", "system"}:
        return Scope.parse(word)
    if not _OTHER.fullmatch(word):
        raise BadScope(word[:100])
    return word


def _without_covered(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    return tuple(
        scope
        for at, scope in enumerate(scopes)
        if not any(
            other.covers(scope) and (not scope.covers(other) or place < at)
            for place, other in enumerate(scopes)
            if place != at
        )
    )


def union(many: Iterable[Scopes]) -> Scopes:
    """Everything that any of them allows."""
    listed = list(many)
    return Scopes(
        tuple(dict.fromkeys(scope for one in listed for scope in one.resources)),
        tuple(dict.fromkeys(word for one in listed for word in one.others)),
    )


# What we can keep the promise of (standards: everything listed must really work).
_SENT = (
    "Patient",
    "ImagingStudy",
    "DiagnosticReport",
    "DocumentReference",
    "Observation",
    "ServiceRequest",
    "Organization",
    "Practitioner",
    "PractitionerRole",
)
READABLE: tuple[str, ...] = (*_SENT, "Binary", "Endpoint", "Consent", "Provenance", "AuditEvent")
CREATABLE: tuple[str, ...] = _SENT
SIGN_IN, TELL_WHO = "openid", ("fhirUser", "profile")  # the last is the first version's word for the one before
WORDS = ("launch/patient", "launch/imagingstudy", "openid", "fhirUser", "profile", "offline_access")
PATIENT_READS = Scopes.parse("patient/*.rs")
APP_LIMIT = Scopes.parse(f"{' '.join(WORDS)} patient/*.rs")
SITE_LIMIT = Scopes.parse("system/*.c")
