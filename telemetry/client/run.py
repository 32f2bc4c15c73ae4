"""One run: its fields, each as the JSON text that will be sent."""

from __future__ import annotations

import difflib
import time
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from telemetry.client import values
from telemetry.client.fields import CHANGEABLE, COMMIT_SOURCES, INTEGERS, OBJECTS, OWN, TEXTS, TIMES
from telemetry.client.git import without_credentials

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from telemetry.client.client import TelemetryClient
    from telemetry.client.fields import CommitSource, OutcomeFields, RunFields, Status

_MAX_TRACEBACK = 48 * 1024


class RunContext:
    """A run in progress. Its methods never raise and never wait for the network."""

    __slots__ = (
        "_client",
        "_context",
        "_odd",
        "agent_name",
        "ended",
        "event_id",
        "generation",
        "last_event",
        "logged",
        "members",
        "run_id",
        "started",
    )

    def __init__(
        self,
        client: TelemetryClient,
        members: dict[str, str],
        event_id: str,
        run_id: str,
        agent_name: str = "",
    ) -> None:
        self._client, self.members = client, members
        self.event_id, self.run_id, self.agent_name = event_id, run_id, agent_name
        self.started = self.last_event = time.monotonic()
        self.ended = False
        self.logged: list[str] = []  # what a handler has taken from the log
        self.generation = 0  # of the process whose stream has the start of the run
        # What is no field of a run, and the context that it is added to.
        self._odd: dict[str, Any] = {}
        self._context: object = None

    @property
    def client(self) -> TelemetryClient:
        """The client that reports the run."""
        return self._client

    def log_event(
        self, event_type: str, payload: Mapping[str, Any] | None = None, **fields: Any
    ) -> None:
        """Record a runtime event of this run. See TelemetryClient.log_event."""
        self._client.log_event(self.run_id, event_type, payload, **fields)

    def set_metrics(self, **fields: Unpack[RunFields]) -> None:
        """Set fields of the run. Those that may change are visible while it is in progress."""
        self._client.update_run(self.run_id, **fields)

    def associate_commit(
        self,
        commit_hash: str,
        commit_source: CommitSource,
        commit_author: str | None = None,
        commit_timestamp: str | None = None,
    ) -> tuple[bool, str]:
        """Name the commit that the run made."""
        return self._client.associate_commit(
            self.run_id, commit_hash, commit_source, commit_author, commit_timestamp
        )

    def end(self, status: Status = "success", **fields: Unpack[OutcomeFields]) -> None:
        """End the run."""
        self._client.end_run(self.run_id, status, **fields)

    def fail(self, error: BaseException | str) -> None:
        """End the run as a failure, with the traceback of an exception or a reason in words."""
        self._client.end_run(self.run_id, "failure", **describe(error))

    def set(self, fields: Mapping[str, Any]) -> list[str]:
        """Take over fields; return the members of those that PATCH accepts."""
        changed = []
        for name, value in fields.items():
            if value is None or name in OWN:
                self._refuse_own(name, value)
                continue
            text = field_text(name, value)
            if name == "context_json":
                self._context = value
                text = self._whole_context() if self._odd else text
            elif text is None:
                text = self._keep_odd(name, value)
                name = "context_json"  # noqa: PLW2901
            member = self.members[name] = f'"{name}":{text}'
            if name in CHANGEABLE:
                changed.append(member)
        return changed

    def put(self, name: str, text: str) -> None:
        """Set a field to a JSON text."""
        self.members[name] = f'"{name}":{text}'

    def record(self) -> str:
        """Return the run as JSON; event_id comes first."""
        return f"{{{','.join(self.members.values())}}}"

    def _refuse_own(self, name: str, value: object) -> None:
        """Warn of a field that the client sets itself. The ids are given to ``start_run``."""
        if name == "status" and value not in (None, "running"):
            hint = "end() sets it: run.end('partial', items_failed=2)"
        elif name in ("agent_name", "job_type") and value is not None:
            hint = "it is set when the run starts"
        else:
            return
        self._client.notices.mistake(f"field {name}", "%s=%.100r is ignored: %s", name, value, hint)

    def _keep_odd(self, name: str, value: object) -> str:
        """Keep what is no field of a run, or not a value for it, in context_json; return that."""
        if name != "agent_owner":  # a field of the older service
            self._client.notices.count("odd_fields")
            message = "%s=%.100r is %s: it is kept in context_json"
            self._client.notices.mistake(f"field {name}", message, name, value, why_odd(name))
        self._odd[name] = value
        return self._whole_context()

    def _whole_context(self) -> str:
        context = {} if self._context is None else values.parse_object(self._context)
        try:
            return values.encode({**context, **self._odd})
        except Exception:  # a mapping that cannot be read
            return values.encode({"context_json": context, **self._odd})


def field_text(name: str, value: Any) -> str | None:
    """Return the JSON text of a field; None when it is no field, or not a value for it."""
    try:
        return _MAKERS[name](value)
    except Exception:
        return None


def _text(value: object) -> str:
    return values.text(value if type(value) is str else values.shown(value))


def _integer(value: object) -> str | None:
    number = values.whole(value)
    return None if number is None else str(number)


def _object(value: object) -> str:
    return values.encode(values.parse_object(value))


def _time(value: object) -> str | None:
    moment = values.timestamp(value)
    return None if moment is None else values.text(moment)


def _commit_source(value: object) -> str | None:
    return values.text(value) if isinstance(value, str) and value in COMMIT_SOURCES else None


_MAKERS: dict[str, Callable[[Any], str | None]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(INTEGERS, _integer),
    **dict.fromkeys(OBJECTS, _object),
    **dict.fromkeys(TIMES, _time),
    "git_repo": lambda value: _text(without_credentials(values.shown(value))),
    "git_commit_source": _commit_source,
}


def why_odd(name: str) -> str:
    """Return what is wrong with a field that cannot be stored as it was given."""
    if name in INTEGERS:
        return "no whole number from 0 up"
    if name in TIMES:
        return "no time"
    if name in _MAKERS:
        return "no value for this field"
    near = difflib.get_close_matches(name, _MAKERS, 1)
    return f"no field of a run (did you mean {near[0]}?)" if near else "no field of a run"


def describe(error: BaseException | str) -> dict[str, Any]:
    """Return the fields that describe an exception, or what somebody says went wrong."""
    if not isinstance(error, BaseException):
        return {"error_summary": values.shown(error)[:1000]}
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        details = "".join(lines)[-_MAX_TRACEBACK:]
    except Exception:
        details = f"the traceback of {type(error).__name__} cannot be printed"
    return {
        "error_summary": f"{type(error).__name__}: {values.shown(error)}"[:1000],
        "error_details": details,
    }
