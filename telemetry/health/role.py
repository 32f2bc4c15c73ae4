"""The role that the service connects as: the owner of its tables, or one that can only serve."""

from dataclasses import dataclass
from typing import Literal

from telemetry.database import statements
from telemetry.database.connection import Connection

ROLE = statements.load("health/role")

Kind = Literal["owner", "excessive", "restricted"]

# From the most powerful one down.
KINDS: tuple[Kind, ...] = ("owner", "excessive", "restricted")


@dataclass(frozen=True)
class Role:
    """The role of a connection, and what it may do beyond the statements of the service.

    ``owned`` has the tables that it owns, or can come to own as a member of their owner or as a
    superuser. ``powers`` has attributes such as ``CREATEROLE``, ``memberships`` predefined roles
    such as ``pg_write_all_data``, and ``excess`` rights such as ``UPDATE on audit.audit_events``.
    """

    name: str
    is_superuser: bool
    owned: tuple[str, ...] = ()
    excess: tuple[str, ...] = ()
    powers: tuple[str, ...] = ()
    memberships: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """``owner``, ``excessive`` (no owner, with rights that it does not need), ``restricted``.

        An owner can switch the append-only triggers off; the others cannot.
        """
        if self.is_superuser or self.owned:
            return "owner"
        is_more = self.excess or self.powers or self.memberships
        return "excessive" if is_more else "restricted"

    @property
    def reason(self) -> str:
        """Why it is of this kind, as a phrase; empty for a restricted one."""
        if self.is_superuser:
            return "it is a superuser, or a member of one"
        if self.owned:
            more = f" and {len(self.owned) - 1} more" if len(self.owned) > 1 else ""
            return f"it owns {self.owned[0]}{more}, or is a member of the owner"
        members = [f"membership in {it}" for it in self.memberships]
        return ", ".join([*self.powers, *members, *self.excess])


def role_of(connection: Connection) -> Role:
    """Return the role of the connection. Raises psycopg.Error."""
    row = connection.execute(ROLE, prepare=False).fetchone()
    assert row is not None  # the statement always returns one row
    lists = (tuple(row[it]) for it in ("owned", "excess", "powers", "memberships"))
    return Role(row["name"], row["is_superuser"], *lists)


def most_powerful(roles: list[Role]) -> Kind | None:
    """Return the kind of the role that can do the most; None without any."""
    kinds = {role.kind for role in roles}
    return next((kind for kind in KINDS if kind in kinds), None)
