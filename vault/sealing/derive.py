"""Every key, identifier and blind index that follows from another key. Layout and reasons: docs/format.md 1 to 9.

`Label` (vault/sealing/labels.py) lists the words that keep them apart; each function is named for what it makes.
"""

import hashlib
import hmac
import unicodedata
from functools import lru_cache
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from vault.sealing.labels import Label

KEY_LENGTH = 32
LONGEST_PART = 65_535

KeyClass = Literal["meta", "img", "rep"]
TokenKind = Literal["rt", "authz", "shl-at", "at", "site", "shl", "shl-file", "reg"]


def lp(*parts: str | bytes | int) -> bytes:
    """Join `parts` so that no other list of parts gives the same octets.

    Each part is its length as u16 big-endian, then its octets: text as UTF-8, a number as u64 big-endian.
    Raises `ValueError` for a part over 65,535 octets, `OverflowError` for a number outside u64.
    """
    joined = bytearray()
    for part in parts:
        octets = part if type(part) is bytes else _octets(part)
        if (length := len(octets)) > LONGEST_PART:
            raise ValueError("a part over 65,535 octets has no length prefix")
        joined += length.to_bytes(2, "big")
        joined += octets
    return bytes(joined)


def _octets(part: str | bytes | int) -> bytes:
    if isinstance(part, str):
        try:
            return part.encode()
        except UnicodeEncodeError:
            # Its own words would carry the text along, which may be a password.
            raise ValueError("text that has no UTF-8 form") from None
    return part.to_bytes(8, "big") if isinstance(part, int) else part


def expand(key: bytes, info: str | bytes, length: int = KEY_LENGTH) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 2.3); `key` is 32 uniformly random octets, else `ValueError`."""
    # The library takes a key of any length without complaint.
    if len(key) != KEY_LENGTH:
        raise ValueError("a key has 32 octets")
    return HKDFExpand(hashes.SHA256(), length, _octets(info)).derive(key)


_of_settings = lru_cache(maxsize=64)(expand)  # only for what follows from a key of the settings: these are kept anyway


def hkdf(ikm: bytes, *, salt: bytes = b"", info: bytes, length: int = KEY_LENGTH) -> bytes:
    """HKDF with SHA-256 (RFC 5869 2): for input that is secret but not uniform, or where a salt separates."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(ikm)


def _mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 cut to 16 octets: the form of every blind index and row MAC."""
    if len(key) != KEY_LENGTH:
        raise ValueError("a key has 32 octets")
    return hmac.digest(key, message, "sha256")[:16]


# -- from the vault master key ---------------------------------------------------------------------


def vault_kem_seed(vm: bytes) -> bytes:
    """Seed of the key pair to which everything for this vault is sealed."""
    return expand(vm, Label.VAULT_KEM)


def vault_library_key(vm: bytes) -> bytes:
    """Key of the owner's own wraps."""
    return expand(vm, Label.VAULT_LIBRARY)


def vault_catalogue_key(vm: bytes) -> bytes:
    """Key of the vault's catalogue."""
    return expand(vm, Label.VAULT_CATALOGUE)


def card_key(catalogue_key: bytes) -> bytes:
    """Key under which the cards of a catalogue lie; its sheet is sealed under the catalogue's own."""
    return expand(catalogue_key, Label.CARD)


def vault_signing_seed(vm: bytes) -> bytes:
    """Seed of the Ed25519 key under which the owner states grants."""
    return expand(vm, Label.VAULT_SIGNING)


# -- from a batch root key -------------------------------------------------------------------------


def class_key(brk: bytes, key_class: KeyClass) -> bytes:
    """Key of one class (metadata, pictures, reports) of a batch; it never yields the batch root key."""
    return expand(brk, lp(Label.CLASS, key_class))


def series_key(img_key: bytes, series_id16: bytes) -> bytes:
    """Key of one series' pictures, from the batch's `img` class key."""
    return expand(img_key, lp(Label.SERIES, series_id16))


def duplicate_key(brk: bytes) -> bytes:
    """Key by which one batch recognises a report pushed twice; it confirms nothing to others."""
    return expand(brk, Label.DUPLICATE)


def duplicate_mac(brk: bytes, scope16: bytes, sha256: bytes) -> bytes:
    """16 octets, equal for equal reports of one scope within one batch."""
    return _mac(duplicate_key(brk), lp(scope16, sha256))


# -- from a grant key ------------------------------------------------------------------------------


def grant_wrap_key(gk: bytes) -> bytes:
    """Key under which the owner wraps class keys for a grant."""
    return expand(gk, Label.GRANT_WRAP)


def export_key(grant_wrap_key: bytes) -> bytes:
    """Key under which the questions of a grant's exports lie."""
    return expand(grant_wrap_key, Label.EXPORT)


def grant_kem_seed(gk: bytes) -> bytes:
    """Seed of the key pair to which later studies are sealed while the owner is away."""
    return expand(gk, Label.GRANT_KEM)


def grant_catalogue_key(gk: bytes) -> bytes:
    """Key of the grant's catalogue."""
    return expand(gk, Label.GRANT_CATALOGUE)


def grant_statement(vault16: bytes, statement: bytes) -> bytes:
    """What the vault's signing key signs; of canonical JSON that names thousands of studies, its SHA-512."""
    if len(statement) > LONGEST_PART:
        return lp(Label.LONG_GRANT_STATEMENT, vault16, hashlib.sha512(statement).digest())
    return lp(Label.GRANT_STATEMENT, vault16, statement)


