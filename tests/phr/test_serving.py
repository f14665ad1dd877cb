"""What the processes of `phr serve` are started with."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from phr import serving
from tests.houses import RunningHouse

ARENAS = "MALLOC_ARENA_MAX"


@pytest.mark.parametrize(("given", "had"), [({}, "1"), ({ARENAS: "5"}, "5")], ids=["unset", "set"])
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


def test_a_worker_holds_no_decoder_and_pydicom_works_all_the_same():
    asked = """
import sys
from fhir_gateway.dicom.decoderless import load_pydicom
load_pydicom()
import phr.app, fhir_gateway.dicomweb
from pydicom.dataset import Dataset
said = Dataset()
said.PatientID = "1"
print(sorted({"gdcm", "_gdcm", "requests"} & set(sys.modules)), said.to_json_dict()["00100020"]["Value"])
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['1']"
