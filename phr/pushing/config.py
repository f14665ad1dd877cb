"""What a site has to know to push: the JSON that `phr site add` printed, and its own signing key beside it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from phr.pushing import WrongConfig

_NEEDED = ("client_id", "token_url", "fhir_base", "dicomweb_base")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """Where to push to, and as whom. `mrn_system` is the FHIR system of the site's patient numbers."""

    client_id: str
    token_url: str
    fhir_base: str
    dicomweb_base: str
    name: str
    mrn_system: str
    scopes: str
    key: dict[str, Any] = field(repr=False)
    seal_seed: str = field(repr=False)

    @classmethod
    def read(cls, path: Path, key_path: Path | None = None) -> Self:
        """The file as it stands; the key is in it (`key`), in the file it names (`key_file`) or in `key_path`."""
        said = _object(path)
        missing = [name for name in _NEEDED if not isinstance(said.get(name), str)]
        if missing:
            raise WrongConfig(f"{path} lacks {', '.join(missing)}; it should hold what phr site add printed.")
        for name in _NEEDED[1:]:
            _check_address(said[name])
        return cls(
            client_id=said["client_id"],
            token_url=said["token_url"],
            fhir_base=said["fhir_base"].rstrip("/"),
            dicomweb_base=said["dicomweb_base"].rstrip("/"),
            name=str(said.get("name") or ""),
            mrn_system=str(said.get("mrn_system") or ""),
            scopes=str(said.get("scopes") or "system/*.c"),
            key=_key(said, path, key_path),
            seal_seed=str(said.get("seal_seed") or ""),
        )


def _key(said: dict[str, Any], path: Path, key_path: Path | None) -> dict[str, Any]:
    if key_path is not None:
        return _object(key_path)
    if isinstance(said.get("key"), dict):
        return said["key"]
    if isinstance(said.get("key_file"), str):
        return _object(path.parent / said["key_file"])
    raise WrongConfig(f"{path} names no signing key: add key_file, or give --key.")


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise WrongConfig(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise WrongConfig(f"{path} is not JSON.") from None
    if not isinstance(found, dict):
        raise WrongConfig(f"{path} does not hold a JSON object.")
    return found


def _check_address(address: str) -> None:
    """Pictures and keys leave over TLS alone, but for a server on this very machine."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise WrongConfig(f"{address} is not https.")
