"""The parts of the document as people read it; ``reading`` makes them."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Field(NamedTuple):
    """A member of an object, or a parameter. ``default`` is what applies without it."""

    name: str
    words: str
    is_required: bool
    description: str = ""
    default: Any = None


class Shape(NamedTuple):
    """An object: what it is called, where there are several, and its members."""

    title: str
    fields: Sequence[Field]


class Content(NamedTuple):
    """An example of a content type."""

    content_type: str
    example: str


class Reply(NamedTuple):
    """A response; ``headers`` are those that not every response has."""

    status: str
    description: str
    headers: Sequence[tuple[str, str]]
    shapes: Sequence[Shape]
    contents: Sequence[Content]


class Error(NamedTuple):
    """An error that many operations share. ``name`` leads to its description."""

    status: str
    name: str
    description: str


class Body(NamedTuple):
    """The body of a request. ``record`` is the operation that takes one record of a batch."""

    content_types: Sequence[str]
    forms: Sequence[str]
    shapes: Sequence[Shape]
    contents: Sequence[Content]
    record: "Operation | None"


class Operation(NamedTuple):
    """An operation. ``target`` is its path and query string, filled with examples."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    is_open: bool
    target: str
    parameters: Sequence[tuple[str, Sequence[Field]]]
    body: Body | None
    replies: Sequence[Reply]
    errors: Sequence[Error]


class Section(NamedTuple):
    """What belongs together, under one heading."""

    title: str
    description: str
    operations: Sequence[Operation]


class Outline(NamedTuple):
    """The whole document."""

    version: str
    introduction: Sequence[str]
    sections: Sequence[Section]
    headers: Sequence[tuple[str, str, str]]
    errors: Sequence[tuple[str, Reply]]
