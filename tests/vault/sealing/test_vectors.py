"""Every vector of docs/format.md 17, and the published ones, re-derived. What they say never changes."""

import hashlib

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.vectors import cases
from vault.sealing import chain, derive, slow, suite
from vault.sealing.canonical import canonical_json
from vault.sealing.codes import ClaimPin, RecoveryCode, ShareCode
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind, SealedObject, open_octets, seal_octets

KEYS, SLOW, CODES, OBJECTS, PUBLISHED = (cases(name) for name in ("keys", "slow", "codes", "objects", "published"))
PEPPER = INDEX_KEY = b"\x11" * 32
octets = bytes.fromhex
pytestmark = pytest.mark.usefixtures("true_cost")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_tv1_a_seed_gives_the_same_pair_for_ever():
    assert sha256(suite.KeyPair.from_seed(octets(KEYS["TV1"]["seed"])).public) == KEYS["TV1"]["public_sha256"]


def test_tv2_context_is_joined_with_lengths():
    vector = KEYS["TV2"]
    assert derive.lp(*vector["text"], octets(vector["id"])).hex() == vector["lp"]


def test_tv3_the_vault_master_key_gives_its_four():
    vector = KEYS["TV3"]
    vm = octets(vector["vm"])
    assert derive.vault_kem_seed(vm).hex() == vector["kem"]
    assert derive.vault_library_key(vm).hex() == vector["lib"]
    assert derive.vault_catalogue_key(vm).hex() == vector["cat"]
    assert derive.vault_signing_seed(vm).hex() == vector["sig"]
    assert suite.SigningKey.from_seed(derive.vault_signing_seed(vm)).public.hex() == vector["sig_public"]


@pytest.mark.parametrize(("name", "code"), [("TV4", ClaimPin), ("TV14", RecoveryCode), ("TV15", ShareCode)])
def test_tv4_tv14_tv15_codes_have_these_check_characters(name, code):
    vector = CODES[name]
    assert code._with_checks(list(range(vector["symbols"]))).reveal() == vector["code"]
    parsed = code.parse(vector.get("typed", vector["code"]))
    assert parsed.reveal() == vector["code"]
    for part in ("locator", "secret"):
        if part in vector:
            assert getattr(parsed, part) == vector[part]
    if "code17" in vector:
        assert parsed.code17.hex() == vector["code17"]


def test_tv5_a_pin_and_a_birth_date_give_the_claims_seed():
    vector = SLOW["TV5"]
    stretched = slow.stretch_claim(
        vector["secret"],
        vector["born"],
        salt=octets(vector["salt"]),
        pepper=PEPPER,
        claim_id=octets(vector["claim_id"]),
    )
    assert derive.claim_kem_seed(stretched).hex() == vector["stretched_seed"]


@pytest.mark.parametrize("key_class", ["meta", "img", "rep"])
def test_tv6_a_batch_root_key_gives_three_class_keys(key_class):
    assert derive.class_key(octets(KEYS["TV6"]["brk"]), key_class).hex() == KEYS["TV6"][key_class]


def test_tv7_a_series_has_its_own_key():
    key = derive.series_key(octets(KEYS["TV6"]["img"]), octets(KEYS["TV7"]["series"]))
    assert key.hex() == KEYS["TV7"]["key"]


@pytest.mark.parametrize("vector", OBJECTS["objects"], ids=lambda vector: f"{vector['name']}-{vector['plain_length']}")
def test_tv8_tv17_objects_are_these_octets(vector):
    plain = bytes(i % 251 for i in range(vector["plain_length"]))
    sealed, kept = seal_octets(
        plain,
        key32=octets(OBJECTS["key"]),
        study16=octets(OBJECTS["study"]),
        object_id16=octets(OBJECTS["object"]),
        kind=Kind(OBJECTS["kind"]),
        salt=octets(OBJECTS["salt"]),
    )
    assert (len(sealed), sha256(sealed)) == (vector["length"], vector["sha256"])
    assert (kept.length, kept.plain_length) == (vector["length"], vector["plain_length"])
    assert kept.commitment.hex() == OBJECTS["commitment"]
    assert kept.sha256 == hashlib.sha256(plain).digest()
    assert open_octets(sealed, **opening()) == plain


@pytest.mark.parametrize("length", OBJECTS["must_refuse"])
def test_tv17_a_length_that_no_object_has_is_refused(length):
    plain = bytes(i % 251 for i in range(65537))
    sealed, _ = seal_octets(
        plain,
        key32=octets(OBJECTS["key"]),
        study16=octets(OBJECTS["study"]),
        object_id16=octets(OBJECTS["object"]),
        kind=Kind.INSTANCE,
        salt=octets(OBJECTS["salt"]),
    )
    with pytest.raises(Tampered):
        SealedObject(lambda offset, wanted: sealed[offset : offset + wanted], length, **opening())


def opening() -> dict:
    return {
        "key": octets(OBJECTS["key"]),
        "study": octets(OBJECTS["study"]),
        "object_id": octets(OBJECTS["object"]),
        "kind": Kind(OBJECTS["kind"]),
        "commitment": octets(OBJECTS["commitment"]),
    }


def test_tv9_a_wrap_is_these_octets():
    vector = KEYS["TV9"]
    context = [octets(part) for part in vector["context"]]
    key, secret = octets(vector["key"]), octets(vector["secret"])
    wrapped = suite._wrap_with(octets(vector["nonce"]), key, secret, derive.lp("phr1/wrap", vector["kind"], *context))
    assert wrapped.hex() == vector["wrapped"]
    assert suite.unwrap(key, wrapped, vector["kind"], *context) == secret


