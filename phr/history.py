"""What the identifiers of a history are called, found with the patient's own keys."""

from __future__ import annotations

from consent.access import Access
from consent.health_links import readers_of
from phr.event_words import Names
from phr.scans import scans_of, site_names
from phr.shares import ended_shares_of, shares_of
from vault.catalogue import Catalogue
from vault.database import Work
from vault.ids import parse_id


def names_for(work: Work, access: Access, catalogue: Catalogue) -> Names:
    """Names of scans, of those it was shared with (also ended), and of scan centers."""
    shares = [*shares_of(work, access, catalogue), *ended_shares_of(work, access, catalogue)]
    scans = {parse_id(scan.id): scan.title for scan in scans_of(work, catalogue)}
    folders = {folder: scans[study.id] for study in catalogue.studies for folder in study.folders if study.id in scans}
    return Names(
        scans={**folders, **scans},
        shares={parse_id(share.id): share.who for share in shares},
        sites=site_names(work, catalogue.studies),
        readers=readers_of(work, access),
    )
