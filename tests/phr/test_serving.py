"""What the processes of `phr serve` are started with."""

import gc
from pathlib import Path

import pytest

from phr import serving
from tests.houses import RunningHouse

ARENAS = "MALLOC_ARENA_MAX"


@pytest.mark.parametrize(("given", "had"), [({}, "2"), ({ARENAS: "5"}, "5")], ids=["unset", "set"])
def test_workers_keep_memory_as_their_operator_says(tmp_path, monkeypatch, given, had):
    monkeypatch.delenv(ARENAS, raising=False)
    house = RunningHouse(tmp_path, workers=1, **given).start()
    try:
        (worker,) = house.worker_ids()
        environment = dict(
            line.split("=", 1) for line in Path(f"/proc/{worker}/environ").read_text().split("\0") if line
        )
    finally:
        house.stop()
    assert environment[ARENAS] == had


def test_what_a_worker_has_loaded_is_not_looked_through_again_and_again():
    before = gc.get_freeze_count()
    try:
        serving.keep_what_is_loaded()
        assert gc.get_freeze_count() > before + 10_000
        assert len(gc.get_objects()) < 10_000
    finally:
        gc.unfreeze()
