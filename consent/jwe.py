"""Files encrypted for whoever has a key of 32 octets (RFC 7516, as SMART Health Links ask for it)."""

from joserfc import jwe
from joserfc.jwk import OctKey


def encrypted_file(octets: bytes, *, key: bytes, content_type: str) -> str:
    """A compact JWE (dir, A256GCM) that says what is inside; another initialisation vector each time it is made."""
    header = {"alg": "dir", "enc": "A256GCM", "cty": content_type}
    return jwe.encrypt_compact(header, octets, OctKey.import_key(key), algorithms=["dir", "A256GCM"])
