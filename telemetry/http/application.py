"""Flask, with a shorter way to the view and names of things that PostgreSQL can hold."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from flask import Flask, Request
from werkzeug.routing import Map, MapAdapter, Rule, UnicodeConverter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Application(Flask):
    """A Flask without static files, whose rules do not depend on the host."""

    def __init__(self, import_name: str) -> None:
        super().__init__(import_name, static_folder=None)
        self.url_map.merge_slashes = False
        self.url_map.converters["default"] = StorableText

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: Flask would ask at every call whether it is a coroutine.

        No view or hook here is one. Gain: 1 %; it is a tenth of the function calls of a create.
        """
        return func

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Serve a request. A slash at the end of its path is cut off, before anything reads it."""
        path = environ["PATH_INFO"]
        if path.endswith("/") and path != "/":
            environ["PATH_INFO"] = path[:-1]
        return self.wsgi_app(environ, start)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Find the rule of a path without variables in a dictionary, others as werkzeug does.

        Neither asks for the host: no rule depends on it, and an odd one is not an error. Gain,
        in percent of the worker's CPU for a single create: 10.6 % (4.9 % of it the dictionary).
        """
        if request is None:
            return super().create_url_adapter(None)
        if rule := self._plain_rules.get((request.method, request.path)):
            return cast(MapAdapter, _Found(rule, self.url_map))
        return self.url_map.bind("", default_method=request.method, path_info=request.path)

    @cached_property
    def _plain_rules(self) -> dict[tuple[str, str], Rule]:
        found: dict[tuple[str, str], Rule] = {}
        for rule in self.url_map.iter_rules():
            if not rule.arguments:
                for method in (rule.methods or set()) - {"OPTIONS"}:
                    found.setdefault((method, rule.rule), rule)
        return found


class StorableText(UnicodeConverter):
    """A variable part of a path. PostgreSQL's text has no NUL, so no name holds one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regex = self.regex.replace("/", r"/\0")


class _Found(NamedTuple):
    """All that Flask asks of werkzeug's adapter: to find a view, and to build URLs in it."""

    rule: Rule
    url_map: Map

    def match(self, **_: Any) -> tuple[Rule, dict[str, Any]]:
        return self.rule, {}

    def build(self, *args: Any, **kwargs: Any) -> str:
        return self.url_map.bind("").build(*args, **kwargs)
