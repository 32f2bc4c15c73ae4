"""The types of which a room's description of its endpoints is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from marshmallow import Schema

JsonSchema = dict[str, Any]


class Parameter(NamedTuple):
    """What a parameter means, a value of it, and what applies without it."""

    description: str
    example: Any
    default: Any = None


class Reply(NamedTuple):
    """A response; ``headers`` are those that it has besides the usual ones.

    ``texts`` has an example of each content type in which a client may get it instead of JSON.
    Without a ``schema`` it has no body.
    """

    description: str
    schema: JsonSchema | None
    example: Any
    headers: tuple[str, ...] = ()
    texts: Mapping[str, str] = MappingProxyType({})


class Body(NamedTuple):
    """The body of a request. ``lines`` is an example in JSON Lines, where they are accepted."""

    schema: JsonSchema | type[Schema]
    example: Any
    lines: str = ""


@dataclass(frozen=True)
class Operation:
    """What one view does.

    ``query`` is the schema of the query string. ``path`` has a field for each variable part of the
    path; a part that is not valid is 422 where ``checks_path``, else it names nothing. ``headers``
    are those that the view reads. ``replies`` leave out the usual errors, which are in ``common``.
    """

    summary: str
    replies: Mapping[int, Reply]
    description: str = ""
    query: type[Schema] | None = None
    path: type[Schema] | None = None
    checks_path: bool = False
    headers: Mapping[str, Parameter] = field(default_factory=dict)
    body: Body | None = None
    is_health: bool = False
    is_counted: bool = True
    needs_scope: bool = True
