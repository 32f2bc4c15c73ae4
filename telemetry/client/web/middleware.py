"""What the middleware of both interfaces has in common: its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from telemetry.client.web.traffic import Traffic

if TYPE_CHECKING:
    from telemetry.client.fields import EventSource
    from telemetry.client.reporter import Reporter


class Middleware:
    """Stands around an application, and reports its requests.

    ``sample_every=N`` reports up to N requests that are alike as one event. ``skip`` are endpoints
    that are not reported. Beyond ``max_endpoints``, all others share one. ``prefix`` stands before
    each endpoint, so that the summaries keep several applications apart.
    """

    def __init__(  # noqa: PLR0913 - settings with names
        self,
        app: Any,
        client: Reporter,
        *,
        source: EventSource = "web",
        sample_every: int = 1,
        skip: Iterable[str] = (),
        max_endpoints: int = 1000,
        prefix: str = "",
    ) -> None:
        self._app = app
        self.traffic = Traffic(client, source, sample_every, skip, max_endpoints, prefix)
