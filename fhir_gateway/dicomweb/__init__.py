"""DICOMweb (PS3.18): store, search, retrieve.

`blueprint` has all routes. It is made when first asked for, so that the parts that read and write multipart bodies can
be used without a web server around them.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "blueprint":
        raise AttributeError(name)
    from fhir_gateway.dicomweb import (  # noqa: F401, PLC0415
        bulk,
        manifest,
        metadata,
        rendered,
        retrieve,
        search,
        store,
        unknown,
    )
    from fhir_gateway.dicomweb.answers import blueprint  # noqa: PLC0415

    return blueprint
