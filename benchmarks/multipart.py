"""The body of a store request (PS3.18 10.5): the pieces as they lie, with the boundary between them."""

from collections.abc import Iterable

JSON = {"Accept": "application/dicom+json"}
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
