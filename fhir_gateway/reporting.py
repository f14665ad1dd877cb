"""
Reports on their way into the vault, whatever they came in: what each is known as, and which version of it this is.

A site names a report by an identifier of its own. What it sends under the same one again is the next version of the
same report; the same words again are no version at all (docs/reports.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from fhir_gateway.resources.attachments import without_octets
from fhir_gateway.resources.documents import IncomingDocument
from fhir_gateway.resources.references import rewritten
from vault.database import Services
from vault.ids import Id
from vault.intake import OpenBatch
from vault.pushed import condition_of, said_before, versions_of
from vault.sites import Site

Json = dict[str, Any]

REPORT = "DiagnosticReport"
_ACCESSION = "ACSN"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a report: its number, the report's id unless this is the first, and whether it is kept already."""

    number: int = 1
    report_id: Id | None = None
    there: bool = False


class Lines:
    """The versions of the reports of one push: those its site sent before, and those of the push itself."""

    def __init__(self, services: Services, site: Site) -> None:
        self._services, self._site = services, site
        self._here: dict[tuple[bytes, bytes], list[tuple[Id, str]]] = {}

    def condition(self, identifier: tuple[str, str] | None) -> bytes | None:
        """By what the versions of a report are found."""
        if identifier is None:
            return None
        system, value = identifier
        return condition_of(self._services.secrets, self._site, type=REPORT, system=system, value=value)

    def next(self, batch: OpenBatch, condition: bytes | None, content: str) -> Version:
        """Which version this would be, or is."""
        if condition is None:
            return Version()
        with self._services.reading() as work:
            sent = versions_of(work, self._site, condition, batch.scope_id)
            said = said_before(work, batch, sent, content)
        here = self._here.get((batch.scope_id, condition), [])
        if not sent and not here:
            return Version()
        report_id = sent[0].id if sent else here[0][0]
        again = [number for number, (_, words) in enumerate(here, start=len(sent) + 1) if words == content]
        if said is not None or again:
            return Version(said or again[0], report_id, there=True)
        return Version(len(sent) + len(here) + 1, report_id)

    def add(self, batch: OpenBatch, condition: bytes | None, kept: Id, content: str) -> None:
        """A version of this push is kept."""
        if condition is not None:
            self._here.setdefault((batch.scope_id, condition), []).append((kept, content))


def identifier_of(resource: Json) -> tuple[str, str] | None:
    """What a report is known as: its first identifier that is no accession number, else its first."""
    valued = [one for one in resource.get("identifier") or [] if one.get("value")]
    own = [one for one in valued if not _is_accession(one)] or valued
    return (str(own[0].get("system") or ""), str(own[0]["value"])) if own else None


def named(identifier: tuple[str, str] | None) -> str:
    """The same in one line; "" for a report without a name."""
    return "" if identifier is None else "|".join(identifier)


def content_of(resource: Json, documents: list[IncomingDocument], name_of: Callable[[str], str]) -> str:
    """Equal for reports that say the same; `name_of` gives what a reference stands for, so that ids do not matter."""
    files = [[one.media_type, one.title, one.sha1] for one in documents]
    plain = rewritten(without_octets(resource), name_of)
    return sha256(orjson.dumps([plain, files], option=orjson.OPT_SORT_KEYS)).hexdigest()


def as_sent(resource: Json) -> str:
    """A resource as text: its sender's numbers stay as they were written, whatever JSON writer comes after."""
    return orjson.dumps(resource).decode()


def _is_accession(identifier: Json) -> bool:
    kind = identifier.get("type")
    codings = kind.get("coding") or [] if isinstance(kind, dict) else []
    return any(one.get("code") == _ACCESSION for one in codings)
