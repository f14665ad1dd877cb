"""What is asked for, and the body of a store request (PS3.18 10.5): pieces as they lie, the boundary between them."""

from collections.abc import Iterable

JSON = {"Accept": "application/dicom+json"}
PACKED_JSON = {**JSON, "Accept-Encoding": "gzip"}
FILES = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
FRAMES = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
BOUNDARY = "between-pictures"
STORE = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', **JSON}
_BEFORE = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
_AFTER = f"\r\n--{BOUNDARY}--\r\n".encode()


def body_of(files: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Pieces to be sent one after the other; the pixels among them are not copied."""
    body: list[bytes] = []
    for header, pixel_data in files:
        body += (_BEFORE + header, pixel_data)
    body.append(_AFTER)
    return body
