"""The id of a request: which of the callers' are valid, and new ones.

It imports neither Flask nor the driver, as ``worker.py``.
"""

import re
from os import urandom

_VALID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def is_valid(text: str) -> bool:
    """Return whether a caller's id can be used."""
    return _VALID.fullmatch(text) is not None


def new_id() -> str:
    """Return an id for a request whose caller sent no valid one."""
    return urandom(16).hex()
