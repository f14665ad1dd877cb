"""A receiver of SMART Health Links that knows the standard and nothing of this project: HTTP, JSON, and joserfc."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc import jwe
from joserfc.jwk import OctKey

Json = dict[str, Any]


def octets_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Receiver:
    """Somebody's health app, with one link."""

    http: requests.Session
    link: str = field(repr=False)
    recipient: str = "Riverbend Emergency"

    def __post_init__(self) -> None:
        scheme, _, text = self.link[self.link.index("shlink:/") :].partition("/")
        assert scheme == "shlink:"
        self.payload: Json = json.loads(octets_of(text))
        self.http.trust_env = False

    @property
    def url(self) -> str:
        return self.payload["url"]

    def asks(self, **body: Any) -> requests.Response:
        """The manifest, with a recipient unless told otherwise."""
        said = {"recipient": self.recipient, **body}
        sent = {name: value for name, value in said.items() if value is not None}
        return self.http.post(self.url, json=sent, timeout=60)

    def manifest(self, **body: Any) -> list[Json]:
        answer = self.asks(**body)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        assert answer.headers["Content-Type"] == "application/json"
        return answer.json()["files"]

    def fetches(self, one: Json) -> str:
        if "embedded" in one:
            return one["embedded"]
        answer = self.http.get(one["location"], timeout=60)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jose"), answer.text
        return answer.text

    def opens(self, compact: str, content_type: str) -> Json:
        """The file inside, after its header was found to be what the standard says."""
        assert json.loads(octets_of(compact.split(".", maxsplit=1)[0])) == {
            "alg": "dir",
            "enc": "A256GCM",
            "cty": content_type,
        }
        key = OctKey.import_key(octets_of(self.payload["key"]))
        return json.loads(jwe.decrypt_compact(compact, key, algorithms=["dir", "A256GCM"]).plaintext)

    def files(self, **body: Any) -> dict[str, Json]:
        """Every file, opened, by its content type."""
        return {one["contentType"]: self.opens(self.fetches(one), one["contentType"]) for one in self.manifest(**body)}

    def of(self, bundle: Json, kind: str) -> list[Json]:
        return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]
