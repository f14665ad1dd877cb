"""
Files of tests that take long, the longest first: whoever runs them beside one another begins with these.

Begun last, one of them would keep a single worker busy while the other has nothing left to do. Their places need no
care: a file that is missing here only comes later.
"""

LONGEST_FIRST = (
    "tests/journeys/test_killed.py",
    "tests/viewer/test_looking.py",
    "tests/viewer/test_trouble.py",
    "tests/viewer/test_reach.py",
    "tests/viewer/test_beside.py",
    "tests/viewer/test_rows.py",
    "tests/perimeter/test_thief.py",
    "tests/phr/test_demo.py",
    "tests/journeys/test_apps.py",
    "tests/acceptance/test_pages.py",
    "tests/acceptance/test_doing.py",
    "tests/acceptance/test_seeing.py",
    "tests/phr/test_pages_browser.py",
    "tests/phr/test_passkeys_browser.py",
    "tests/phr/test_upload_browser.py",
    "tests/phr/test_report_browser.py",
    "tests/journeys/test_slips.py",
    "tests/journeys/test_pulling.py",
    "tests/vault/test_kill.py",
    "tests/phr/test_cli.py",
    "tests/phr/test_push.py",
    "tests/fhir_gateway/rest/test_read.py",
    "tests/fhir_gateway/rest/test_search.py",
)
