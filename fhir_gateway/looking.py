"""
What the asker sees, and what their patient's history says of it.

Both protocols ask here: which studies there are for this access, whose they are, and, once something was handed out,
that it was.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from consent.access import Access
from consent.receipts import mark_opened, mark_saved
from consent.watch import check_still_open
from vault import audit
from vault.audit import Did
from vault.catalogue import Catalogue, open_catalogue
from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id
from vault.recording import Happened, record_all
from vault.studies import Study

RECHECK_OCTETS: Final = 4 << 20  # docs/format.md 8: a long answer asks again whether it may go on
RECHECK_SECONDS: Final = 5.0
_HOUR: Final = 3600
_OPENED: Final = 300  # how old "last opened" may be
_REMEMBERED: Final = 10_000
_MANY: Final = 10_000
_LONGEST_QUESTION: Final = 500
_WHOSE: Final = frozenset({"patient", "subject"})
_OUR_ID: Final = re.compile(r"((https?://[^\s,]+/)?Patient/)?[0-9a-f]{32}")
_TELLS_NOTHING: Final = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_summary", "_total", "_type", "_lastUpdated"}
)


def catalogue_for(work: Work, access: Access) -> Catalogue:
    """Everything this access sees."""
    return open_catalogue(work, access.opened())


def study_for(work: Work, access: Access, study_id: Id) -> Study:
    """One study this access sees. Raises `NotThere`."""
    return open_catalogue(work, access.opened(), only=[study_id]).study(study_id)


def patient_for(work: Work, access: Access, study: Study) -> str:
    """The FHIR id of the patient whose study it is."""
    if access.patient is not None:
        return access.patient
    patient = access.for_study(work, study.id).patient
    if patient is None:
        raise NotThere
    return patient


def access_for(work: Work, access: Access, study_id: bytes) -> Access:
    """The single access under which the study is seen."""
    return access if access.parts is None else access.for_study(work, study_id)


def was_forgotten(work: Work, access: Access, study_id: bytes) -> bool:
    """Whether the patient had this study and deleted it; told to them and to apps that act for them, to nobody else.

    The record's own history is the only place that remembers it.
    """
    if access.parts is not None or access.vault_id is None or not (access.is_patient or access.actor.kind == "app"):
        return False
    forgotten = audit.events(work, access.owner, most=_MANY, kinds={Did.FORGOT_STUDY})
    return any(one.to == study_id for one in forgotten)


def tell_read(
    services: Services,
    access: Access,
    did: Did,
    *,
    of: str,
    to: bytes | None = None,
    study: bytes | None = None,
    asked: str = "",
) -> None:
    """One FHIR read or search is an event of the patient's chain; of each patient's, where several are looked at.

    `asked` is the question of a search as `question_told` wrote it. Whoever was given something has opened it, which
    is noted every five minutes at most.
    """
    told = list(access.each) if study is None else [_seen_under(services, access, study)]
    which = {"type": of} | ({} if study is None else {"study": study.hex()}) | ({"asked": asked} if asked else {})
    single = {one.owner: one for one in told}.values()
    record_all(services, [Happened(one.owner, did, one.actor, to, which) for one in single])
    for one in single:
        _tell_opened(services, one, access.caller)


def _seen_under(services: Services, access: Access, study: bytes) -> Access:
    if access.parts is None:
        return access
    with services.reading() as work:
        return access.for_study(work, study)


def _tell_opened(services: Services, single: Access, caller: bytes) -> None:
    """That someone opened what they were given."""
    if single.grant is not None:
        opened = (caller, single.grant.grant_id, "opened")
        _tell_new(services, [(opened, _OPENED, lambda work: mark_opened(work, single))])


def question_told(kind: str, items: Iterable[tuple[str, str]]) -> str:
    """A search as a chain of events may hold it: of what could tell about a person only that it was asked for.

    What steers the answer, and whose record it is, stays as it was asked; names, dates, numbers and codes become `*`.
    """
    told = [(name, text if _tells_nothing(name, text) else "*") for name, text in items]
    query = urlencode(told, safe=":/|,*$")
    return (f"{kind}?{query}" if query else kind)[:_LONGEST_QUESTION]


def _tells_nothing(name: str, text: str) -> bool:
    """A chain is named as the reference it follows, and asks for a name or a number: `patient:Patient.name=…`."""
    if name.partition(":")[0] in _WHOSE:
        return "." not in name and _OUR_ID.fullmatch(text) is not None
    return name.partition(":")[0] in _TELLS_NOTHING


class _Told:
    """What this process has already written down in this hour, so that a scroll through a series costs one write."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[bytes, bytes, str], datetime] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, key: tuple[bytes, bytes, str], now: datetime, seconds: int = _HOUR) -> bool:
        """True once for each key in so many seconds."""
        with self._lock:
            known = self._until.get(key)
            if known is not None and known > now:
                return False
            self._until[key] = now + timedelta(seconds=seconds)
            if len(self._until) > _REMEMBERED:
                self._until.popitem(last=False)
        return True

    def forget(self, key: tuple[bytes, bytes, str]) -> None:
        """It was not written after all."""
        with self._lock:
            self._until.pop(key, None)


