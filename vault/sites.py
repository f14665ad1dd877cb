"""Imaging sites: what they registered, and the key that what they push waits under (docs/format.md 4.2)."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

import sqlalchemy as sa

from vault import audit, erasure
from vault.audit import SYSTEM_ACTOR, Actor, Did
from vault.database import Work
from vault.errors import NotThere
from vault.ids import Id, new_id
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import SYSTEM, Owner, OwnerKind, canonical_json, check_row_mac, row_mac
from vault.sealing.suite import KeyPair
from vault.tables import BatchKeyRow, BatchRow, IngestRow, ScopeRow, SiteLogoRow, SiteRow, StudyRow


@dataclass(frozen=True, slots=True)
class SiteDetails:
    """What a site tells about itself. `zone` is an IANA time zone.

    `default_issuer` is the assigning authority of patient numbers that name none. `issuers` maps what the site's
    messages call an authority (a FHIR system, a DICOM issuer, "" for none) to the one that is meant. For so many days
    after a report came its patient is told to wait, where law asks for it.
    """

    name: str
    phone: str = ""
    zone: str = "UTC"
    address: str = ""
    default_issuer: str = ""
    issuers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    language: str = "en"
    reports_held_days: int = 0

    def to_text(self) -> str:
        """As the row keeps it."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return canonical_json(named | {"issuers": dict(self.issuers)})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The reverse; words this version does not know are left out."""
        named: dict[str, Any] = json.loads(text)
        return cls(**{one.name: named[one.name] for one in fields(cls) if one.name in named})


@dataclass(frozen=True, slots=True)
class Site:
    """A registered site. `seal_pk` is the public half of its seal key; its row MAC was checked."""

    id: Id
    details: SiteDetails
    active: bool
    seal_pk: bytes = field(repr=False)

    @property
    def owner(self) -> Owner:
        """The site as an owner of keys and of a chain of events."""
        return Owner(OwnerKind.SITE, self.id)


@dataclass(frozen=True, slots=True)
class Logo:
    """The picture by which a site's patients know it, as a file of its media type."""

    media_type: str
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site just made, or its seal key just renewed: the seed is printed once for the site and not kept."""

    site_id: Id
    seal_seed: bytes = field(repr=False)


def add_site(work: Work, details: SiteDetails, *, by: Actor = SYSTEM_ACTOR) -> NewSite:
    """The site exists and can be pushed for; only it will have the seed of its seal key."""
    site_id, seed = new_id(), os.urandom(32)
    row = SiteRow(id=site_id, details=details.to_text(), active=True, created=work.now)
    _give_seal_key(work, row, seed)
    work.session.add(row)
    work.session.flush()
    _record(work, Did.SITE_ADDED, site_id, by)
    return NewSite(site_id, seed)


def _by_id(wanted: Found) -> Found:
    return wanted.where(table_of(SiteRow).c.id == octets("id"))


_FOUND = Joined(Part(SiteRow), found=_by_id)


def find_site(work: Work, site_id: bytes) -> Site:
    """The site, switched off or not. Raises `NotThere`; `BrokenRecord` if its seal key is not the one we wrote."""
    for (row,) in _FOUND.rows(work, id=site_id):
        return _site(work, row)
    raise NotThere


def all_sites(work: Work) -> list[Site]:
    """Every site, oldest first."""
    return [_site(work, row) for row in work.session.scalars(sa.select(SiteRow).order_by(SiteRow.created))]


def change_details(work: Work, site_id: bytes, details: SiteDetails) -> None:
    """The site is described anew; its keys, links and claims stay."""
    _row(work, site_id).details = details.to_text()
    work.session.flush()


def keep_logo(work: Work, site_id: bytes, logo: Logo | None) -> None:
    """The site's slips carry this picture from now on, or none. Raises `NotThere`."""
    row = _row(work, site_id)
    work.session.execute(sa.delete(SiteLogoRow).where(SiteLogoRow.site == row.id))
    if logo is not None:
        work.session.add(SiteLogoRow(site=row.id, media_type=logo.media_type, octets=logo.octets))
    work.session.flush()


def logo_of(work: Work, site_id: bytes) -> Logo | None:
    """The site's picture, if it gave one."""
    row = work.session.get(SiteLogoRow, site_id)
    return None if row is None else Logo(row.media_type, row.octets)


def switch_off(work: Work, site_id: bytes, *, by: Actor = SYSTEM_ACTOR) -> None:
    """No token of the site goes on with a batch; what it pushed stays where it is."""
    _row(work, site_id).active = False
    work.session.execute(sa.delete(IngestRow).where(IngestRow.batch.in_(_batches_of(site_id))))
    _record(work, Did.SITE_SWITCHED_OFF, site_id, by)


def rekey_site(work: Work, site_id: bytes, *, by: Actor = SYSTEM_ACTOR) -> NewSite:
    """The site that lost its seed has a new seal key.

    What only the old one opened is erased, so that the site can push it again; open claims keep what they have.
    """
    row, seed = _row(work, site_id), os.urandom(32)
    _give_seal_key(work, row, seed)
    waiting = sa.select(StudyRow.id).join(ScopeRow, StudyRow.scope == ScopeRow.id)
    waiting = waiting.where(ScopeRow.owner_kind == OwnerKind.SITE.value, ScopeRow.owner == site_id)
    erasure.erase_studies(work, list(work.session.scalars(waiting)))
    work.session.execute(
        sa.delete(BatchKeyRow).where(BatchKeyRow.owner_kind == OwnerKind.SITE.value, BatchKeyRow.owner == site_id)
    )
    _record(work, Did.SITE_REKEYED, site_id, by)
    return NewSite(Id(site_id), seed)


def _row(work: Work, site_id: bytes) -> SiteRow:
    row = work.session.get(SiteRow, site_id)
    if row is None:
        raise NotThere
    return row


def _site(work: Work, row: SiteRow) -> Site:
    check_row_mac(work, row.row_mac, "site", row.id, row.seal_pk)
    return Site(Id(row.id), SiteDetails.from_text(row.details), row.active, row.seal_pk)


def _give_seal_key(work: Work, row: SiteRow, seed: bytes) -> None:
    row.seal_pk = KeyPair.from_seed(seed).public
    row.row_mac = row_mac(work, "site", row.id, row.seal_pk)


def _batches_of(site_id: bytes) -> sa.Select[bytes]:
    of_site = sa.select(BatchRow.id).join(StudyRow, BatchRow.study == StudyRow.id)
    return of_site.join(ScopeRow, StudyRow.scope == ScopeRow.id).where(ScopeRow.site == site_id)


def _record(work: Work, did: Did, site_id: bytes, by: Actor) -> None:
    audit.record(work, owner=Owner(OwnerKind.SITE, Id(site_id)), did=did, by=by)
    audit.record(work, owner=SYSTEM, did=did, by=by, to=site_id)
