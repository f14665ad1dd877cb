"""A report's blocks as people read them: sections of plain text, and HTML in which nothing acts."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby

from fhir_gateway.dicom.structured_report import SECTIONS, Block
from vault.facts import Section

_SHALLOWEST, _DEEPEST = 2, 6


def sections_from(blocks: Iterable[Block]) -> tuple[Section, ...]:
    """The parts under their headings. A part that everybody knows has the word for it that everybody knows."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for block in blocks:
        if block.kind == "heading" and block.level == 1:
            found.append((SECTIONS.get(block.code) or block.text, []))
        elif block.kind in ("heading", "text"):
            found[-1][1].append(f"\n\n{block.text}")
        elif block.kind == "line":
            found[-1][1].append(f"\n{block.text}")
    joined = ((heading, "".join(pieces).strip()) for heading, pieces in found)
    return tuple(Section(heading, words) for heading, words in joined if words)


def markup_of(blocks: Iterable[Block]) -> str:
    """Headings, paragraphs and lists in their order, all text escaped."""
    return "".join(_pieces(blocks))


def page_of(title: str, language: str, blocks: Iterable[Block]) -> bytes:
    """The same as a page of its own, without style, script or address."""
    named = escape(title) or "Report"
    tongue = f' lang="{escape(language, quote=True)}"' if language else ""
    head = f'<head><meta charset="utf-8"><title>{named}</title></head>'
    return f"<!DOCTYPE html>\n<html{tongue}>{head}<body><h1>{named}</h1>{markup_of(blocks)}</body></html>\n".encode()


def _pieces(blocks: Iterable[Block]) -> Iterator[str]:
    for listed, together in groupby(blocks, key=lambda block: block.kind in ("line", "picture")):
        if listed:
            yield f"<ul>{''.join(f'<li>{escape(_line(one))}</li>' for one in together)}</ul>"
            continue
        for block in together:
            words = escape(block.text, quote=False).replace("\n", "<br/>")
            if block.kind == "heading":
                level = min(max(block.level + 1, _SHALLOWEST), _DEEPEST)
                yield f"<h{level}>{words}</h{level}>"
            else:
                yield f"<p>{words}</p>"


def _line(block: Block) -> str:
    if block.kind == "line":
        return block.text
    return ", ".join(part for part in (f"Picture {block.code}", block.text) if part)
