"""What Keepray should reach, as times the peer; the newest Orthanc is faster in places, which is reckoned with here.

`newer` is how much better the release 1.13.0, built from source, was than Debian's 1.10.1 when both ran side by side on
a machine of two cores. Where only Debian's is at hand, a ratio is divided by it before it is held against the target.
"""

from dataclasses import dataclass

CPU, MEMORY, OWN_MEMORY, DISK = "server CPU s", "peak memory MB", "peak own memory MB", "on disk MB"
WHOLE_RUN = "whole run"


@dataclass(frozen=True, slots=True)
class Target:
    """How many times better than the peer at least, and what is aimed at. A half of its seconds is 2 times better."""

    least: float
    aim: float = 0.0
    newer: float = 1.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of its own, where there is no peer: at most so much, or at least where `more`."""

    bound: float
    more: bool = False


_STORE_CPU = Target(2.0)
TARGETS: dict[tuple[str, str], Target] = {
    ("store-ct", "instances/s"): Target(2.0, 3.0),
    ("store-ct", CPU): _STORE_CPU,
    ("store-ct-4", "instances/s"): Target(1.7),
    ("store-mr", "instances/s"): Target(2.7),
    ("store-small", "instances/s"): Target(3.0),
    ("store-one", "instances/s"): Target(1.2, 2.0),
    ("store-cr", "MB/s"): Target(1.5, newer=143 / 135),
    ("store-packed", "instances/s"): Target(2.0),
    ("study", "MB/s"): Target(1.8),
    ("series", "MB/s"): Target(1.8),
    ("instances-6", "instances/s"): Target(2.7),
    ("frame", "ms"): Target(2.3, newer=3.6 / 2.3),
    ("frames-6", "frames/s"): Target(2.5, newer=532 / 340),
    ("frame-us", "ms"): Target(1.7, newer=218 / 2.7),
    ("viewer", "first frame ms"): Target(3.0, newer=348 / 37),
    ("viewer", "last frame ms"): Target(2.7, newer=1426 / 626),
    ("metadata-ct", "ms"): Target(3.5, newer=279 / 19.2),
    ("metadata-ct-gzip", "ms"): Target(20, newer=299 / 19.4),
    ("metadata-small", "ms"): Target(6, newer=472 / 76),
    ("metadata-small-gzip", "ms"): Target(40, newer=844 / 74),
    ("metadata-first", "ms"): Target(20),
    ("rendered", "ms"): Target(2.0, newer=7.2 / 6.1),
    ("qido-studies", "ms"): Target(5.0, newer=379 / 88),
    ("qido-patient", "ms"): Target(5.0, newer=58 / 11.3),
    ("qido-study", "ms"): Target(5.0, newer=39 / 7.5),
    ("qido-dates", "ms"): Target(5.0, newer=222 / 70),
    ("qido-series", "ms"): Target(5.0, newer=57 / 41),
    ("qido-instances", "ms"): Target(5.0, newer=983 / 959),
    (WHOLE_RUN, MEMORY): Target(1 / 0.6),
    (WHOLE_RUN, DISK): Target(1.0),  # small pictures of the series included, which the peer makes none of
}

LIMITS: dict[tuple[str, str], Limit] = {
    ("thumbnail", "ms"): Limit(1.0),  # six times better than 6.0 ms of the newer release; Debian's has none
    ("fhir-read-6", "requests/s"): Limit(2500, more=True),
    ("fhir-search-50", "ms"): Limit(5.0),
    ("fhir-search-500", "ms"): Limit(500.0),
    ("fhir-everything", "ms"): Limit(20.0),
    ("claim-20", "s"): Limit(0.5),
    ("claim-200", "s"): Limit(2.0),
    ("share-500", "give s"): Limit(2.0),
    ("share-500", "stop s"): Limit(0.2),
    ("home-500", "s"): Limit(0.5),
}
