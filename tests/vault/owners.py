"""Owners made in one line: a vault with its row, a site with its seed, a pushed study."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from vault.database import Services, Work
from vault.facts import InstanceFacts, PersonFacts, SeriesFacts, StudyFacts
from vault.ids import Id, new_id
from vault.intake import OpenBatch, Pusher, open_batch
from vault.keyring import KeyClass, Owner, OwnerKind, VaultKeyring, row_mac
from vault.links import identify
from vault.receiving import IncomingObject, Receiving
from vault.sites import Site, SiteDetails, add_site, find_site
from vault.tables import LinkRow, ScopeRow, VaultRow

ANA = PersonFacts(name="Perez^Ana", born="19580327", sex="F", mrn="12345")


def a_vault(work: Work) -> VaultKeyring:
    """A vault of nobody in particular, opened."""
    keyring = VaultKeyring(new_id(), os.urandom(32))
    mac = row_mac(work, "vault", keyring.vault_id, keyring.pair.public, keyring.signing_key.public)
    work.session.add(
        VaultRow(
            id=keyring.vault_id,
            vpk=keyring.pair.public,
            sig_pk=keyring.signing_key.public,
            record=b"",
            row_mac=mac,
            created=work.now,
        )
    )
    work.session.flush()
    return keyring


@dataclass(frozen=True)
class PushingSite:
    """A site, its seed, and one of its tokens."""

    site: Site
    seed: bytes
    pusher: Pusher

    def next_token(self, services: Services) -> "PushingSite":
        return PushingSite(self.site, self.seed, a_pusher(services, self.site))


def a_pusher(services: Services, site: Site) -> Pusher:
    return Pusher.of(site, os.urandom(32), services.clock.now() + timedelta(seconds=300))


def a_site(services: Services, name: str = "Harbor Scan Center") -> PushingSite:
    with services.work() as work:
        made = add_site(work, SiteDetails(name=name, phone="555 0100"))
        site = find_site(work, made.site_id)
    return PushingSite(site, made.seal_seed, a_pusher(services, site))


def link(services: Services, site: Site, keyring: VaultKeyring, person: PersonFacts = ANA) -> Id:
    """Join the site's patient number to a vault, as a claim would."""
    patient = identify(services.secrets, site, mrn=person.mrn, issuer=person.issuer, born=person.born)
    with services.work() as work:
        scope_id, link_id = new_id(), new_id()
        owner = Owner(OwnerKind.VAULT, keyring.vault_id)
        work.session.add(
            ScopeRow(
                id=scope_id,
                site=site.id,
                patient_bi=patient.bi,
                dob_check=patient.dob_check,
                owner_kind=owner.kind.value,
                owner=owner.id,
                row_mac=row_mac(work, "scope", scope_id, owner.kind.value, owner.id),
            )
        )
        work.session.flush()
        check = 256 if patient.dob_check is None else patient.dob_check
        work.session.add(
            LinkRow(
                id=link_id,
                bi=patient.bi,
                dob_check=patient.dob_check,
                vault=keyring.vault_id,
                site=site.id,
                scope=scope_id,
                state="live",
                created=work.now,
                row_mac=row_mac(work, "link", link_id, patient.bi, check, keyring.vault_id, site.id, scope_id),
            )
        )
    return link_id


def a_picture(uid: str, octets: bytes, *, study_uid: str = "1.2.3", series_uid: str = "1.2.3.1") -> IncomingObject:
    """An instance that is not DICOM at all: the vault takes octets."""

    def pieces() -> Iterator[bytes]:
        yield octets[:1000]
        yield octets[1000:]

    return IncomingObject(
        uid=uid,
        key_class=KeyClass.PICTURES,
        study=StudyFacts(uid=study_uid, date="20260301", description="Knee MRI", accession="A1", person=ANA),
        series=SeriesFacts(uid=series_uid, number=1, modality="MR", description="Sagittal"),
        octets=pieces(),
        facts=lambda: InstanceFacts(uid=uid, sop_class="1.2.840.10008.5.1.4.1.1.4", number=1, frames=1),
        dicom=lambda: {"00080018": {"vr": "UI", "Value": [uid]}},
        layout=lambda: {"frames": [[0, len(octets)]]},
    )


def a_document(uid: str, octets: bytes, *, study_uid: str = "1.2.3") -> IncomingObject:
    """A structured report, whose words are of the reports' class."""
    return IncomingObject(
        uid=uid,
        key_class=KeyClass.REPORTS,
        study=StudyFacts(uid=study_uid, date="20260301", person=ANA),
        series=SeriesFacts(uid="1.2.3.9", number=9, modality="SR"),
        octets=[octets],
        facts=lambda: InstanceFacts(uid=uid, sop_class="1.2.840.10008.5.1.4.1.1.88.11", key_class="rep"),
        dicom=lambda: {"00080018": {"vr": "UI", "Value": [uid]}},
        layout=dict,
        full=lambda: {"0040A160": {"vr": "UT", "Value": ["a torn meniscus"]}},
    )


def begin(services: Services, site: PushingSite, *, study_uid: str = "1.2.3", person: PersonFacts = ANA) -> OpenBatch:
    """The batch the site's token has for this patient and study."""
    patient = identify(services.secrets, site.site, mrn=person.mrn, issuer=person.issuer, born=person.born)
    return open_batch(services, site.pusher, patient, study_uid)


def push(services: Services, site: PushingSite, *things: IncomingObject, person: PersonFacts = ANA) -> OpenBatch:
    """Push instances of one study in one request."""
    batch = begin(services, site, study_uid=things[0].study.uid, person=person)
    with Receiving(services, site.pusher) as receiving:
        for thing in things:
            receiving.instance(batch, thing)
        assert not receiving.commit()
    return batch
