"""Opening what was sealed: one lookup and one unwrap lead to exactly the octets that were asked for.

Everything is found inside a transaction and read after it has ended, so that no long answer holds one open.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from vault.database import Work
from vault.errors import BrokenRecord, NoKey, NotThere
from vault.facts import InstanceFacts
from vault.held_open import BlobSource
from vault.ids import Id
from vault.keyring import KeyClass, Keyring
from vault.lying import Lying, Uids, find_first_lying, find_lying, key_of
from vault.objects import (
    check_uid,
    from_json,
    layout_context,
    read_description,
    read_document,
    read_index,
    read_index_at,
    read_index_head,
    read_object,
    read_resource,
    sealed_object,
)
from vault.sealing import derive
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind, SealedObject
from vault.sealing.suite import unwrap
from vault.series import FoundSeries, find_series, small_picture_of
from vault.tables import ObjectRow, ResourceRow

MIDDLE_INDEXES = 16  # of a series that came in more requests, so many are looked into for its middle

_Index = tuple[list[dict[str, Any]], Sequence[dict[str, Any]] | Mapping[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as its series index describes it. `dicom` is its DICOM JSON without bulk data."""

    id: Id
    study_id: Id
    series_id: Id
    facts: InstanceFacts
    dicom: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SealedOctets:
    """Where an object lies and what opens it; made inside a transaction, read outside."""

    study_id: Id
    _row: ObjectRow = field(repr=False)
    _key: bytes = field(repr=False)

    @property
    def blob(self) -> str:
        """The blob it lies in."""
        return self._row.blob

    @contextmanager
    def opened(self, blobs: BlobSource) -> Generator[SealedObject]:
        """The object, readable by range. Raises `BlobMissing`, `Tampered` when its octets are not those we sealed."""
        with blobs.reader(self._row.blob) as reader:
            yield sealed_object(reader, self._row, self._key, self.study_id)


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """One instance, ready to be read. `layout` says how its frames lie in its octets."""

    id: Id
    study_id: Id
    series_id: Id
    key_class: KeyClass
    layout: dict[str, Any]
    octets: SealedOctets


@dataclass(frozen=True, slots=True)
class OpenResource:
    """A FHIR resource as its site sent it."""

    id: Id
    type: str
    key_class: KeyClass
    study_id: Id
    scope_id: Id
    received: datetime
    body: dict[str, Any]


def find_instance(work: Work, keyring: Keyring, study_uid: str, series_uid: str, instance_uid: str) -> FoundInstance:
    """The instance under these three UIDs. Raises `NotThere`; `NoKey` where its class was not given."""
    lying = find_lying(work, keyring, Uids(study_uid, series_uid, instance_uid))
    if not lying:
        raise NotThere
    return _found(_Keys(work, keyring), lying[0])


def find_instances(work: Work, keyring: Keyring, study_uid: str, series_uid: str | None = None) -> list[FoundInstance]:
    """Every instance of a study or series, in the order in which they came.

    Raises `NotThere` when there is none, and `NoKey` when even one of them may not be opened: a part of a study is
    never given for the whole.
    """
    keys = _Keys(work, keyring)
    return [_found(keys, one) for one in _came(work, keyring, study_uid, series_uid)]


def open_series(work: Work, keyring: Keyring, study_uid: str, series_uid: str | None = None) -> list[Instance]:
    """The descriptions of a study's or series' instances. Raises `NotThere`, `NoKey`, `Tampered`."""
    return _described(work, keyring, _came(work, keyring, study_uid, series_uid), read_index)


def open_first(work: Work, keyring: Keyring, study_uid: str, series_uid: str) -> Instance:
    """The description of the instance of a series that came first. Raises as `open_series`."""
    first = find_first_lying(work, keyring, Uids(study_uid, series_uid))
    if not first:
        raise NotThere
    return _described(work, keyring, first, partial(read_index_at, first[0].instance.place))[0]


def list_series(work: Work, keyring: Keyring, study_uid: str, series_uid: str | None = None) -> list[Instance]:
    """The same with the facts alone: their `dicom` is empty, and was not read."""
    return _described(work, keyring, _came(work, keyring, study_uid, series_uid), _facts_alone)


