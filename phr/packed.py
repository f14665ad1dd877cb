"""Our own scripts and styles, sent as they were packed when they were built.

Beside `viewer.js` lie `viewer.js.br` and `viewer.js.gz`; a browser that takes either gets it, and no server packs
anything. A checkout whose files were never packed sends them as they are.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Flask, Response, current_app, request, send_from_directory
from werkzeug.security import safe_join

PACKINGS = {"br": ".br", "gzip": ".gz"}


def install_packed_files(app: Flask) -> None:
    """After this `/static/` answers with the packed file where there is one and the browser takes it."""
    app.view_functions["static"] = send_packed


def send_packed(filename: str) -> Response:
    """The file under static/, packed as the browser likes it best. Raises `NotFound`."""
    folder = current_app.static_folder
    assert folder is not None
    packing = _packing_of(folder, filename)
    if packing is None:
        response = current_app.send_static_file(filename)
    else:
        kind = mimetypes.guess_type(filename)[0]
        response = send_from_directory(folder, filename + PACKINGS[packing], mimetype=kind)
        response.content_encoding = packing
    response.vary.add("Accept-Encoding")
    return response


def _packing_of(folder: str, filename: str) -> str | None:
    for packing, ending in PACKINGS.items():
        path = safe_join(folder, filename + ending)
        if request.accept_encodings[packing] > 0 and path is not None and Path(path).is_file():
            return packing
    return None
