"""Our own files come packed to who takes that, and whole to who does not."""

import gzip

import pytest
from flask import Flask

from phr.headers import install_headers
from phr.packed import install_packed_files

SCRIPT = b"say('hello');" * 200


@pytest.fixture
def visitor(tmp_path):
    (tmp_path / "a.js").write_bytes(SCRIPT)
    (tmp_path / "a.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "plain.css").write_bytes(b"p { color: red }")
    app = Flask("phr", static_folder=str(tmp_path), static_url_path="/static")
    install_headers(app)
    install_packed_files(app)
    return app.test_client()


def test_a_browser_that_takes_packed_files_gets_one(visitor):
    answer = visitor.get("/static/a.js", buffered=True, headers={"Accept-Encoding": "gzip, br"})
    assert gzip.decompress(answer.data) == SCRIPT
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.mimetype == "text/javascript"
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("takes", ["", "identity", "gzip;q=0"])
def test_who_takes_none_gets_the_whole_file(visitor, takes):
    answer = visitor.get("/static/a.js", buffered=True, headers={"Accept-Encoding": takes})
    assert answer.data == SCRIPT
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_what_was_never_packed_comes_as_it_is(visitor):
    answer = visitor.get("/static/plain.css", buffered=True, headers={"Accept-Encoding": "gzip"})
    assert answer.data == b"p { color: red }"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_an_address_that_leads_outside_finds_nothing(visitor, tmp_path):
    (tmp_path.parent / "secret.gz").write_bytes(b"secret")
    assert visitor.get("/static/..%2Fsecret", buffered=True, headers={"Accept-Encoding": "gzip"}).status_code == 404


def test_it_is_not_sent_twice(visitor):
    first = visitor.get("/static/a.js", buffered=True, headers={"Accept-Encoding": "gzip"})
    again = visitor.get(
        "/static/a.js", buffered=True, headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
