"""Flask, without what this service has no use for and each of its requests would pay for."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, cast

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter, Rule, UnicodeConverter


class Application(Flask):
    """A Flask of plain functions: no coroutines, no sessions, no names of hosts in its rules.

    What comes before and after a request is the same for all of them: neither blueprints nor
    views have such functions of their own. No URL is built, and nobody is told by signals of
    the end of a request.
    """

    def __init__(self, import_name: str) -> None:
        super().__init__(import_name, static_folder=None)
        self.session_interface = _NoSessions()
        self.url_map.merge_slashes = False
        self.url_map.converters["default"] = StorableText

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: each of them is asked at each call whether it is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Find the rule of a path without variables in a dictionary, others as werkzeug does.

        Neither way asks for the host: no rule depends on it, and an odd one is no error.
        """
        if request is None:
            return super().create_url_adapter(None)
        if rule := self._plain_rules.get((request.method, request.path)):
            return cast(MapAdapter, _Found(rule))
        return self.url_map.bind("", default_method=request.method, path_info=request.path)

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Call what comes before each request; an answer of it is the request's."""
        for each in self.before_request_funcs.get(None, ()):
            if (answer := each()) is not None:
                return cast(ResponseReturnValue, answer)
        return None

    def process_response(self, response: Response) -> Response:
        """Call what comes after each request, the last registered first."""
        for each in reversed(self.after_request_funcs.get(None, ())):
            response = cast(Response, each(response))
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Call what tears down after each request, answered or not, the last registered first."""
        for each in reversed(self.teardown_request_funcs.get(None, ())):
            each(exc)

    def do_teardown_appcontext(self, *exc: Any) -> None:
        """Do nothing where there is nothing to tear down."""
        if self.teardown_appcontext_funcs:
            super().do_teardown_appcontext(*exc)

    @cached_property
    def _plain_rules(self) -> dict[tuple[str, str], Rule]:
        found: dict[tuple[str, str], Rule] = {}
        for rule in self.url_map.iter_rules():
            if not rule.arguments:
                for method in (rule.methods or set()) - {"OPTIONS"}:
                    found.setdefault((method, rule.rule), rule)
        return found


class StorableText(UnicodeConverter):
    """A variable part of a path. PostgreSQL's text has no NUL, so nothing is named with one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regex = self.regex.replace("/", r"/\0")


class _Found(NamedTuple):
    """All that Flask asks of werkzeug's adapter to find a view."""

    rule: Rule

    def match(self, **_: Any) -> tuple[Rule, dict[str, Any]]:
        return self.rule, {}


class _NoSessions(SessionInterface):
    _none = NullSession()

    def open_session(self, *_: Any) -> NullSession:
        return self._none
