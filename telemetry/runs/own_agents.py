"""What a token that is bound to agents may do with runs: those of its agents, and no others."""

from collections.abc import Callable, Sequence
from typing import Any

from telemetry.database.copy import CopyRow
from telemetry.http.caller import Caller
from telemetry.http.error_shape import problem
from telemetry.http.errors import ApiError, Invalid
from telemetry.payloads.batch import Batch
from telemetry.payloads.loading import Loaded
from telemetry.runs.rows import agent_of

# The client cannot do better than to choose another event_id, so it has to know this much.
FOREIGN = "The run belongs to an agent that the token is not bound to"

Loc = tuple[str | int, ...]
Load = Callable[[Any, Loc], Loaded[CopyRow]]


def only(load: Load, sender: Caller) -> Load:
    """Return a ``load`` that refuses records of agents to which the token is not bound."""

    def load_own(document: Any, loc: Loc) -> Loaded[CopyRow]:
        loaded = load(document, loc)
        if not sender.may_report(agent_of(loaded.values)):
            message = "The token is not bound to this agent"
            raise Invalid([problem([*loc, "agent_name"], message, "token_scope")])
        return loaded

    return load_own


def add_foreign(batch: Batch[CopyRow], indexes: Sequence[int]) -> None:
    """Add the errors of records whose run is of an agent to which the token is not bound."""
    for index in indexes:
        where = problem(["body", index], FOREIGN, "token_scope")
        batch.add_error(index, batch.valid[index].key, [where])
    batch.errors.sort(key=lambda error: int(error["index"]))


def limit(filters: dict[str, Any], sender: Caller) -> None:
    """Limit a list to an agent of the token. The only one it is bound to need not be named.

    Raises ApiError 403 when the list names no agent or another one.
    """
    if sender.agents is None:
        return
    if filters["agent_name"] is None and len(sender.agents) == 1:
        filters["agent_name"] = sender.agents[0]
    if not sender.may_report(filters["agent_name"]):
        raise ApiError(403, "The list needs an agent_name that the token is bound to")
