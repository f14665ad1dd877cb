"""What files of tests may be given in another way than others: `services = given.both_databases`."""

import pytest

from tests.vault.owners import PushingSite, a_vault, link
from vault.database import Services
from vault.keyring import VaultKeyring


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def both_databases(request: pytest.FixtureRequest, services: Services) -> Services:
    """Everything in the file holds on both."""
    return services if request.param == "sqlite" else request.getfixturevalue("postgres_services")


@pytest.fixture
def a_linked_patient(services: Services, site: PushingSite) -> VaultKeyring:
    """What the site pushes comes to her."""
    with services.work() as work:
        keyring = a_vault(work)
    link(services, site.site, keyring)
    return keyring
