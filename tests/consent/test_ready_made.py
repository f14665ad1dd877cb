"""The client that every store knows, for `phr pull` and for scripts without a registration of their own."""

import sqlalchemy as sa

from consent import clients
from consent.clients import PUBLIC, find_client
from consent.ready_made import PULL, add_ready_made
from consent.tables import ClientRow


def rows(services):
    with services.reading() as w:
        return list(w.session.scalars(sa.select(ClientRow).where(ClientRow.client_id == PULL)))


def test_it_is_there_once_however_often_a_server_starts(services):
    for _ in range(3):
        with services.work() as w:
            add_ready_made(w)
    (row,) = rows(services)
    assert (row.auth, row.redirect_uris) == (PUBLIC, "[]")
    with services.reading() as w:
        assert not find_client(w, PULL).returns_to("https://anywhere.example.org/")


def test_an_operator_who_switched_it_off_keeps_it_off(services):
    with services.work() as w:
        add_ready_made(w)
        clients.switch_off(w, PULL)
    with services.work() as w:
        add_ready_made(w)
    (row,) = rows(services)
    assert row.active is False
