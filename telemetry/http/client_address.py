"""Who sends a request: an address, whatever its spelling, and the client that is counted."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple

# What a provider gives to one household or server; its holder can use any address in it.
IPV6_PREFIX = 64

# Longer texts are no addresses, and are not worth a place in the cache.
MAX_LENGTH = 100


class Client(NamedTuple):
    """The sender of a request. ``network`` is the text by which the rate limit counts it."""

    address: str
    network: str


def client_of(environ: dict[str, Any]) -> Client:
    """Return the client of a request.

    A proxy that names no address in ``X-Forwarded-For`` is the client itself.
    """
    client = _parse(environ.get("REMOTE_ADDR") or "")
    if client is None:
        # ProxyFix keeps the address of the connection.
        connection = environ.get("werkzeug.proxy_fix.orig", {})
        client = _parse(connection.get("REMOTE_ADDR") or "")
    return client or Client("unknown", "unknown")


def _parse(text: str) -> Client | None:
    return _parse_short(text) if len(text) <= MAX_LENGTH else None


@lru_cache(maxsize=1024)
def _parse_short(text: str) -> Client | None:
    """Return the client with this address, which may have a port, brackets, quotes or a zone."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, IPv6Address):
        return Client(str(address), str(IPv6Network((address, IPV6_PREFIX), strict=False)))
    return Client(str(address), str(address))
