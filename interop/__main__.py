"""Drives every client, or those named, and prints one line for each. Ends with 1 where one failed.

python -m interop                       all of them
python -m interop ohif orthanc-push     only these
python -m interop --show FOLDER         keeps what was seen: pictures of the screens, answers of the validators
"""

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from interop.clients import CLIENTS
from interop.scene import Failed, Scene, a_demo


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m interop")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CLIENTS)}")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="keep what was seen there")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CLIENTS):
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="phr-interop-") as folder:
        seen = options.show or Path(folder) / "seen"
        seen.mkdir(parents=True, exist_ok=True)
        with a_demo(Path(folder), seen=seen) as scene:
            good = [drive(scene, name) for name in options.names or CLIENTS]
    print(f"\n{sum(good)} of {len(good)} clients did their job.")
    return 0 if all(good) else 1


def drive(scene: Scene, name: str) -> bool:
    began = time.monotonic()
    try:
        word, told = "ok", CLIENTS[name](scene)
    except Failed as failed:
        word, told = "FAILED", str(failed)
    except Exception as error:  # noqa: BLE001  the others shall still be tried
        traceback.print_exc()
        word, told = "FAILED", f"{type(error).__name__}: {error}"
    print(f"{word:6} {name:18} {time.monotonic() - began:5.1f} s  {told}", flush=True)
    return word == "ok"


if __name__ == "__main__":
    sys.exit(main())
