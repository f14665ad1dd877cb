"""HTML from outside: its words stay, and nothing of it acts, leads elsewhere or calls home."""

import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhir_gateway.resources.narrative import narrative, plain_text, safe_markup

XHTML = "{http://www.w3.org/1999/xhtml}"
# R4 narrative, txt-1: the formatting elements that HTML 4.0 describes; those without any address.
WORDS = (
    "b big blockquote br caption code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre q "
    "samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"
)
ALLOWED = frozenset(WORDS.split())
PIECES = [
    "<script>alert(1)</script>", "<script/>", "<SCRIPT SRC=//x>", "</script>", "<style>*{background:url(//x)}</style>",
    "<img src=x onerror=alert(1) alt='a shadow'>", "<svg onload=alert(1)>", "<svg><script>", "<math><mtext>",
    "<iframe srcdoc='<script>'>", "<form action=//x><input name=a><button>", "<a href='javascript:alert(1)'>b</a>",
    "<a href=https://x.example/?q=1>c</a>", "<a href='mailto:a@b'>", "<a href=data:text/html,x>", "</a>",
    "<p onclick=alert(1) style='x:expression(1)'>", "<td colspan=2 colspan=3 rowspan='\"><b'>", "<b lang=de>", "</b>",
    "<base href=//x>", "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//x>", "<object data=x>",
    "<template><b>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<!--", "-->", "<![CDATA[",
    "]]>", "<?php", "&lt;script&gt;", "&#0;", "&#x1;", "\x00", "\x1b", "<", ">", '"', "'", "</div>", "<div>", "<p",
    "<xmp>", "<plaintext>", "<textarea>", "</textarea>", "<title>", "<x:script>", "<b/>", "<br>", "\ufffe", "a & b",
]  # fmt: skip


def inert(markup):
    """Well-formed, of allowed elements and attributes only."""
    tree = ET.fromstring(markup)
    for element in tree.iter():
        assert element.tag.removeprefix(XHTML) in ALLOWED, element.tag
        assert set(element.attrib) <= {"colspan", "rowspan", "lang"}, element.attrib
    return tree


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=25).map("".join))
@example("<b>" * 100 + "deep" + "</b>" * 100)
@example("".join(PIECES))
@settings(max_examples=300, deadline=None)
def test_nothing_active_survives_whatever_is_sent(html):
    inert(narrative(html))
    assert "\x00" not in plain_text(html)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@settings(max_examples=100, deadline=None)
def test_what_was_reduced_stays_as_it_is(html):
    once = safe_markup(html)
    assert safe_markup(once) == once


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>The <b>left</b> knee<br>is well.</p>", "<p>The <b>left</b> knee<br/>is well.</p>"),
        ("<table><tr><td colspan=2>a</td></tr></table>", '<table><tr><td colspan="2">a</td></tr></table>'),
        ("a<script>alert('b')</script>c", "ac"),
        ("<p onclick='x()' class='y' style='z'>a</p>", "<p>a</p>"),
        ("<form><input value=a>words</form>", "words"),
        ("<img src='https://x.example/pixel' alt='a shadow'> seen", "a shadow seen"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<a href='https://x.example/a?b'>see here</a>", "see here (https://x.example/a?b)"),
        ("<a href='mailto:desk@x.example'>write</a>", "write (mailto:desk@x.example)"),
        ("<a href='https://x.example/'>https://x.example/</a>", "https://x.example/"),
        ("<a href='javascript:alert(1)'>press</a>", "press"),
        ("<a href='data:text/html,x'>press</a>", "press"),
        ("<a href=' JaVaScRiPt:alert(1)'>press</a>", "press"),
        ("<a href='/home'>home</a>", "home"),
        ("<a href='http://x.example'>never closed", "never closed (http://x.example)"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("a\x00b\x1bc", "abc"),
        ("a <!-- note --> b <!--> c <!DOCTYPE x> d", "a  b  c  d"),
        ("a <![if x]> b <![CDATA[ c > d ]]> e", "a  b  e"),
        ("a <![ b", "a &lt;![ b"),
        ("a <b", "a &lt;b"),
        ("a &amp; b &lt;", "a &amp; b &lt;"),
        (
            "<a href='http://x.example'>one<a href='http://y.example'>two",
            "one (http://x.example)two (http://y.example)",
        ),
    ],
)
def test_words_stay_and_the_rest_goes(html, kept):
    assert safe_markup(html) == kept


def test_plain_text_has_a_line_for_each_block():
    html = "<h1>Report</h1><p>One<br/>two</p><ul><li>a</li><li>b</li></ul><a href='https://x.example'>more</a>"
    assert plain_text(html).split("\n") == [
        "Report",
        "",
        "One",
        "two",
        "",
        "a",
        "",
        "b",
        "",
        "more (https://x.example)",
    ]


@pytest.mark.parametrize("tail", ["", ">"])
@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<!-->",
        "<!--a>",
        "<![CDATA[>",
        "<![",
        "<a ",
        "<a x='",
        "<a href='http://x.example/'>",
        "<template>",
        "<script>",
        "&#",
    ],
)
def test_markup_that_never_ends_is_read_as_fast_as_any(piece, tail):
    begun = time.process_time()
    safe_markup(piece * 20_000 + tail)
    assert time.process_time() - begun < 2  # seconds; looked through anew for each piece it would be many times that
