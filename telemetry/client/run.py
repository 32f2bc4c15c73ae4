"""One run: its fields, each as the JSON text that will be sent."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping
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
        "_odd",
        "agent_name",
        "ended",
        "event_id",
        "generation",
        "last_event",
        "run_id",
        "started",
        "texts",
    )

    def __init__(
        self,
        client: TelemetryClient,
        texts: dict[str, str],
        event_id: str,
        run_id: str,
        agent_name: str = "",
    ) -> None:
        self._client, self.texts = client, texts
        self.event_id, self.run_id, self.agent_name = event_id, run_id, agent_name
        self.started = self.last_event = time.monotonic()
        self.ended = False
        self.generation = 0  # of the process whose stream has the start of the run
        self._odd: dict[str, Any] | None = None

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

    def fail(self, error: BaseException) -> None:
        """End the run as a failure, with the traceback."""
        self._client.end_run(self.run_id, "failure", **describe(error))

    def set(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Take over fields; return the texts of those that PATCH accepts."""
        changed = {}
        for name, value in fields.items():
            if value is None or name in OWN:
                continue
            text = field_text(name, value)
            if text is None:
                text = self._keep_odd(name, value)
                name = "context_json"  # noqa: PLW2901
            elif name == "context_json" and self._odd is not None:
                text = self._with_odd(values.parse_object(value))
            self.texts[name] = text
            if name in CHANGEABLE:
                changed[name] = text
        return changed

    def record(self) -> str:
        """Return the run as JSON; event_id comes first."""
        return "{" + ",".join([f'"{name}":{text}' for name, text in self.texts.items()]) + "}"

    def _keep_odd(self, name: str, value: object) -> str:
        """Keep what is no field of a run, or not a value for it, in context_json."""
        if name != "agent_owner":  # a field of the older service
            self._client.notices.count("odd_fields")
            message = "%s=%.100r is not a field of a run: it is kept in context_json"
            self._client.notices.warn(f"field {name}", message, name, value)
        self._odd = {**(self._odd or {}), name: value}
        return self._with_odd(json.loads(self.texts.get("context_json", "{}")))

    def _with_odd(self, context: Mapping[str, Any]) -> str:
        return values.encode({**context, **(self._odd or {})})


def field_text(name: str, value: Any) -> str | None:
    """Return the JSON text of a field; None when it is no field, or not a value for it."""
    if name == "git_repo":
        value = without_credentials(values.shown(value))
    if name in TEXTS:
        return values.text(value if type(value) is str else values.shown(value))
    if name in INTEGERS:
        number = values.whole(value)
        return None if number is None else str(number)
    if name in OBJECTS:
        return values.encode(values.parse_object(value))
    if name in TIMES:
        moment = values.timestamp(value)
        return None if moment is None else values.text(moment)
    if name == "git_commit_source" and value in COMMIT_SOURCES:
        return values.text(value)
    return None


def describe(error: BaseException) -> dict[str, Any]:
    """Return the fields that describe an exception."""
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        details = "".join(lines)[-_MAX_TRACEBACK:]
    except Exception:
        details = f"the traceback of {type(error).__name__} cannot be printed"
    return {
        "error_summary": f"{type(error).__name__}: {values.shown(error)}"[:1000],
        "error_details": details,
    }
