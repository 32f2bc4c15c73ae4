"""Keeping every failure of the client away from the agent."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Protocol, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    from telemetry.client.notices import Notices

    Params = ParamSpec("Params")

Result = TypeVar("Result")


class Guarded(Protocol):
    """What has guarded methods."""

    notices: Notices
    strict: bool


Self = TypeVar("Self", bound=Guarded)


def guarded(
    default: Result,
) -> Callable[
    [Callable[Concatenate[Self, Params], Result]], Callable[Concatenate[Self, Params], Result]
]:
    """Return a decorator for methods that return ``default`` instead of raising.

    The failure is logged once and counted. With ``strict`` it is raised, for tests of an agent.
    """

    def decorate(method: Callable[..., Result]) -> Callable[..., Result]:
        @functools.wraps(method)
        def call(self: Guarded, *args: Any, **kwargs: Any) -> Result:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                if self.strict:
                    raise
                self.notices.failed(method.__name__, error)
                return default
            finally:
                self.notices.log_kept()

        return call

    return decorate
