"""The people of the pages, with browsers that ask for a language."""

from tests.phr.conftest import (  # noqa: F401
    ana,
    ana_with_a_scan,
    app,
    before,
    browser,
    doctor,
    one_set_of_keys,
    renderer,
    scan_center,
    secrets,
    settings,
)
