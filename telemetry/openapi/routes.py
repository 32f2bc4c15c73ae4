"""The routes that the document describes, with the module that describes each."""

import re
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.routing import Rule

# Rooms and views for people, which no program reads: HTML pages with their exports and files. No
# path of theirs begins with /api/.
NOT_DESCRIBED = {"pages", "openapi.page", "openapi.file"}

# The rooms in the order in which people read about them.
ROOMS = ("runs", "runtime_events", "audio_runtime", "audit", "metrics", "health", "openapi")

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """A path with the method and the view that serves it. ``names`` are its variable parts."""

    path: str
    method: str
    room: str
    view: str
    names: tuple[str, ...]


def routes(app: Flask) -> list[Route]:
    """Return the routes that the document describes, in the order in which people read them."""
    found = [
        Route(
            re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule),
            method.lower(),
            *_names_of(rule),
            tuple(re.findall(r"<(?:\w+:)?(\w+)>", rule.rule)),
        )
        for rule in app.url_map.iter_rules()
        for method in METHODS
        if method in (rule.methods or ())
        and not {rule.endpoint, _names_of(rule)[0]} & NOT_DESCRIBED
    ]
    return sorted(found, key=_place)


def _place(route: Route) -> tuple[Any, ...]:
    """Return where a route stands: its room's place, its view's, then the path."""
    views = [*described_by(route.room).OPERATIONS]
    place = views.index(route.view) if route.view in views else len(views)
    return ROOMS.index(route.room), place, route.path


def described_by(name: str) -> ModuleType:
    """Return the module that describes a room."""
    return import_module(f"telemetry.{name}.openapi")


def _names_of(rule: Rule) -> tuple[str, str]:
    """Return the room and the view of a rule."""
    room, _, view = rule.endpoint.rpartition(".")
    return room, view
