"""Registering apps and sites, and what nobody may register."""

import json

import pytest
import sqlalchemy as sa

from consent.clients import NewClient, NewSiteClient, add_client, add_site_client, find_client, switch_off
from consent.errors import BadClient, NoKeys, UnknownClient
from consent.jwks import Reach, _is_open_internet, check_address
from consent.tables import ClientRow
from tests.consent.small_app import a_site_row, an_ec_key, an_rsa_key, key_set
from vault.errors import BrokenRecord

BACK = ("https://app.example.org/back",)


def add(services, **new):
    with services.work() as w:
        return add_client(w, NewClient(**({"name": "App", "redirect_uris": BACK} | new)))


def test_an_app_is_found_again_as_it_was_registered(services):
    added = add(services, auth="client_secret", maker="Example Health Inc")
    with services.reading() as w:
        client = find_client(w, added.client_id)
    assert (client.name, client.maker, client.redirect_uris) == ("App", "Example Health Inc", BACK)
    assert client.origins == ("https://app.example.org",)
    assert client.has_secret(added.secret, services.secrets)
    assert not client.has_secret(added.secret + "x", services.secrets)
    assert not client.has_secret("", services.secrets)


def test_a_secret_is_told_once_and_kept_nowhere(services, tmp_path):
    added = add(services, auth="client_secret")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("keepray.db*"))
    assert added.secret.encode() not in kept
    assert added.secret not in repr(added)


@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example.org/*",
        "http://app.example.org/back",
        "https://*.example.org/back",
        "https://app.example.org/back#part",
        "https://user@app.example.org/back",
        "https://app.example.org/a/../back",
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/back",
        "org.example.app://host/back",
        "/back",
        "https:///back",
        "https://app.example.org/ back",
        "https://app.example.org/" + "x" * 3_000,
        "https://app.example.org:port/",
        "https://app.example.org;sandbox/back",
        "https://app.example.org,evil.example.org/back",
        "https://'none'/back",
    ],
)
def test_an_address_that_leads_astray_is_not_registered(services, uri):
    with pytest.raises(BadClient):
        add(services, redirect_uris=(uri,))


@pytest.mark.parametrize("uri", ["http://127.0.0.1/back", "http://localhost:4000/", "org.example.app:/back"])
def test_an_installed_app_may_be_sent_back_to_itself(services, uri):
    add(services, redirect_uris=(uri,))


def test_a_private_scheme_is_for_apps_without_a_secret(services):
    with pytest.raises(BadClient):
        add(services, auth="client_secret", redirect_uris=("org.example.app:/back",))


def test_an_app_gets_no_scope_that_cannot_be_kept(services):
    with pytest.raises(BadClient):
        add(services, scopes="system/*.c")
    with pytest.raises(BadClient):
        add(services, scopes="patient/*.sr")
    with services.reading() as w:
        kept = find_client(w, add(services, scopes="patient/*.cruds openid fax").client_id).scopes
        assert str(kept) == "openid patient/*.rs"


def test_a_name_is_one_line_of_visible_letters(services):
    with pytest.raises(BadClient):
        add(services, name="\u202e\n ")
    with services.reading() as w:
        assert find_client(w, add(services, name="Heart\n\u202eTracker ").client_id).name == "Heart Tracker"


def test_keys_belong_to_clients_that_sign(services):
    with pytest.raises(BadClient):
        add(services, auth="private_key_jwt")
    with pytest.raises(BadClient):
        add(services, jwks=key_set(an_ec_key()))
    with pytest.raises(BadClient):
        add(services, auth="magic")
    add(services, auth="private_key_jwt", jwks=key_set(an_ec_key(), an_rsa_key()))


def test_a_key_set_nobody_could_sign_with_is_refused(services):
    site = a_site_row(services)
    key = an_ec_key()
    weak = an_rsa_key().as_dict(private=False) | {"n": "AQAB" * 40}
    for bad in (
        "",
        "[]",
        '{"keys": []}',
        json.dumps({"keys": [key.as_dict(private=True)]}),
        json.dumps({"keys": [{name: v for name, v in key.as_dict(private=False).items() if name != "kid"}]}),
        key_set(key, an_ec_key(key.kid)),
        json.dumps({"keys": [weak]}),
        json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}),
    ):
        with services.work() as w, pytest.raises(BadClient):
            add_site_client(w, NewSiteClient("PACS", site, jwks=bad))


@pytest.mark.parametrize(
    "url",
    [
        "http://site.example.org/keys",
        "https://user@site.example.org/keys",
        "https://site.example.org:8443/keys",
        "https://site.example.org/keys#x",
        "file:///etc/passwd",
        "https://",
        "keys",
    ],
)
def test_a_key_sets_address_is_plain_https(url):
    with pytest.raises(NoKeys):
        check_address(url, Reach.INTERNET)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
     "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::"],
)  # fmt: skip
def test_our_own_network_is_not_the_open_internet(address):
    assert not _is_open_internet(address)


def test_the_open_internet_is():
    assert _is_open_internet("93.184.216.34")
    assert _is_open_internet("2606:4700::1111")


def test_a_name_that_means_our_own_machine_is_not_asked():
    from consent.jwks import fetch

    with pytest.raises(NoKeys):
        fetch("https://localhost/keys", Reach.INTERNET)


def test_whoever_writes_to_the_database_registers_nothing(services):
    added = add(services)
    for change in ({"redirect_uris": '["https://evil.example.org/"]'}, {"scopes": "patient/*.rs"}, {"keys": "{}"}):
        with services.work() as w:
            w.session.execute(sa.update(ClientRow).values(**change))
        with services.reading() as w, pytest.raises(BrokenRecord):
            find_client(w, added.client_id)


def test_a_client_switched_off_is_not_found(services):
    added = add(services)
    with services.work() as w:
        switch_off(w, added.client_id)
    with services.reading() as w, pytest.raises(UnknownClient):
        find_client(w, added.client_id)
    with services.work() as w, pytest.raises(UnknownClient):
        switch_off(w, "unknown")
