"""A patient with a vault, and a site; they know nothing of each other yet."""

import pytest

from tests.vault.owners import PushingSite, a_site, a_vault
from vault.database import Services
from vault.keyring import VaultKeyring


@pytest.fixture
def ana(services: Services) -> VaultKeyring:
    with services.work() as work:
        return a_vault(work)


@pytest.fixture
def site(services: Services) -> PushingSite:
    return a_site(services)
