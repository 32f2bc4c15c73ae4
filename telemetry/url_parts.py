"""Taking a database URL apart without the driver, and leaving out what is secret in it."""

import re
from urllib.parse import SplitResult

MAX_PORT = 65535


def redact_url(url: str) -> str:
    """Return the URL without user, password and options: scheme, hosts, ports and path."""
    parts = split_url(url)
    if not (parts.scheme and "//" in url and hosts_of(parts)) or may_cut_off_a_password(parts):
        return "***"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def split_url(url: str) -> SplitResult:
    """Split any text as RFC 3986 splits a URL. urlsplit refuses several hosts in brackets."""
    found = re.fullmatch(
        r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", url, re.DOTALL
    )
    assert found is not None  # every part is optional, and the last ones take any character
    return SplitResult(*(part or "" for part in found.groups()))


def hosts_of(parts: SplitResult) -> list[str] | None:
    """Return the hosts of the URL without ports; None when one of them or a port is malformed."""
    hosts = []
    for place in parts.netloc.rpartition("@")[2].split(","):
        found = re.fullmatch(r"(\[[0-9A-Za-z:.%]+\]|[^][:]*)(?::([0-9]{0,5}))?", place)
        if found is None or int(found[2] or 0) > MAX_PORT:
            return None
        hosts.append(found[1])
    return hosts


def may_cut_off_a_password(parts: SplitResult) -> bool:
    """Return whether the host and port may be a user and password, cut off by a raw / ? or #."""
    return "@" in parts.path + parts.query + parts.fragment
