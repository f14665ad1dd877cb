"""pydicom as a worker needs it: without the libraries it would load beside itself."""

import sys
from importlib import import_module

# Decoders belong to the darkroom alone; what fetches sample files belongs nowhere. Both cost memory in each process.
_LEFT_OUT = ("gdcm", "requests")


def load_pydicom() -> None:
    """The library is loaded, and has not found the others it would only keep in memory; nobody else misses them."""
    hidden = [name for name in _LEFT_OUT if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]  importing it fails (PEP 328 and sys.modules)
    try:
        import_module("pydicom")
    finally:
        for name in hidden:
            del sys.modules[name]
