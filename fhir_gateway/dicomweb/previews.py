"""
The two small pictures of a series, made by the request that pushes it, once it has been answered: nobody waits for
them, and the batch's key is at hand no longer than they take.

A preview that cannot be made is no fault of the push: the series then shows without one.
"""

import logging
from threading import Lock

from fhir_gateway.dicom.frames import frame_octets
from fhir_gateway.dicom.reencode import header_octets
from fhir_gateway.dicom.render import Previews, Renderer
from fhir_gateway.dicomweb.described import bare_of, frame_table
from fhir_gateway.dicomweb.gathered import once_each
from fhir_gateway.dicomweb.pushing import Arrived
from vault.database import Services, Work
from vault.errors import NoKey
from vault.intake import OpenBatch
from vault.keyring import KeyClass, Keyring
from vault.previews import keep_previews, preview_due
from vault.reading import FoundInstance, find_instance, list_middle
from vault.sealing.stream import Kind

DESCRIBED_MOST = 2000  # instances whose descriptions are read to find the middle one

log = logging.getLogger(__name__)


class BatchKeyring(Keyring):
    """What a push itself may open: its own batch, as long as the request lasts."""

    def __init__(self, batch: OpenBatch) -> None:
        self.owner = batch.owner
        self._batch = batch

    def class_key(self, work: Work, batch: bytes, key_class: KeyClass) -> bytes:  # noqa: ARG002  derived, not looked up
        """Only of this batch. Raises `NoKey`."""
        if batch != self._batch.id:
            raise NoKey
        return self._batch.class_key(key_class)

    def scopes(self, work: Work) -> list[bytes]:  # noqa: ARG002  known without looking
        """The one it was pushed in."""
        return [self._batch.scope_id]

    def study_ids(self, work: Work) -> list[bytes]:  # noqa: ARG002  known without looking
        """The one it belongs to."""
        return [self._batch.study_id]


def make_previews(services: Services, renderer: Renderer, arrived: list[Arrived]) -> None:
    """Every series that is due has a thumbnail and a quick view of its middle picture, if one can be made."""
    for series in arrived:
        going_on = _BEING_MADE.begin(series.series_id)
        while going_on:
            try:
                _make(services, renderer, series)
            except Exception as error:  # noqa: BLE001  the push was answered; nobody is left to be told
                log.warning("a preview could not be made: %s", type(error).__name__)
            going_on = _BEING_MADE.again(series.series_id)


class _BeingMade:
    """Series whose previews this process makes at the moment, each by one request.

    What is due is due to all who push it at once; the one that began looks again where others came meanwhile.
    """

    def __init__(self) -> None:
        self._asked: dict[bytes, bool] = {}
        self._lock = Lock()

    def begin(self, series_id: bytes) -> bool:
        """True for who is to make them now. Must be followed by `again` until that says False."""
        with self._lock:
            first = series_id not in self._asked
            self._asked[series_id] = not first
            return first

    def again(self, series_id: bytes) -> bool:
        """Whether others asked meanwhile; if not, it is over."""
        with self._lock:
            asked = self._asked.pop(series_id)
            if asked:
                self._asked[series_id] = False
            return asked


_BEING_MADE = _BeingMade()


def _make(services: Services, renderer: Renderer, series: Arrived) -> None:
    keyring = BatchKeyring(series.batch)
    with services.reading() as work:
        count = preview_due(work, series.series_id)
        if count is None:
            return
        middle = _middle(work, keyring, series, count)
        found = find_instance(work, keyring, series.study_uid, series.series_uid, middle)
    both = _both(services, renderer, found)
    pictures = {Kind.THUMBNAIL: both.thumbnail, Kind.QUICK_VIEW: both.quick_view}
    keep_previews(services, series.batch, series_id=series.series_id, pictures=pictures, instances=count)


def _both(services: Services, renderer: Renderer, found: FoundInstance) -> Previews:
    """In the worker itself where the middle frame lies bare, else in the darkroom. Raises `PixelsRefused`."""
    bare, table = bare_of(found.layout), frame_table(found.layout)
    if bare is not None and table is not None and table.count:
        with found.octets.opened(services.blobs) as sealed:
            both = bare.previews(frame_octets(table, table.count // 2 + 1, sealed.read))
        if both is not None:
            return both
    header, frame, number = middle_frame(services, found)
    return renderer.previews(header, frame, number=number)


def _middle(work: Work, keyring: BatchKeyring, series: Arrived, count: int) -> str:
    """The middle instance of all that has come of the series; of this request alone where the rest is closed to it."""
    arrived = [uid for _, uid in sorted(series.instances)]
    if count == len(arrived) or count > DESCRIBED_MOST:
        return arrived[len(arrived) // 2]
    try:
        everything = once_each(list_middle(work, keyring, series.study_uid, series.series_uid))
    except NoKey:  # some came under another token
        return arrived[len(arrived) // 2]
    pictures = [one.facts.uid for one in everything if one.facts.frames] or arrived
    return pictures[len(pictures) // 2]


def middle_frame(services: Services, found: FoundInstance) -> tuple[bytes, bytes, int]:
    """Header and octets of an instance's middle frame, and its number. Raises `NoSuchFrame`."""
    table = frame_table(found.layout)
    number = table.count // 2 + 1 if table and table.count else 0
    with found.octets.opened(services.blobs) as sealed:
        if table is None:
            return b"", b"", number
        return header_octets(table, sealed.read), frame_octets(table, max(1, number), sealed.read), max(1, number)