# -- from a bearer secret --------------------------------------------------------------------------


def token_id(secret32: bytes, kind: TokenKind) -> bytes:
    """16 octets by which a token's row is found."""
    return expand(secret32, lp(Label.TOKEN_ID, kind), 16)


def token_key(secret32: bytes, kind: TokenKind) -> bytes:
    """Key of what the token opens; another kind of the same secret opens nothing."""
    return expand(secret32, lp(Label.TOKEN_KEY, kind))


def session_id(cookie32: bytes) -> bytes:
    """16 octets by which a session's row is found."""
    return expand(cookie32, Label.SESSION_ID, 16)


def session_key(cookie32: bytes) -> bytes:
    """Key under which the session's row holds the vault master key."""
    return expand(cookie32, Label.SESSION_KEY)


def session_csrf(cookie32: bytes) -> bytes:
    """16 octets that every form of the session carries."""
    return expand(cookie32, Label.SESSION_CSRF, 16)


# -- from a stretched human secret -----------------------------------------------------------------


def slot_kem_seed(stretched: bytes) -> bytes:
    """Seed of a slot's key pair."""
    return expand(stretched, Label.SLOT_KEM)


def claim_kem_seed(stretched: bytes) -> bytes:
    """Seed of a claim's key pair."""
    return expand(stretched, Label.CLAIM_KEM)


def code_key(stretched: bytes) -> bytes:
    """Key under which a share code's holder keeps the grant key."""
    return expand(stretched, Label.CODE_KEY)


def code_commitment(stretched: bytes) -> bytes:
    """16 octets compared before the holder is opened: GCM alone commits to no key."""
    return expand(stretched, Label.CODE_COMMITMENT, 16)


# -- from a health link's address ------------------------------------------------------------------


def link_opening(address32: bytes, stretched: bytes) -> bytes:
    """Key under which a health link keeps what it opens; `stretched` is its passcode's, b"" where it has none."""
    return hkdf(address32, salt=stretched, info=Label.LINK_OPENING.encode())


def link_commitment(opening: bytes) -> bytes:
    """16 octets compared before anything of the link is opened; says nothing of the passcode without the address."""
    return expand(opening, Label.LINK_COMMITMENT, 16)


def link_token(opening: bytes) -> bytes:
    """The link's one access token. Not from the link's key: whoever has that may lack the passcode."""
    return expand(opening, Label.LINK_TOKEN)


def link_reader(opening: bytes, name: str) -> bytes:
    """16 octets for what somebody calls themselves. Names are guessable, so no key of the settings confirms a guess."""
    return _mac(expand(opening, Label.LINK_READER), lp(name))


# -- from the index key ----------------------------------------------------------------------------


def uid_index(index_key: bytes, scope16: bytes, uid: str) -> bytes:
    """16 octets by which a UID is found within one scope, or one token; equality never shows across these."""
    return _mac(_of_settings(index_key, Label.UID_INDEX), lp(scope16, uid))


def login_index(index_key: bytes, name: str) -> bytes:
    """16 octets by which an e-mail address or account name is found; case and outer space do not count."""
    return _mac(_of_settings(index_key, Label.LOGIN_INDEX), folded(name).encode())


def folded(name: str) -> str:
    """`name` as it is compared: NFKC, case-folded, without outer white space."""
    # Folding can leave a sequence that is not normalised, so it is normalised again.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def content_mac(index_key: bytes, scope16: bytes, sha256: bytes) -> bytes:
    """16 octets, equal for equal pictures of one scope. Not for reports: their text can be guessed."""
    return _mac(_of_settings(index_key, Label.CONTENT), lp(scope16, sha256))


def row_mac(index_key: bytes, table: str, id16: bytes, *fields: str | bytes | int) -> bytes:
    """16 octets that whoever writes to the database alone cannot make; field order as in docs/format.md 3."""
    return _mac(_of_settings(index_key, Label.ROW_KEY), lp(Label.ROW, table, id16, *fields))


def counter_index(index_key: bytes, *parts: str | bytes | int) -> bytes:
    """16 octets under which tries are counted, so that addresses stay out of the database."""
    return _mac(_of_settings(index_key, Label.COUNTER), lp(*parts))


def page_key(index_key: bytes) -> bytes:
    """What the addresses of a search's pages are wrapped under (docs/fhir.md, Pages)."""
    return expand(index_key, Label.PAGE)


def dummy_salt(index_key: bytes, what: bytes) -> bytes:
    """16 octets, the same at each try, for the work done where no row exists."""
    return _mac(index_key, what)


def subject(index_key: bytes, vault16: bytes, client16: bytes) -> bytes:
    """16 octets by which one app knows one person; another app knows them by others, and none by the vault's."""
    return _mac(expand(index_key, Label.SUBJECT), lp(vault16, client16))


def id_token_key(audit_key: bytes) -> bytes:
    """Key under which the private halves lie that sign whom an app let sign in."""
    return expand(audit_key, Label.ID_TOKEN_KEY)


def check_value(key: bytes) -> bytes:
    """16 octets kept in the database, by which a wrong configured key is noticed at start."""
    return _mac(key, Label.CHECK.encode())
