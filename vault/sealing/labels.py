"""The words that keep derivations apart (docs/format.md 1)."""

from enum import StrEnum


class Label(StrEnum):
    """What separates one derivation from all others. A label is never reused and never changed."""

    SEAL = "phr1/seal"
    WRAP = "phr1/wrap"
    # from the vault master key (docs/format.md 2)
    VAULT_KEM = "phr1/vault/kem"
    VAULT_LIBRARY = "phr1/vault/lib"
    VAULT_CATALOGUE = "phr1/vault/cat"
    VAULT_SIGNING = "phr1/vault/sig"
    CARD = "phr1/cat/card"
    # from a batch root key (2, 5)
    CLASS = "phr1/cls"
    SERIES = "phr1/ser"
    DUPLICATE = "phr1/dup"
    # from a grant key (8)
    GRANT_WRAP = "phr1/grant/wrap"
    GRANT_KEM = "phr1/grant/kem"
    GRANT_CATALOGUE = "phr1/grant/cat"
    EXPORT = "phr1/export"
    GRANT_STATEMENT = "phr1/grant/stmt"
    LONG_GRANT_STATEMENT = "phr1/grant/stmt512"
    # from a bearer secret (8, 9)
    TOKEN_ID = "phr1/tok/id"  # noqa: S105  a label, no secret
    TOKEN_KEY = "phr1/tok/key"  # noqa: S105
    SESSION_ID = "phr1/sess/id"
    SESSION_KEY = "phr1/sess/key"
    SESSION_CSRF = "phr1/sess/csrf"
    # from stretched human secrets (3, 4, 8)
    PASSWORD = "phr1/pw"  # noqa: S105
    PASSKEY = "phr1/prf"
    RECOVERY = "phr1/rc"
    SLOT_KEM = "phr1/slot/kem"
    CLAIM = "phr1/claim"
    CLAIM_KEM = "phr1/claim/kem"
    CODE = "phr1/code"
    CODE_KEY = "phr1/code/kek"
    CODE_COMMITMENT = "phr1/code/commit"
    # from a health link's address (8)
    LINK = "phr1/shl"
    LINK_OPENING = "phr1/shl/open"
    LINK_COMMITMENT = "phr1/shl/commit"
    LINK_TOKEN = "phr1/shl/token"  # noqa: S105  a label, no secret
    LINK_READER = "phr1/shl/reader"
    # from the index key (3, 4.4, 5, 7, 14)
    UID_INDEX = "phr1/bi/uid"
    LOGIN_INDEX = "phr1/bi/login"
    CONTENT = "phr1/bi/content"
    COUNTER = "phr1/bi/counter"
    ROW_KEY = "phr1/mac/row"
    ROW = "phr1/row"
    PATIENT = "phr1/mrn"
    BIRTH = "phr1/dob"
    CONDITION = "phr1/cond"
    ACCESSION = "phr1/acc"
    CHECK = "phr1/check"
    SUBJECT = "phr1/oidc/sub"
    PAGE = "phr1/page"
    # from the audit key (11)
    ID_TOKEN_KEY = "phr1/oidc/key"  # noqa: S105
    # objects (6), audit (11)
    OBJECT = "phr1/obj"
    SEGMENT = "phr1/seg"
    AUDIT = "phr1/audit"
    AUDIT_LEAF = "phr1/audit/leaf"
    CHECKPOINT_ED25519 = "phr1/checkpoint/ed25519"
    CHECKPOINT_MLDSA65 = "phr1/checkpoint/mldsa65"
    MANIFEST = "phr1/manifest"
