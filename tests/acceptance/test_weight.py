"""Row V03: what a page weighs before anything is seen."""

import gzip
import re
from pathlib import Path

STATIC = Path("phr/static")
KILOBYTE = 1000


def packed(octets: bytes) -> int:
    return len(gzip.compress(octets, 9))


def weight_of(html: str) -> int:
    """The page, and what it asks for before it can be used, as a server sends it that packs."""
    whole = packed(html.encode())
    for name in set(re.findall(r'(?:src|href)="/static/([^"?]+\.(?:css|js|woff2|svg))', html)):
        octets = (STATIC / name).read_bytes()
        whole += len(octets) if name.endswith(".woff2") else packed(octets)
    return whole


def test_v03_the_first_pages_are_light(house):
    ana, nobody = house.people["ana"], house.people["nobody"]
    assert weight_of(nobody.get("/add").text) <= 120 * KILOBYTE
    assert weight_of(ana.get("/home").text) <= 120 * KILOBYTE
    assert packed((STATIC / "site/site.css").read_bytes()) <= 34 * KILOBYTE
