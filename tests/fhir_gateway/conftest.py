"""A small app with both protocols, a site, a patient it knows, and a darkroom."""

from collections.abc import Iterator

import pytest
from flask import Flask

import consent.tables  # noqa: F401  its rows belong to the same metadata
from fhir_gateway.dicom.render import Renderer
from tests.fhir_gateway.house import PatientCaller, SiteCaller, a_house, a_patient, a_site
from vault.database import Services


@pytest.fixture(scope="session")
def darkroom() -> Iterator[Renderer]:
    renderer = Renderer(1)
    yield renderer
    renderer.close()


@pytest.fixture
def house(services: Services, darkroom: Renderer) -> Flask:
    return a_house(services, darkroom)


@pytest.fixture
def site(house: Flask) -> SiteCaller:
    return a_site(house)


@pytest.fixture
def patient(house: Flask, site: SiteCaller) -> PatientCaller:
    return a_patient(house).is_linked_to(site)
