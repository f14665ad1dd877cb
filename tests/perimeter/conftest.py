"""The same houses as on journeys."""

from tests.journeys.conftest import indoors, keepray, postgres_house, sqlite_house  # noqa: F401  fixtures
