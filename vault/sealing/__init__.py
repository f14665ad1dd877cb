"""
Octets in, octets out: the one home of cryptography (docs/format.md, docs/keys.md).

    derive      every key, identifier and blind index, each under its own label
    labels      those labels
    suite       seal and open, wrap and unwrap, sign and verify
    slow        stretching what people type
    onetime     six digits of the moment, for a second factor
    stream      the object format PHO1: sealed as it comes, read by range
    layout      what such an object looks like
    codes       printed codes and their check characters
    canonical   the one way a JSON value is written before it is signed or hashed
    unprintable values that hold a secret
    errors      what can go wrong
"""
