"""Who is asking, with which scopes, holding which keys: the value every decision is made on.

An `Access` is made once a request by `consent.request` and by nobody else. Rules come in pairs: `check_…` raises,
`can_…` answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from consent.errors import ConsentError, CopyNotAllowed, NotYours, RightMissing, ScopeTooSmall
from consent.keyrings import ManyKeyrings, WithoutReports
from consent.scopes import Scopes, union
from vault.audit import Actor
from vault.database import Work
from vault.errors import NotThere
from vault.ids import Id
from vault.intake import Pusher
from vault.keyring import KeyClass, Keyring, Owner, OwnerKind, VaultKeyring
from vault.limits import GrantBounds
from vault.sites import Site


@dataclass(frozen=True, slots=True)
class Access:
    """Who is asking.

    actor       what the audit chain says; its `via` is the grant
    scopes      what they may ask for
    keyring     what opens studies: a vault, a grant, or several grants; None for a site
    vault_id    whose studies these are; None for a site, and for a provider until `for_study`
    grant       the one grant they ask under, if it is one
    own         the vault of the person who is signed in (patient or provider)
    session_id  the signed-in device; for a guest the session over the grant
    token_id    the bearer token
    rights      what a client may do beside its scopes: push, claims
    parts       the single accesses this one is made of: one for each grant of a provider
    """

    actor: Actor
    scopes: Scopes
    keyring: Keyring | None = None
    vault_id: Id | None = None
    grant: GrantBounds | None = None
    own: VaultKeyring | None = None
    account_id: Id | None = None
    session_id: Id | None = None
    token_id: Id | None = None
    client_id: str | None = None
    rights: frozenset[str] = frozenset()
    site: Site | None = None
    pusher: Pusher | None = field(default=None, repr=False)
    auth_time: datetime | None = None
    expires: datetime | None = None
    idle: timedelta | None = None
    parts: tuple["Access", ...] | None = None

    # --- what can be seen of it ---

    @property
    def patient(self) -> str | None:
        """The FHIR Patient's id of whoever's studies these are."""
        return None if self.vault_id is None else self.vault_id.hex()

    @property
    def owner(self) -> Owner:
        """Whose chain of events this is told to. Raises `NotThere` where it is nobody's or more than one's."""
        if self.site is not None:
            return Owner(OwnerKind.SITE, self.site.id)
        if self.vault_id is None:
            raise NotThere
        return Owner(OwnerKind.VAULT, self.vault_id)

    @property
    def each(self) -> tuple["Access", ...]:
        """The single accesses: itself, or one for each grant or session it is made of (which may be none)."""
        return (self,) if self.parts is None else self.parts

    @property
    def is_patient(self) -> bool:
        """Whether this is the patient, signed in, at their own record."""
        return self.actor.kind == "patient" and self.parts is None

    @property
    def caller(self) -> bytes:
        """By what uses are counted: the token or the session."""
        return self.token_id or self.session_id or b""

    def opened(self) -> Keyring:
        """The keyring. Raises `NotThere` for a site, which opens nothing."""
        if self.keyring is None:
            raise NotThere
        return self.keyring

    def opened_for_objects(self) -> Keyring:
        """The keyring for objects as they are stored. These say no category, so reports among them stay closed where
        scopes let only reports of some categories through. Raises `NotThere` as `opened` does.
        """
        return WithoutReports(self.opened()) if self.scopes.sorts_reports else self.opened()

    def own_vault(self) -> VaultKeyring:
        """The signed-in person's own vault. Raises `NotYours`."""
        if self.own is None:
            raise NotYours("only who is signed in has a record of their own")
        return self.own

    def for_study(self, work: Work, study_id: bytes) -> "Access":
        """The single access under which this study is seen; one that allows a copy comes first. Raises `NotThere`."""
        fitting = [one for one in self.each if one.can_read(work, study_id)]
        if not fitting:
            raise NotThere
        return next((one for one in fitting if one.grant is None or not one.grant.view_only), fitting[0])

    # --- rules, in pairs ---

    def check_right(self, right: str) -> None:
        """Raise `RightMissing` unless the client has this right: push, claims or introspect."""
        if right not in self.rights:
            raise RightMissing(right)

    def has_right(self, right: str) -> bool:
        """Whether the client has this right."""
        return _holds(lambda: self.check_right(right))

    def check_scope(self, *needed: str) -> None:
        """Raise `ScopeTooSmall` unless every scope named is covered, such as "patient/ImagingStudy.r".

        Of a type that scopes filter, it may be covered for some resources alone: `filters_for` says for which.
        """
        for scope in needed:
            if not self.scopes.touches(scope):
                raise ScopeTooSmall(" ".join(needed))

    def can_scope(self, *needed: str) -> bool:
        """Whether every scope named is covered."""
        return _holds(lambda: self.check_scope(*needed))

    def filters_for(self, kind: str, letters: str) -> tuple[tuple[str, ...], ...] | None:
        """What a resource of a type must have to be seen by one of `letters`: one of these sets of "name=value".

        None where the scopes let through every resource of the type (SMART App Launch 2.2, granular scopes).
        """
        return self.scopes.filters_of(kind, letters)

    def check_can_read(self, work: Work, study_id: bytes) -> None:
        """Raise `NotThere` unless the study is among those this access sees."""
        if self.keyring is None or not self.keyring.holding(work, [study_id]):
            raise NotThere

    def can_read(self, work: Work, study_id: bytes) -> bool:
        """Whether the study is among those this access sees."""
        return _holds(lambda: self.check_can_read(work, study_id))

    def check_can_copy(self, work: Work, study_id: bytes) -> None:
        """Raise `CopyNotAllowed` where the patient allowed only looking, `NotThere` where they gave nothing.

        Whole objects (instance, series, study, ZIP) are copies; frames and rendered pictures are looking.
        """
        self.for_study(work, study_id).check_copies()

    def check_copies(self) -> None:
        """The same of the single access under which a study is seen."""
        if self.grant is not None and self.grant.view_only:
            raise CopyNotAllowed

    def can_copy(self, work: Work, study_id: bytes) -> bool:
        """Whether whole objects of the study may be handed out."""
        return _holds(lambda: self.check_can_copy(work, study_id))

    def check_class(self, key_class: KeyClass) -> None:
        """Raise `NotThere` unless at least one grant holds keys of this class (the keys themselves decide)."""
        if not any(one.grant is None or key_class in one.grant.classes for one in self.each):
            raise NotThere

    def check_can_give(self) -> VaultKeyring:
        """The patient's vault. Raises `NotYours` for everyone else: what was given is never given on."""
        if not self.is_patient or self.own is None:
            raise NotYours("only the patient gives")
        return self.own

    def can_give(self) -> bool:
        """Whether this is someone who may give."""
        return _holds(self.check_can_give)


def together(owner: Owner, parts: Sequence[Access], *, signed_in: Access) -> Access:
    """Several accesses as one, for whoever `signed_in` says; each study is seen under its own part."""
    single = tuple(one for part in parts for one in part.each)
    keyrings = [one.keyring for one in single if one.keyring is not None]
    return replace(
        signed_in,
        scopes=union([signed_in.scopes, *(one.scopes for one in single)]),
        keyring=ManyKeyrings(owner, keyrings),
        grant=None,
        parts=single,
    )


def _holds(check: Callable[[], object]) -> bool:
    try:
        check()
    except (ConsentError, NotThere):
        return False
    return True
