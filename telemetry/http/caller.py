"""Who sends a request, what the token allows, and what each endpoint needs.

Each view declares its need with ``@needs``, next to its route. A view without one cannot be served
where authentication is enabled, unless its path is open to everyone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple, TypeVar, cast

from flask import Flask, Request, g

from telemetry.http.errors import ApiError

READS = ("runs:read", "events:read", "audio:read")
SCOPES = ("runs:write", "runs:read", "events:write", "events:read", "audio:write", "audio:read")
ADMIN = "admin"

# No tenant can have this name: a CHECK constraint allows no slash in one.
NO_TENANT = "/"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Caller:
    """A token that is valid: its name, its scopes, and what it is bound to (None: to nothing).

    ``ends`` is when it expires, as a ``time.monotonic`` time. ``hash`` is empty for the token of
    the environment.
    """

    name: str
    scopes: frozenset[str]
    tenants: frozenset[str] | None = None
    agents: list[str] | None = None
    ends: float = inf
    hash: bytes = field(default=b"", repr=False)

    def lacks(self, need: "Need") -> str | None:
        """Return what the token lacks to satisfy a need, as a text for the client, or None."""
        if ADMIN in self.scopes:
            return None
        missing = [scope for scope in need.scopes if scope not in self.scopes]
        if missing:
            listed = ", ".join(missing)
            return f"The token needs the scope{'s' if len(missing) > 1 else ''} {listed}"
        if need.every_agent and self.agents is not None:
            return "This shows every agent, and the token is bound to some"
        if need.every_tenant and self.tenants is not None:
            return "This shows every tenant, and the token is bound to some"
        return None

    def may_use(self, tenant_id: str) -> bool:
        """Return whether the token may name a tenant."""
        return self.tenants is None or tenant_id in self.tenants

    def may_report(self, agent_name: Any) -> bool:
        """Return whether the token may send runs of an agent."""
        return self.agents is None or agent_name in self.agents


class Need(NamedTuple):
    """What an endpoint needs: all of the scopes, and perhaps a token that is not bound."""

    scopes: tuple[str, ...]
    every_agent: bool = False
    every_tenant: bool = False


# Pages show everything that is stored.
PAGES = Need(READS, every_agent=True, every_tenant=True)

UNDECLARED = Need((ADMIN,))

# The token of the environment may do everything, and so may anyone without authentication.
EVERYONE = Caller("", frozenset({ADMIN}))

# Who sends a request whose token has not been checked: it may do nothing.
NOBODY = Caller("", frozenset(), tenants=frozenset(), agents=[])


def needs(
    *scopes: str, every_agent: bool = False, every_tenant: bool = False
) -> Callable[[View], View]:
    """Declare what a view needs. Without scopes, any valid token will do."""
    return _declare(Need(scopes, every_agent, every_tenant))


def shows_pages(view: View) -> View:
    """Declare that a view is a page."""
    return _declare(PAGES)(view)


def needs_of(app: Flask) -> dict[str, Need]:
    """Return what each endpoint of the application needs, where that is declared."""
    declared = {name: getattr(view, "need", None) for name, view in app.view_functions.items()}
    return {name: need for name, need in declared.items() if need is not None}


def caller() -> Caller:
    """Return who sends the current request."""
    return cast(Caller, g.get("caller", NOBODY))


def seen(tenant_id: str) -> str:
    """Return the tenant, or a name that no tenant has when the token may not use this one.

    A read then takes the same steps as for a tenant that does not exist. Its response is the same.
    """
    return tenant_id if caller().may_use(tenant_id) else NO_TENANT


def set_caller(found: Caller, declared: dict[str, Need], request: Request) -> None:
    """Make it the caller of the current request. Raises ApiError 403 for what it may not do."""
    this = g._get_current_object()
    this.caller = found
    this.token_name = found.name
    endpoint = request.endpoint
    # Without a view there is nothing to protect: the response is 404 or 405.
    need = None if endpoint is None else declared.get(endpoint, UNDECLARED)
    if need is not None and (lack := found.lacks(need)):
        raise ApiError(403, lack)


def _declare(need: Need) -> Callable[[View], View]:
    def mark(view: View) -> View:
        vars(view)["need"] = need
        return view

    return mark
