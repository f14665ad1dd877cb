"""Programs at the two wire protocols, in their own words; each has a test client and a bearer token."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories

FHIR_JSON = "application/fhir+json"
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass
class Caller:
    """Anyone who asks over HTTP, with a bearer token or without."""

    http: FlaskClient
    token: str | None = None

    def get(self, path: str, accept: str | None = None, **headers: str) -> TestResponse:
        """Headers by name, `_` for `-`."""
        return self.http.get(path, headers=self._headers(accept, headers))

    def post(
        self, path: str, data: bytes, content_type: str, accept: str | None = None, **headers: str
    ) -> TestResponse:
        """What is done once the answer has been sent is done when this returns."""
        named = self._headers(accept, headers)
        return self.http.post(path, data=data, content_type=content_type, headers=named, buffered=True)

    def asks(self, method: str, path: str, **headers: str) -> TestResponse:
        return self.http.open(path, method=method, headers=self._headers(None, headers))

    def whole(self, path: str, accept: str = AS_STORED) -> TestResponse:
        """Whole objects below `/dicomweb/studies/`."""
        return self.get(f"/dicomweb/studies/{path}", accept)

    def queries(self, path: str, *pairs: tuple[str, str]) -> TestResponse:
        query = urlencode(list(pairs))
        return self.get(f"/dicomweb/{path}" + (f"?{query}" if query else ""), "application/dicom+json")

    def _headers(self, accept: str | None, more: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        if self.token:
            named["Authorization"] = f"Bearer {self.token}"
        if accept:
            named["Accept"] = accept
        return named


@dataclass
class Reader(Caller):
    """A program that reads what it was given."""

    def search(self, kind: str, *pairs: tuple[str, str], **headers: str) -> TestResponse:
        query = urlencode(list(pairs))
        return self.get(f"/fhir/{kind}" + (f"?{query}" if query else ""), **headers)

    def searches(self, kind: str, *pairs: tuple[str, str]) -> Any:
        """The Bundle of a search that must succeed."""
        found = self.search(kind, *pairs)
        assert found.status_code == 200, found.text
        return found.json

    def matches(self, kind: str, *pairs: tuple[str, str]) -> list[Any]:
        """The resources that matched."""
        entries = self.searches(kind, *pairs).get("entry") or []
        return [one["resource"] for one in entries if one["search"]["mode"] == "match"]

    def reads(self, kind: str, resource_id: str, accept: str | None = None, **headers: str) -> TestResponse:
        return self.get(f"/fhir/{kind}/{resource_id}", accept, **headers)


def parts_of(answer: TestResponse) -> list[tuple[dict[str, str], bytes]]:
    """Headers and octets of each part of a multipart answer, cut as the standard says and no more kindly."""
    kind = answer.headers["Content-Type"]
    assert kind.startswith("multipart/related"), kind
    boundary = kind.rpartition("boundary=")[2].strip('"').encode()
    pieces = (b"\r\n" + answer.data).split(b"\r\n--" + boundary)
    assert pieces[0] == b""
    assert pieces[-1] in (b"--", b"--\r\n"), "the closing boundary is missing"
    found = []
    for piece in pieces[1:-1]:
        head, _, octets = piece.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().strip().split("\r\n")]
        found.append(({name: value for name, _, value in lines}, octets))
    return found


@dataclass
class Sender(Caller):
    """A site's system: pushes, and asks for slips."""

    seal_seed: bytes = field(default=b"", repr=False)

    def stores(self, *files: bytes, study: str | None = None, **headers: str) -> TestResponse:
        body, content_type = factories.a_body(files)
        return self.post("/dicomweb/studies" + (f"/{study}" if study else ""), body, content_type, **headers)

    def sends(self, bundle: Any, **headers: str) -> TestResponse:
        return self.post("/fhir", json.dumps(bundle).encode(), FHIR_JSON, **headers)

    def creates(self, resource: Any, **headers: str) -> TestResponse:
        return self.post(f"/fhir/{resource['resourceType']}", json.dumps(resource).encode(), FHIR_JSON, **headers)

    def operates(
        self, operation: str, /, accept: str | None = None, at: str = "Patient", **values: Any
    ) -> TestResponse:
        """A claim operation; values by parameter name."""
        kinds = {"birthDate": "valueDate", "days": "valueInteger", "name": "valueHumanName"}
        kinds |= {"identifier": "valueIdentifier"}
        listed = [
            {"name": one, kinds.get(one, "valueString"): value} for one, value in values.items() if value is not None
        ]
        sent = {"resourceType": "Parameters", "parameter": listed}
        return self.post(f"/fhir/{at}/${operation}", json.dumps(sent).encode(), FHIR_JSON, accept)

    def asks_for_slip(self, mrn: str, born: str | None, operation: str = "issue-claim", **more: Any) -> TestResponse:
        seed = base64.urlsafe_b64encode(self.seal_seed).rstrip(b"=").decode()
        values = {"identifier": {"value": mrn}, "birthDate": born, "sealSeed": seed} | more
        return self.operates(operation, **values)


def told(answer: TestResponse) -> dict[str, Any]:
    """The values of a Parameters resource by name."""
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in answer.json["parameter"]
    }
