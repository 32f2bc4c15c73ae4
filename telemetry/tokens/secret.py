"""The text of a token, and its hash."""

import secrets
from hashlib import sha256

# Secret scanners find a token by it.
PREFIX = "tlm_"

RANDOM_BYTES = 32

# 32 bytes in base64url, without padding.
LENGTH = len(PREFIX) + 43


def new_token() -> str:
    """Return a token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def may_be_token(sent: bytes) -> bool:
    """Return whether a text has the shape of a token, so that it is worth a look-up."""
    return len(sent) == LENGTH and sent.startswith(PREFIX.encode())


def hash_of(sent: bytes) -> bytes:
    """Return the hash of a token: 32 bytes.

    A password would need a slow hash. Nobody can try 2^256 tokens.
    """
    return sha256(sent).digest()
