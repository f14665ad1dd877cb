"""Instances found for the asker, and reading them: whole, by range, frame by frame."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import current_app

from consent.access import Access
from consent.request import access, services
from fhir_gateway.dicom.frames import FrameTable, PixelLayout, Read
from fhir_gateway.dicom.render import Renderer
from fhir_gateway.dicom.uids import check_uid
from fhir_gateway.dicomweb.described import frame_table, pixel_layout
from fhir_gateway.errors import PixelsRefused, WhyRefused
from fhir_gateway.looking import access_for
from fhir_gateway.outcome import forbidden
from vault.database import Work
from vault.errors import NoKey
from vault.held_open import BlobSource, HeldOpen
from vault.ids import Id
from vault.objects import check_at_hand
from vault.reading import FoundInstance, find_instance, find_instances


@dataclass(frozen=True, slots=True)
class Shown:
    """One instance the asker may have, the store it is in, and the access under which it is seen."""

    found: FoundInstance
    blobs: BlobSource
    asker: Access

    @property
    def study_id(self) -> Id:
        """The study it belongs to, for the patient's history."""
        return self.found.study_id

    @property
    def syntax(self) -> str:
        """How it is stored."""
        return self.found.layout["syntax"]

    @property
    def length(self) -> int:
        """Its octets."""
        return self.found.layout["length"]

    @property
    def sha256(self) -> str:
        """The digest of its octets in hexadecimal: as it was noted when they came, else taken now."""
        noted = self.found.layout.get("sha256")
        if noted is not None:
            return noted
        digest = hashlib.sha256()
        for piece in self.octets():
            digest.update(piece)
        return digest.hexdigest()

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series, instance."""
        study, series, instance = self.found.layout["uids"]
        return study, series, instance

    @property
    def table(self) -> FrameTable | None:
        """Where its frames lie."""
        return frame_table(self.found.layout)

    @property
    def pixel(self) -> PixelLayout | None:
        """How its picture is laid out."""
        return pixel_layout(self.found.layout)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """A way to read ranges of its octets."""
        with self.found.octets.opened(self.blobs) as sealed:
            yield sealed.read

    def octets(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Its octets, segment by segment."""
        with self.found.octets.opened(self.blobs) as sealed:
            yield from sealed.iter(start, length)

    def check_at_hand(self) -> None:
        """Raise `BlobsAway` unless it can be read now."""
        check_at_hand(self.blobs, [self.found.octets.blob])

    def let_go(self) -> None:
        """What was kept open to read it is closed."""
        if isinstance(self.blobs, HeldOpen):
            self.blobs.close()

    def picture(self) -> FrameTable:
        """Its frames. Raises `PixelsRefused` where it has none."""
        table = self.table
        if table is None or table.count < 1:
            raise PixelsRefused(WhyRefused.NO_PIXELS)
        return table


def one(study_uid: str, series_uid: str, instance_uid: str, *, whole: bool = False) -> Shown:
    """The instance under these UIDs; `whole` where it is to be handed out, which view-only sharing does not allow.

    Raises `BadUID`, `NotThere`, `CopyNotAllowed`, `Refusal` 403 where its class was not shared, `BlobsAway`.
    """
    shown = one_to_read(study_uid, series_uid, instance_uid, whole=whole)
    shown.check_at_hand()
    return shown


def one_to_read(study_uid: str, series_uid: str, instance_uid: str, *, whole: bool = False) -> Shown:
    """The same for whoever reads it before their answer begins: whether the store can give it shows then."""
    for uid in (study_uid, series_uid, instance_uid):
        check_uid(uid)
    asker, room = access(), services()
    with room.reading() as work:
        try:
            found = find_instance(work, asker.opened_for_objects(), study_uid, series_uid, instance_uid)
        except NoKey:
            raise _not_shared() from None
        seen_under = _access_for(work, asker, found.study_id, whole=whole)
    return Shown(found, room.blobs, seen_under)


def many(study_uid: str, series_uid: str | None = None) -> list[Shown]:
    """Every instance of a study or series, to be handed out whole.

    Raises as `one`: a study of which something is not shared is refused as a whole (SMART Imaging Access).
    """
    for uid in (study_uid, series_uid):
        if uid is not None:
            check_uid(uid)
    asker, room = access(), services()
    with room.reading() as work:
        try:
            found = find_instances(work, asker.opened_for_objects(), study_uid, series_uid)
        except NoKey:
            raise _not_shared() from None
        studies = {instance.study_id for instance in found}
        whose = {study_id: _access_for(work, asker, study_id, whole=True) for study_id in studies}
    # Once an answer has begun, no status can say that it has to wait (SMART Imaging Access, slow data).
    check_at_hand(room.blobs, [instance.octets.blob for instance in found])
    source = HeldOpen(room.blobs)
    shown = [Shown(instance, source, whose[instance.study_id]) for instance in found]
    # What two sites pushed under the same UIDs is given once, as the first one kept.
    return list({one.uids: one for one in reversed(shown)}.values())[::-1]


def _access_for(work: Work, asker: Access, study_id: Id, *, whole: bool) -> Access:
    seen_under = access_for(work, asker, study_id)
    if whole:
        seen_under.check_copies()
    return seen_under


def renderer() -> Renderer:
    """The darkroom of this server."""
    return current_app.extensions["renderer"]


def _not_shared() -> Exception:
    return forbidden("This was not shared as a whole.")
