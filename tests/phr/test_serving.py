"""What the processes of `phr serve` are started with."""

from pathlib import Path

import pytest

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
