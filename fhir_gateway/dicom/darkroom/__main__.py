"""
The child's loop: an order comes in on standard input, an answer goes out on standard output.

Started by its path with `-I`. It writes no file, keeps nothing between orders, and says in one word why it refused.

An order: u32 length of a JSON object, u32 length of the header, u32 length of the frame, then the three.
An answer: one octet (0 done, else a reason), u32 length, the octets.
"""

import json
import os
import resource
import struct
import sys
import warnings
from pathlib import Path

MEMORY = 1 << 30
DONE, NO_PIXELS, TOO_LARGE, CANNOT_DECODE = range(4)


def main() -> None:
    """Serve orders until the pipe is closed."""
    warnings.simplefilter("ignore")
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries in C print to standard output; the pipe stays ours
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from fhir_gateway.dicom.darkroom import develop, errors  # noqa: PLC0415 - after the pipe is safe

    _bound()
    answers.write(b"\0ready")
    answers.flush()
    while head := orders.read(12):
        sizes = struct.unpack(">III", head)
        order, header, frame = (orders.read(size) for size in sizes)
        try:
            asked = json.loads(order)
            code, octets = DONE, develop.ORDERS[asked["order"]](asked, header, frame)
        except (errors.TooManyPixelsError, MemoryError):
            code, octets = TOO_LARGE, b""
        except errors.NoPixelsError:
            code, octets = NO_PIXELS, b""
        except Exception as error:  # noqa: BLE001 - whatever a decoder says, the answer is that it cannot
            code, octets = CANNOT_DECODE, type(error).__name__.encode("ascii", "replace")
        answers.write(struct.pack(">BI", code, len(octets)) + octets)
        answers.flush()


def _bound() -> None:
    """Limit memory to what the libraries took and a gibibyte; no file, no core dump."""
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
