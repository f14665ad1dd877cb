"""What there is to fetch: the studies that were shared, and each one's signed list of instances."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from consent.attesting import MEDIA_TYPE, read_attested
from consent.errors import NotAttested
from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.dicomweb.manifest import KIND
from phr.pulling import NotLetIn, PullError
from phr.pulling.passing import Way
from phr.pulling.web import Answer

PAGE = 500
_UID = "0020000D"


class NotAsPromised(PullError):
    """What the server lists is not signed by it, or not what was asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One instance of a study. `length` and `sha256` are of the octets as they are stored.

    One that is `reencoded` arrives written anew (implicit VR and big endian never leave a server), with others.
    """

    series: str
    instance: str
    length: int
    sha256: str
    reencoded: bool

    @property
    def uids(self) -> tuple[str, str]:
        """Series and instance."""
        return self.series, self.instance


@dataclass(frozen=True, slots=True)
class Listed:
    """A study's list, proved to be the server's; `signed` is it as it came."""

    study: str
    wanted: tuple[Wanted, ...]
    signed: str

    @classmethod
    def read(cls, signed: str, keys: Mapping[str, Any], *, base: str, study: str) -> Self:
        """Raises `NotAsPromised` for a list of another server or study, and for one that miscounts itself."""
        try:
            said = read_attested(signed, keys, kind=KIND)
            wanted = tuple(_wanted(one) for one in said["instances"])
        except (NotAttested, KeyError, TypeError, ValueError):
            raise NotAsPromised(f"The list of study {study} is not signed by the server.") from None
        if (said.get("iss"), said.get("study"), said.get("count")) != (base, study, len(wanted)):
            raise NotAsPromised(f"The list of study {study} is of something else.")
        return cls(study, tuple(dict.fromkeys(wanted)), signed)  # two sites may have sent the very same


class NotWhole(PullError):
    """A study of which a part was not shared; the others can be fetched."""


class Lists:
    """The lists of one server; its keys are asked for once."""

    def __init__(self, way: Way) -> None:
        self._way, self._dicomweb = way, f"{way.web.base}/dicomweb"
        self._keys: Mapping[str, Any] | None = None

    def studies(self) -> list[str]:
        """The UIDs of the studies that hold pictures (QIDO-RS)."""
        found: list[str] = []
        while True:
            url = f"{self._dicomweb}/studies?limit={PAGE}&offset={len(found)}"
            page = list(_uids(self._asked(url, "application/dicom+json", "list the studies").json()))
            found += page
            if len(page) < PAGE:
                return list(dict.fromkeys(found))

    def of(self, study: str) -> Listed:
        """The list of one study. Raises `NotWhole` where a part of it was not shared, `NotAsPromised`, `NotLetIn`."""
        url = f"{self._dicomweb}/studies/{study}/manifest"
        answer = self._way.get(url, MEDIA_TYPE)
        if answer.status == 403 and "copy" not in answer.words():
            raise NotWhole(f"Study {study} was not shared as a whole; nothing of it is fetched.")
        _check(answer, "list a study")
        return Listed.read(answer.body.decode("ascii", "replace"), self._known(), base=self._way.web.base, study=study)

    def _known(self) -> Mapping[str, Any]:
        """The server's keys."""
        if self._keys is None:
            url = f"{self._dicomweb}/manifest-keys"
            self._keys = self._asked(url, "application/jwk-set+json", "tell its keys").json()
        return self._keys or {}

    def _asked(self, url: str, accept: str, what: str) -> Answer:
        answer = self._way.get(url, accept)
        _check(answer, what)
        return answer


def _check(answer: Answer, what: str) -> None:
    if answer.status == 403:
        raise NotLetIn(answer.words() or "The patient did not allow this.")
    if answer.status not in {200, 204}:
        raise NotAsPromised(f"The server did not {what} (status {answer.status}). {answer.words()}".strip())


def _uids(rows: Any) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else []:
        uid = str((row.get(_UID, {}).get("Value") or [""])[0])
        if not is_uid(uid):  # it becomes the name of a folder
            raise NotAsPromised("The server lists a study without a number.")
        yield uid


def _wanted(said: Mapping[str, Any]) -> Wanted:
    series, instance = str(said["series"]), str(said["instance"])
    if not (is_uid(series) and is_uid(instance)):
        raise ValueError("no name of a file")
    return Wanted(series, instance, int(said["length"]), str(said["sha256"]), said.get("reencoded") is True)