_told = _Told()


def tell_viewed(services: Services, access: Access, study_id: bytes) -> None:
    """That pictures were looked at: once for each study, session and hour; whoever was given them has opened them."""
    _tell_new(services, _viewed(access, study_id))


def tell_handed_out(services: Services, access: Access, study_id: bytes, what: str) -> None:
    """That whole objects (`what`: instance, series or study) were handed out: looked at, and to others than the
    patient a copy that they keep.
    """
    _tell_new(services, [*_viewed(access, study_id), *_copied(access, study_id, what)])


def tell_described(services: Services, access: Access, study_id: bytes) -> None:
    """That a study's descriptions were read: once for each study, session and hour."""
    _tell_new(services, [_once_an_hour(access, Did.READ, study_id)])


def tell_listed(services: Services, access: Access) -> None:
    """That studies were searched for over DICOMweb: once for each session and hour."""
    _tell_new(services, [_listed(access, single) for single in {one.owner: one for one in access.each}.values()])


_Deed = tuple[tuple[bytes, bytes, str], int, Callable[[Work], None]]
"""What names it, for how many seconds it need not be told again, and how it is told."""


def _tell_new(services: Services, deeds: Iterable[_Deed]) -> None:
    """Those that are new are written down. One that cannot be is as new to the next one who asks.

    Each has a transaction of its own: whoever changes a grant and then adds to a chain, or adds to the chains of
    several patients, never waits for somebody who does so in another order.
    """
    for key, seconds, tell in deeds:
        if _told.is_new(key, services.clock.now(), seconds):
            _tell(services, key, tell)


def _tell(services: Services, key: tuple[bytes, bytes, str], tell: Callable[[Work], None]) -> None:
    try:
        with services.work() as work:
            tell(work)
    except BaseException:
        _told.forget(key)
        raise


def _viewed(access: Access, study_id: bytes) -> Iterator[_Deed]:
    yield _once_an_hour(access, Did.VIEWED, study_id)
    if not access.is_patient:
        opened = (access.caller, study_id, "opened")
        yield opened, _OPENED, lambda work: mark_opened(work, access_for(work, access, study_id))


def _copied(access: Access, study_id: bytes, what: str) -> Iterator[_Deed]:
    if not access.is_patient:
        saved = (access.caller, study_id, f"saved {what}")
        yield saved, _HOUR, lambda work: mark_saved(work, access_for(work, access, study_id), study_id, what)


def _once_an_hour(access: Access, did: Did, study_id: bytes) -> _Deed:
    def tell(work: Work) -> None:
        one = access_for(work, access, study_id)
        key = f"{access.caller.hex()}:{study_id.hex()}"
        audit.record_once(work, owner=one.owner, did=did, by=one.actor, to=study_id, key=key, seconds=_HOUR)

    return (access.caller, study_id, did.value), _HOUR, tell


def _listed(access: Access, single: Access) -> _Deed:
    def tell(work: Work) -> None:
        key = access.caller.hex()
        audit.record_once(work, owner=single.owner, did=Did.SEARCHED, by=single.actor, key=key, seconds=_HOUR)

    return (access.caller, single.owner.id, Did.SEARCHED.value), _HOUR, tell


def watched(pieces: Iterator[bytes], services: Services, access: Access) -> Iterator[bytes]:
    """The same pieces, asking every 4 MiB or 5 seconds whether the answer may go on. Raises `Expired`."""
    asked, given = time.monotonic(), 0
    for piece in pieces:
        given += len(piece)
        if given > RECHECK_OCTETS or time.monotonic() - asked > RECHECK_SECONDS:
            with services.reading() as work:
                check_still_open(work, access)
            asked, given = time.monotonic(), len(piece)
        yield piece
