"""QR codes, as SVG for print and as a data address for pages.

Level Q survives a quarter of the squares being dirty, folded or under a thumb; the quiet zone
of four squares is part of the drawing (ISO/IEC 18004 clauses 6.3.8 and 6.5.1). Health links are
long, and their standard asks for level M.
"""

from __future__ import annotations

import io

import segno


def svg(text: str) -> bytes:
    """A black on white drawing of `text`, one unit a square, that scales to any width."""
    drawing = io.BytesIO()
    segno.make(text, error="q", micro=False).save(
        drawing, kind="svg", border=4, xmldecl=False, omitsize=True, light="#fff", dark="#000"
    )
    return drawing.getvalue()


def data_address(text: str) -> str:
    """The drawing as an image address, so that a secret in it never becomes an address of ours."""
    return segno.make(text, error="q", micro=False).svg_data_uri(border=4, omitsize=True, light="#fff", dark="#000")


def link_address(link: str) -> str:
    """The same for a SMART Health Link, at the level of error correction that its standard names."""
    drawn = segno.make(link, error="m", micro=False, boost_error=False)
    return drawn.svg_data_uri(border=4, omitsize=True, light="#fff", dark="#000")
