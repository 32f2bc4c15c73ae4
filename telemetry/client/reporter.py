"""What all reports of a client have in common: its settings, its channel, runtime events."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from telemetry import __version__
from telemetry.client import ids, lifecycle, values
from telemetry.client.channel import REPORTS, STARTS, Channel, Settings
from telemetry.client.config import DEFAULT_URL, TelemetryConfig, is_url, spool_folder
from telemetry.client.events import Event, event_record
from telemetry.client.git import GitContext, without_credentials
from telemetry.client.guard import guarded
from telemetry.client.run import RunContext

if TYPE_CHECKING:
    from telemetry.client.fields import EventSource
    from telemetry.client.sending.transport import Token

_DEFAULT_SPOOL_BYTES = 256 * 1024 * 1024

_Reporter = TypeVar("_Reporter", bound="Reporter")


class Reporter:
    """Reports runtime events, and has what reporting runs needs."""

    def __init__(  # noqa: PLR0913 - settings with names
        self,
        url: str | TelemetryConfig | None = None,
        token: Token = None,
        agent_name: str | None = None,
        *,
        config: TelemetryConfig | None = None,
        environment: str | None = None,
        spool_dir: str | Path | None = None,
        max_spool_bytes: int = _DEFAULT_SPOOL_BYTES,
        durable: bool = False,
        heartbeat_seconds: float = 60.0,
        exit_seconds: float = 2.0,
        detect_git: bool = True,
        strict: bool = False,
    ) -> None:
        given = config or (url if isinstance(url, TelemetryConfig) else None)
        self.config = given or TelemetryConfig.from_env()
        self.agent_name = agent_name or Path(sys.argv[0] or "agent").stem or "agent"
        self.durable, self.strict = durable, strict
        self._enabled = not self.config.is_mock_mode()
        self._git = GitContext(detect_git)
        self._git_found: dict[str, str] = {}
        self._runs: dict[str, RunContext] = {}
        self._ended: dict[str, str] = {}  # event_id, by run_id
        self._numbers, self._generated = count(1), 0  # of run_ids that the client made
        common = {
            "host": platform.node() or "unknown",
            "environment": environment,
            # Of the wrapper that has started this process.
            "parent_run_id": os.environ.get("TELEMETRY_RUN_ID", "").strip()[:255],
        }
        self._common = _members(common)
        address = ((url if isinstance(url, str) else self.config.api_url) or DEFAULT_URL).rstrip(
            "/"
        )
        root = Path(spool_dir) if spool_dir else self.config.spool_root()
        self._channel = Channel(
            Settings(
                url=address,
                token=token if token is not None or given is None else given.api_token,
                folder=spool_folder(root, address),
                max_bytes=max_spool_bytes,
                durable=durable,
                heartbeat_seconds=heartbeat_seconds,
                user_agent=f"telemetry-client/{__version__}",
                strict=strict,
            )
        )
        self.notices = self._channel.notices
        if not is_url(address):
            self.notices.mistake(
                "address",
                "%.300r is no URL of a service: it must begin with http:// or https://",
                without_credentials(address),
            )
            self.notices.log_kept()
        lifecycle.register(self, self._channel.sender, exit_seconds)

    @guarded("")
    def record_event(  # noqa: PLR0913 - the fields of an event
        self,
        endpoint: str,
        runtime_ms: float,
        *,
        source: EventSource = "worker",
        method: str = "GET",
        status_code: int = 200,
        raw_endpoint: str | None = None,
        idea_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Record a runtime event; return its id."""
        event_id = ids.new_id()
        record = event_record(
            event_id,
            Event(
                endpoint, runtime_ms, source, method, status_code, raw_endpoint, idea_id, metadata
            ),
            self.notices.mistake,
        )
        self._append(f'{{"event":{record}}}\n', REPORTS)
        return event_id

    def flush(self, timeout: float = 10.0, *, leftovers: bool = False) -> bool:
        """Wait until everything recorded so far is stored or rejected; return whether it is.

        With ``leftovers``, also what dead processes have left in the same folder.
        """
        return not self._enabled or self._channel.sender.flush(timeout, leftovers)

    def close(self, timeout: float = 2.0) -> None:
        """Send the rest for a short time. What remains is sent by the next client of the folder."""
        if self._enabled:
            self._channel.sender.at_exit(timeout)

    @property
    def counters(self) -> dict[str, int]:
        """What happened so far: records appended, sent, rejected, dropped, in memory, …."""
        return self._channel.counters()

    @property
    def spool_folder(self) -> Path:
        """The folder of the spool, which also has the file of rejected records."""
        return self._channel.spool.folder

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked. The runs stay known, to be ended."""
        self._channel.after_fork()
        self._git.after_fork()

    def __enter__(self: _Reporter) -> _Reporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, line: str, share: float) -> bool:
        return not self._enabled or self._channel.append(line, share)

    def _append_start(self, run: RunContext) -> None:
        """Append the start of a run to the stream of this process.

        A forked process does so again before it changes a run of its parent: nobody knows which of
        the two streams is sent first.
        """
        if self._append(f'{{"run":{run.record()}}}\n', STARTS):
            run.generation = self._channel.generation

    def _append_change(
        self,
        kind: str,
        event_id: str,
        members: list[str],
        share: float,
        run: RunContext | None = None,
    ) -> None:
        if run is not None and run.generation != self._channel.generation:
            self._append_start(run)
        fields = ",".join([f'"event_id":{values.text(event_id)}', *members])
        self._append(f'{{"{kind}":{{{fields}}}}}\n', share)

    def _git_members(self) -> Mapping[str, str]:
        """Return the git context as members of a JSON object, as far as known."""
        if not self._git_found:
            self._git_found = _members(self._git.get())
        return self._git_found


def _members(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name: f'"{name}":{values.text(values.shown(text))}' for name, text in fields.items() if text
    }
