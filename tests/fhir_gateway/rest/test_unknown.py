"""What is not there says so in FHIR's words, to programs that look for it as they come by."""

import pytest

from tests.fhir_gateway.callers import FHIR_JSON


@pytest.mark.parametrize("path", ["/fhir", "/fhir/"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_base_itself_holds_nothing_to_read(site, method, path):
    answer = site.asks(method, path)
    assert answer.status_code == 404
    assert answer.get_json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("path", ["/fhir", "/fhir/"])
def test_bundles_are_still_sent_to_the_base(site, path):
    answer = site.post(path, b'{"resourceType": "Bundle", "type": "batch", "entry": []}', FHIR_JSON)
    assert answer.status_code == 200
