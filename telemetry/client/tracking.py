"""``track_run``: a run around a block of code, a function or a coroutine."""

from __future__ import annotations

import asyncio
import functools
import inspect
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar, cast

from telemetry.client.run import RunContext, describe

if TYPE_CHECKING:
    from telemetry.client.client import TelemetryClient

_Function = TypeVar("_Function", bound=Callable[..., Any])

_current: ContextVar[RunContext | None] = ContextVar("telemetry_run", default=None)


def current_run() -> RunContext | None:
    """Return the run that ``track_run`` has begun around the caller; None outside of one."""
    return _current.get()


def run_of(client: TelemetryClient) -> RunContext | None:
    """Return the run that a call without a run_id is about.

    It is the run of the client around the caller, else its only one in progress: threads do not
    know the context of the thread that started them.
    """
    run = _current.get()
    if run is not None and run.client is client and not run.ended:
        return run
    runs = list(client._runs.values())
    return runs[0] if len(runs) == 1 else None


class Tracker:
    """Begins a run when it is entered, and ends it when it is left; also a decorator.

    An exception ends the run as a failure, with the traceback, and goes on. A run that was
    interrupted or cancelled is ``cancelled``. ``sys.exit()`` without an error is a success.
    """

    def __init__(
        self,
        client: TelemetryClient,
        agent_name: str | None,
        job_type: str | None,
        trigger_type: str,
        fields: Any,
    ) -> None:
        self._client = client
        self._agent_name, self._job_type = agent_name, job_type
        self._trigger_type, self._fields = trigger_type, fields
        self._entered: list[tuple[RunContext, Token[RunContext | None]]] = []

    def __enter__(self) -> RunContext:
        run = self._begin(self._all_fields())
        self._entered.append((run, _current.set(run)))
        return run

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run = self._left()
        if not run.ended:
            status, details = outcome(error)
            self._client.end_run(run.run_id, status, **details)

    async def __aenter__(self) -> RunContext:
        if not self._client.durable:
            return self.__enter__()
        # fsync takes milliseconds, in which other tasks can run. The context is this task's.
        fields = self._all_fields()
        run = await self._in_thread(lambda: self._begin(fields))
        self._entered.append((run, _current.set(run)))
        return cast(RunContext, run)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._client.durable:
            self.__exit__(kind, error, traceback)
            return
        run = self._left()
        if not run.ended:
            status, details = outcome(error)
            await self._in_thread(lambda: self._client.end_run(run.run_id, status, **details))

    def _all_fields(self) -> Any:
        """Return the fields of the run. A run inside another one of this client is its child."""
        outer = _current.get()
        if outer is None or outer.client is not self._client:
            return self._fields
        return {"parent_run_id": outer.run_id, **self._fields}

    def _begin(self, fields: Any) -> RunContext:
        return self._client.begin_run(
            self._agent_name, self._job_type, self._trigger_type, **fields
        )

    def _left(self) -> RunContext:
        # Threads and tasks may share a tracker, and leave it in another order.
        current = _current.get()
        mine = [index for index, (run, _) in enumerate(self._entered) if run is current]
        run, token = self._entered.pop(mine[-1] if mine else -1)
        with suppress(ValueError):  # a generator that was closed in another context
            _current.reset(token)
        return run

    @staticmethod
    async def _in_thread(call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, call)

    def __call__(self, function: _Function) -> _Function:
        """Return the function with a run around each call. Its name is the default job_type."""

        def tracker() -> Tracker:
            job_type = self._job_type or getattr(function, "__name__", None)
            return Tracker(
                self._client, self._agent_name, job_type, self._trigger_type, self._fields
            )

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def tracked(*args: Any, **kwargs: Any) -> Any:
                async with tracker():
                    return await function(*args, **kwargs)

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def tracked(*args: Any, **kwargs: Any) -> Any:
                with tracker():
                    return (yield from function(*args, **kwargs))

        elif inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def tracked(*args: Any, **kwargs: Any) -> Any:
                async with tracker():
                    async for each in function(*args, **kwargs):
                        yield each

        else:

            @functools.wraps(function)
            def tracked(*args: Any, **kwargs: Any) -> Any:
                with tracker():
                    return function(*args, **kwargs)

        return cast(_Function, tracked)


def outcome(error: BaseException | None) -> tuple[Any, Any]:
    """Return the status of a run that was left with this exception, and what describes it."""
    if error is None or isinstance(error, GeneratorExit):
        return "success", {}
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return "success", {}
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        return "cancelled", {"error_summary": type(error).__name__}
    return "failure", describe(error)