def list_middle(work: Work, keyring: Keyring, study_uid: str, series_uid: str) -> list[Instance]:
    """The same of a series that came in few requests; of one that came in many, what came in those in the middle."""
    came = _came(work, keyring, study_uid, series_uid)
    indexes = list(dict.fromkeys(one.instance.index_object for one in came))
    begin = max(0, (len(indexes) - MIDDLE_INDEXES) // 2)
    middle = set(indexes[begin : begin + MIDDLE_INDEXES])
    return _described(work, keyring, [one for one in came if one.instance.index_object in middle], _facts_alone)


def _came(work: Work, keyring: Keyring, study_uid: str, series_uid: str | None) -> list[Lying]:
    lying = find_lying(work, keyring, Uids(study_uid, series_uid))
    if not lying:
        raise NotThere
    return lying


def _facts_alone(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> _Index:
    facts = read_index_head(work, row, key, study_id)["instances"]
    return facts, [{} for _ in facts]


def _described(work: Work, keyring: Keyring, rows: list[Lying], read: Callable[..., _Index]) -> list[Instance]:
    indexes: dict[bytes, _Index] = {}
    keys: dict[bytes, bytes] = {}
    instances: list[Instance] = []
    for instance, series in ((one.instance, one.series) for one in rows):
        if instance.index_object not in indexes:
            row = _object(work, instance.index_object)
            if row.batch not in keys:
                keys[row.batch] = keyring.class_key(work, row.batch, KeyClass.META)
            indexes[instance.index_object] = read(work, row, keys[row.batch], series.study)
        facts, dicom = indexes[instance.index_object]
        described = InstanceFacts.from_dict(facts[instance.place])
        check_uid(work, described.uid, scope=instance.scope, uid_bi=instance.uid_bi)
        instances.append(
            Instance(
                id=Id(instance.id),
                study_id=Id(series.study),
                series_id=Id(series.id),
                facts=described,
                dicom=dicom[instance.place],
            )
        )
    return instances


def full_description(work: Work, keyring: Keyring, found: FoundInstance) -> dict[str, Any] | None:
    """The whole DICOM JSON of a document, which needs the reports' key; None where the index has it all."""
    full = found.layout.get("full")
    if full is None:
        return None
    row = _object(work, bytes.fromhex(full))
    key = keyring.class_key(work, row.batch, KeyClass.REPORTS)
    return read_description(work, row, key, found.study_id)


def find_preview(work: Work, keyring: Keyring, study_uid: str, series_uid: str, kind: Kind) -> bytes:
    """The JPEG of a series' thumbnail (kind 6) or quick view (kind 7). Raises `NotThere`, `NoKey`."""
    return open_preview(work, keyring, find_series(work, keyring, study_uid, series_uid), kind)[1]


def open_preview(work: Work, keyring: Keyring, among: Iterable[FoundSeries], kind: Kind) -> tuple[Id, bytes]:
    """The small picture of the first of these series that has one, and its study. Raises `NotThere`, `NoKey`."""
    for series in among:
        found = small_picture_of(work, keyring, series, kind)
        if found is None:
            continue
        if found.row.kind != int(kind):
            raise Tampered("another picture of the series")
        key = derive.series_key(found.class_key(work, keyring), series.id)
        return series.study_id, read_object(work, found.row, key, series.study_id)
    raise NotThere


def open_resource(work: Work, keyring: Keyring, resource_id: bytes) -> OpenResource:
    """A FHIR resource by its identifier. Raises `NotThere`, `NoKey`."""
    resource, row, key = _resource(work, keyring, resource_id, Kind.RESOURCE)
    body = read_resource(work, row, key, resource.study)
    return OpenResource(
        id=Id(resource.id),
        type=body["type"],
        key_class=KeyClass(resource.key_class),
        study_id=Id(resource.study),
        scope_id=Id(resource.scope),
        received=resource.created,
        body=body,
    )


def open_document(work: Work, keyring: Keyring, resource_id: bytes) -> tuple[str, bytes]:
    """A file that came with a report: its media type and its octets. Raises `NotThere`, `NoKey`."""
    resource, row, key = _resource(work, keyring, resource_id, Kind.DOCUMENT)
    head, octets = read_document(work, row, key, resource.study)
    return head["media_type"], octets


def _resource(work: Work, keyring: Keyring, resource_id: bytes, kind: Kind) -> tuple[ResourceRow, ObjectRow, bytes]:
    resource = work.session.get(ResourceRow, resource_id)
    if resource is None or not keyring.holding(work, [resource.study]):
        raise NotThere
    if resource.object != resource.id:
        raise BrokenRecord("resource")
    row = _object(work, resource.object)
    if row.kind != int(kind):
        raise NotThere
    return resource, row, keyring.class_key(work, resource.batch, KeyClass(resource.key_class))


class _Keys:
    """Each class key is unwrapped once, however many instances of a batch are opened in this request."""

    def __init__(self, work: Work, keyring: Keyring) -> None:
        self._work, self._keyring = work, keyring
        self._known: dict[tuple[bytes, ...], bytes] = {}

    def of(self, one: Lying) -> bytes:
        """What seals the instance: its series' own key if it is a picture, else the key of its class."""
        key_class = KeyClass(one.object.key_class)
        name = (one.instance.batch, key_class.value.encode(), one.series.id)
        if name not in self._known:
            key = key_of(self._work, self._keyring, one, key_class)
            self._known[name] = derive.series_key(key, one.series.id) if key_class is KeyClass.PICTURES else key
        return self._known[name]


def _found(keys: _Keys, one: Lying) -> FoundInstance:
    key = keys.of(one)
    return FoundInstance(
        id=Id(one.instance.id),
        study_id=Id(one.series.study),
        series_id=Id(one.series.id),
        key_class=KeyClass(one.object.key_class),
        layout=from_json(unwrap(key, one.instance.layout, "layout", *layout_context(one.instance))),
        octets=SealedOctets(Id(one.series.study), one.object, key),
    )


def _object(work: Work, object_id: bytes) -> ObjectRow:
    row = work.session.get(ObjectRow, object_id)
    if row is None:
        raise NotThere
    return row


__all__ = [
    "FoundInstance",
    "Instance",
    "NoKey",
    "OpenResource",
    "SealedOctets",
    "find_instance",
    "find_instances",
    "find_preview",
    "full_description",
    "list_middle",
    "list_series",
    "open_document",
    "open_first",
    "open_preview",
    "open_resource",
    "open_series",
]