def test_tv10_a_token_gives_its_id_and_its_key():
    vector = KEYS["TV10"]
    token = octets(vector["token"])
    assert derive.token_id(token, vector["kind"]).hex() == vector["id"]
    assert derive.token_key(token, vector["kind"]).hex() == vector["key"]


def test_tv11_tv19_the_audit_chain_its_leaf_and_its_node():
    vector = KEYS["TV11"]
    event = canonical_json({"a": "study.read"})
    assert event == vector["event"].encode()
    owner = octets(vector["owner"])
    link = chain.link(owner, vector["number"], octets(vector["previous"]), event)
    assert link.hex() == vector["hash"]
    leaf = chain.leaf(owner, vector["number"], link)
    assert leaf.hex() == KEYS["TV19"]["leaf"]
    assert chain.node(leaf, leaf).hex() == KEYS["TV19"]["node_with_itself"]


def test_tv12_a_uid_is_found_within_its_scope():
    vector = KEYS["TV12"]
    assert (
        derive.uid_index(octets(vector["index_key"]), octets(vector["scope"]), vector["uid"]).hex() == vector["index"]
    )


def test_tv13_a_password_and_a_passkey_give_their_slots():
    vector = SLOW["TV13"]
    ids = {"vault": octets(vector["vault"]), "slot": octets(vector["slot"])}
    stretched = slow.stretch_password(vector["password"], salt=octets(vector["salt"]), pepper=PEPPER, **ids)
    assert stretched.hex() == vector["stretched"]
    assert derive.slot_kem_seed(stretched).hex() == vector["seed"]
    assert sha256(suite.KeyPair.from_seed(octets(vector["seed"])).public) == vector["public_sha256"]
    assert slow.passkey_secret(octets(vector["prf"]), **ids).hex() == vector["passkey"]


def test_tv14_a_recovery_code_gives_its_slot():
    vector = SLOW["TV14"]
    secret = slow.recovery_secret(octets(vector["code17"]), octets(vector["vault"]), octets(vector["slot"]))
    assert secret.hex() == vector["secret"]
    assert derive.slot_kem_seed(secret).hex() == vector["seed"]
    assert sha256(suite.KeyPair.from_seed(octets(vector["seed"])).public) == vector["public_sha256"]


def test_tv15_a_share_code_gives_its_key_and_commitment():
    vector = SLOW["TV15"]
    stretched = slow.stretch_share_code(
        vector["secret"],
        vector["extra"],
        salt=octets(vector["salt"]),
        pepper=PEPPER,
        holder_id=octets(vector["holder_id"]),
    )
    assert derive.code_key(stretched).hex() == vector["key"]
    assert derive.code_commitment(stretched).hex() == vector["commitment"]


def test_tv16_a_row_has_this_mac():
    vector = KEYS["TV16"]
    fields = [octets(field) for field in vector["fields"]]
    mac = derive.row_mac(octets(vector["index_key"]), vector["table"], octets(vector["id"]), *fields)
    assert mac.hex() == vector["mac"]


def test_tv18_a_patient_of_a_site_is_found_and_the_birth_date_checked():
    vector = SLOW["TV18"]
    who = (INDEX_KEY, octets(vector["site"]), vector["issuer"], vector["mrn"])
    assert slow.patient_index(*who).hex() == vector["index"]
    assert slow.birth_check(*who, vector["born"]) == int(vector["birth_check_hex"], 16)


def test_tv20_a_cookie_gives_id_key_and_csrf():
    vector = KEYS["TV20"]
    cookie = octets(vector["cookie"])
    assert derive.session_id(cookie).hex() == vector["id"]
    assert derive.session_key(cookie).hex() == vector["key"]
    assert derive.session_csrf(cookie).hex() == vector["csrf"]


def test_tv22_vaults_and_grants_have_catalogues_of_their_own():
    vector = KEYS["TV22"]
    assert derive.grant_catalogue_key(octets(vector["grant_key"])).hex() == vector["grant_catalogue"]
    assert derive.card_key(octets(vector["catalogue"])).hex() == vector["card"]


def test_rfc_9106_argon2id():
    vector = PUBLISHED["argon2id"]
    argon = Argon2id(
        salt=octets(vector["salt"]),
        length=32,
        iterations=vector["iterations"],
        lanes=vector["lanes"],
        memory_cost=vector["memory_kib"],
        ad=octets(vector["ad"]),
        secret=octets(vector["secret"]),
    )
    assert argon.derive(octets(vector["password"])).hex() == vector["tag"]


def test_rfc_9106_argon2id_through_our_own_profile(monkeypatch):
    vector = PUBLISHED["argon2id"]
    profile = slow.Profile(vector["memory_kib"], vector["iterations"], vector["lanes"])
    monkeypatch.setitem(slow.PROFILES, 99, profile)
    stretched = slow.stretch(
        99,
        octets(vector["password"]),
        salt16=octets(vector["salt"]),
        pepper=octets(vector["secret"]),
        ad=octets(vector["ad"]),
    )
    assert stretched.hex() == vector["tag"]


@pytest.mark.parametrize("vector", PUBLISHED["hkdf"], ids=["A.1", "A.2", "A.3"])
def test_rfc_5869_hkdf(vector):
    ikm, salt, info = (octets(vector[name]) for name in ("ikm", "salt", "info"))
    assert derive.hkdf(ikm, salt=salt, info=info, length=vector["length"]).hex() == vector["okm"]
    assert derive.expand(octets(vector["prk"]), info, vector["length"]).hex() == vector["okm"]
