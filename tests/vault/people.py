"""People with accounts, made in one line."""

from vault.accounts import SignedIn, open_account
from vault.database import Services

PASSWORD = "a scan of my left knee"


def a_patient(services: Services, login: str = "ana@example.org", *, born: str = "19580327") -> SignedIn:
    return open_account(services, login=login, password=PASSWORD, name="Ana Perez", born=born)


def a_provider(services: Services, login: str = "dr.lee") -> SignedIn:
    return open_account(services, login=login, password="twelve marks", kind="provider", name="Kim Lee")
