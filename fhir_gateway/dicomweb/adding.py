"""
Instances that people add to their own record, from old discs and files: read and kept as a site's are.

What a disc says of the patient decides nothing here: whoever is signed in has said that it is theirs.
"""

from fhir_gateway.dicom.instance import IncomingInstance
from fhir_gateway.dicomweb.pushing import Taking
from fhir_gateway.dicomweb.reports import DOCUMENT_MOST, ReportsInside, Source
from vault.adding import open_own_batch
from vault.audit import Actor
from vault.database import Services
from vault.intake import OpenBatch
from vault.keyring import VaultKeyring


class Adding(Taking):
    """One request of one person for their own vault."""

    def __init__(self, services: Services, keyring: VaultKeyring, *, document_octets: int = DOCUMENT_MOST) -> None:
        source = Source(Actor("patient", keyring.vault_id))
        super().__init__(services, None, ReportsInside(services, source, most=document_octets))
        self._keyring = keyring
        self._batches: dict[str, OpenBatch] = {}

    def _batch(self, incoming: IncomingInstance) -> OpenBatch:
        """The open batch of the instance's study, made once."""
        uid = incoming.study_uid
        if uid not in self._batches:
            self._batches[uid] = open_own_batch(self._services, self._keyring, uid)
        return self._batches[uid]
