"""A patient with two scans, a doctor, an app, a site: who the tests are about."""

import pytest

from tests.consent.small_app import a_person, a_site_row, a_site_system, an_app, small_app
from tests.vault.owners import a_picture, a_site, link, push


@pytest.fixture
def app(services):
    return small_app(services)


@pytest.fixture
def web(app):
    return app.test_client()


@pytest.fixture
def ana(app, services):
    return a_person(app, services, "ana").signs_in()


@pytest.fixture
def ben(app, services):
    return a_person(app, services, "ben").signs_in()


@pytest.fixture
def doctor(app, services):
    from consent.errors import Area

    return a_person(app, services, "doctor", "provider").signs_in(area=Area.PROVIDER)


@pytest.fixture
def harbor(services, ana):
    site = a_site(services)
    link(services, site.site, ana.keyring)
    return site


@pytest.fixture
def knee(services, harbor):
    return push(services, harbor, a_picture("1.1", b"knee" * 100)).study_id


@pytest.fixture
def head(services, harbor):
    return push(services, harbor, a_picture("2.1", b"head", study_uid="2.2", series_uid="2.2.1")).study_id


@pytest.fixture
def tracker(app, services):
    return an_app(app, services)


@pytest.fixture
def pacs(app, services):
    return a_site_system(app, services, a_site_row(services))
