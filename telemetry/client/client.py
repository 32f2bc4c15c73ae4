"""The client: what the author of an agent calls."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from telemetry.client import ids, values
from telemetry.client.channel import ENDS, REPORTS
from telemetry.client.clock import utc_now
from telemetry.client.fields import COMMIT_SOURCES, STATUS_ALIASES, STATUSES
from telemetry.client.guard import guarded
from telemetry.client.older import OlderMethods
from telemetry.client.run import RunContext, field_text
from telemetry.client.tracking import Tracker

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from telemetry.client.fields import CommitSource, OutcomeFields, RunFields, StartFields

# How many runs that have ended can still be given a commit.
_REMEMBERED = 10_000
# How many runs may be in progress.
_MOST_RUNS = 100_000


class TelemetryClient(OlderMethods):
    """Reports runs and runtime events. No method raises or waits for the network.

    ``url`` may be the TelemetryConfig of the older client. ``token`` may be a function, which is
    called for each request; without one, TELEMETRY_API_AUTH_TOKEN is read each time.
    """

    def start_run(
        self,
        agent_name: str | None = None,
        job_type: str | None = None,
        trigger_type: str = "cli",
        **fields: Unpack[StartFields],
    ) -> str:
        """Record that a run has started; return its run_id, which is made if none is given.

        ``agent_name`` is that of the client when it is left out.
        """
        return self.begin_run(agent_name, job_type, trigger_type, **fields).run_id

    def begin_run(
        self,
        agent_name: str | None = None,
        job_type: str | None = None,
        trigger_type: str = "cli",
        **fields: Unpack[StartFields],
    ) -> RunContext:
        """Record that a run has started; return the run, with the methods to report about it."""
        try:
            return self._begin(agent_name, job_type, trigger_type, fields)
        except Exception as error:
            if self.strict:
                raise
            self.notices.failed("start_run", error)
            event_id = ids.new_id()
            run = RunContext(self, {}, event_id, f"error-{fields.get('run_id') or event_id}")
            run.ended = True
            return run
        finally:
            self.notices.log_kept()

    @guarded(None)
    def end_run(
        self, run_id: str, status: str = "success", **fields: Unpack[OutcomeFields]
    ) -> None:
        """Record that a run has ended, with everything that is known of it."""
        run = self._runs.pop(run_id, None)
        if run is None:
            self._unknown(run_id)
            return
        with self._channel.lock:
            run.ended = True
            for name, member in self._git_members().items():
                run.members.setdefault(name, member)
            run.put("duration_ms", str(int((time.monotonic() - run.started) * 1000)))
            if fields:
                run.set(fields)
            run.put("status", self._end_status(status))
            run.put("end_time", f'"{utc_now()}"')
            line = f'{{"end":{run.record()}}}\n'
        self._append(line, ENDS)
        self._channel.heartbeats.end(run.event_id)
        self._ended[run_id] = run.event_id
        if len(self._ended) > _REMEMBERED:
            with suppress(StopIteration, RuntimeError):  # a signal handler ended a run meanwhile
                self._ended.pop(next(iter(self._ended)), None)

    @guarded(None)
    def update_run(self, run_id: str, **fields: Unpack[RunFields]) -> None:
        """Set fields of a run. Those that PATCH does not accept reach the service with its end.

        A run that has ended can be corrected.
        """
        run = self._runs.get(run_id)
        if run is not None:
            with self._channel.lock:
                changed = run.set(fields)
            if changed:
                changed.append('"status":"running"')  # so that it changes nothing after the end
                self._append_change("progress", run.event_id, changed, REPORTS, run)
        elif event_id := self._ended.get(run_id):
            members = RunContext(self, {}, event_id, run_id).set(fields)
            if members:
                self._append_change("change", event_id, members, ENDS)
        else:
            self._unknown(run_id)

    set_metrics = update_run

    @guarded((False, "[ERROR] the commit could not be recorded"))
    def associate_commit(
        self,
        run_id: str,
        commit_hash: str,
        commit_source: CommitSource,
        commit_author: str | None = None,
        commit_timestamp: str | None = None,
    ) -> tuple[bool, str]:
        """Name the commit that a run of this client made; return whether it is recorded, and why.

        It is possible before and after the end of the run.
        """
        run = self._runs.get(run_id)
        event_id = run.event_id if run else self._ended.get(run_id)
        if event_id is None:
            return False, f"[ERROR] Run ID not found: {run_id}"
        if commit_source not in COMMIT_SOURCES:
            return False, f"[ERROR] commit_source must be one of {sorted(COMMIT_SOURCES)}"
        if not isinstance(commit_hash, str) or not 7 <= len(commit_hash.strip()) <= 64:
            return False, "[ERROR] commit_hash must have 7 to 64 characters"
        optional = {"commit_author": commit_author, "commit_timestamp": commit_timestamp}
        texts = {
            "commit_hash": values.text(commit_hash.strip()),
            "commit_source": values.text(commit_source),
        }
        for name, value in optional.items():
            text = None if value is None else field_text(f"git_{name}", value)
            if text is not None:
                texts[name] = text
        if run is not None:
            with self._channel.lock:
                for name, text in texts.items():
                    run.put(f"git_{name}", text)
        members = [f'"{name}":{text}' for name, text in texts.items()]
        self._append_change("commit", event_id, members, ENDS, run)
        return True, f"Commit {commit_hash.strip()} recorded for run {run_id}"

    @guarded(None)
    def log_event(
        self,
        run_id: str,
        event_type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        runtime_ms: float | None = None,
        status_code: int | None = None,
    ) -> None:
        """Record an event of a run, as a runtime event of the endpoint ``/<agent>/<event_type>``.

        Without ``runtime_ms`` it took the time since the event before it, or since the start. The
        payload and the ids of the run become its metadata.
        """
        run = self._runs.get(run_id)
        now = time.monotonic()
        metadata: dict[str, Any] = {"run_id": run_id, "event_type": event_type}
        agent = self.agent_name
        if run is not None:
            agent, metadata["event_id"] = run.agent_name, run.event_id
            runtime_ms = (now - run.last_event) * 1000 if runtime_ms is None else runtime_ms
            run.last_event = now
        self.record_event(
            f"/{agent}/{values.shown(event_type)}",
            runtime_ms or 0,
            method="EVENT",
            status_code=status_code or (500 if event_type in ("error", "failure") else 200),
            metadata={**metadata, **values.parse_object(payload or {})},
        )

    def track_run(
        self,
        agent_name: str | None = None,
        job_type: str | None = None,
        trigger_type: str = "cli",
        **fields: Unpack[StartFields],
    ) -> Tracker:
        """Return what begins and ends a run: for ``with``, ``async with`` and as a decorator."""
        return Tracker(self, agent_name, job_type, trigger_type, fields)

    def _begin(
        self,
        agent_name: str | None,
        job_type: str | None,
        trigger_type: str,
        fields: Mapping[str, Any],
    ) -> RunContext:
        agent = values.shown(agent_name or self.agent_name)
        event_id, run_id = self._ids(fields, agent)
        now = utc_now()
        members = {
            "event_id": f'"event_id":{values.text(event_id)}',
            "run_id": f'"run_id":{values.text(run_id)}',
            "agent_name": f'"agent_name":{values.name(agent)}',
            "job_type": f'"job_type":{values.name(job_type or "run")}',
            "trigger_type": f'"trigger_type":{values.name(trigger_type or "cli")}',
            "status": '"status":"running"',
            "start_time": f'"start_time":"{now}"',
            "created_at": f'"created_at":"{now}"',
            **self._common,
            **self._git_members(),
        }
        if self.config.agent_owner and "agent_owner" not in fields:
            fields = {"agent_owner": self.config.agent_owner, **fields}
        run = RunContext(self, members, event_id, run_id, agent)
        if fields:
            run.set(fields)
        self._runs[run_id] = run
        if len(self._runs) > _MOST_RUNS:
            self._forget_oldest()
        self._append_start(run)
        self._channel.heartbeats.begin(event_id, run.started)
        return run

    def _forget_oldest(self) -> None:
        """Forget the run that began first, so that runs that never end fill no memory."""
        oldest = self._runs.pop(next(iter(self._runs)))
        self._channel.heartbeats.end(oldest.event_id)
        self.notices.count("forgotten_runs")
        self.notices.keep(
            "forgotten",
            "more than %d runs are in progress: the oldest can no longer be ended",
            _MOST_RUNS,
        )

    def _ids(self, fields: Mapping[str, Any], agent_name: str) -> tuple[str, str]:
        """Return event_id and run_id of a new run: those that were given, as far as they can be."""
        event_id, run_id = fields.get("event_id"), fields.get("run_id")
        if event_id is None or not ids.is_event_id(event_id):
            if event_id is not None:
                self.notices.mistake(
                    "event_id", "%.100r is not an event_id: another is used", event_id
                )
            event_id = ids.new_id()
        if run_id:
            reason = ids.why_no_run_id(run_id)
            if reason is None and run_id in self._runs:
                self.notices.count("run_id_duplicates")
                self.notices.mistake("run_id", "the run %r is still in progress", run_id)
                run_id = f"{run_id[:235]}-duplicate-{event_id[-8:]}"
            if reason is None:
                self.notices.count("run_id_custom")
                return event_id, run_id
            self.notices.count(f"run_id_{reason}")
            self.notices.mistake("run_id", "%.100r is not a run_id: another is used", run_id)
        self._generated = next(self._numbers)
        return event_id, ids.new_run_id(agent_name, event_id)

    def _end_status(self, status: object) -> str:
        """Return the status with which a run ends, as JSON; one that is unknown is a failure."""
        if status == "success":
            return '"success"'
        name = values.shown(status).strip().lower()
        name = STATUS_ALIASES.get(name, name)
        if name in STATUSES and name != "running":
            return f'"{name}"'
        self.notices.mistake("status", "a run cannot end as %.100r: it is a failure", status)
        return '"failure"'

    def _unknown(self, run_id: object) -> None:
        self.notices.count("unknown_runs")
        if run_id in self._ended:
            self.notices.mistake("ended", "the run %.300r has already ended", run_id)
        else:
            self.notices.mistake("unknown", "Run ID not found: %.300r", run_id)
