"""Methods of the older client that only look at what was recorded."""

from __future__ import annotations

import json
import logging
from typing import Any

from telemetry.client import clock
from telemetry.client.guard import guarded
from telemetry.client.reporter import Reporter

_STATS_SECONDS = 2.0
_UNAVAILABLE: dict[str, Any] = {"error": "Statistics unavailable"}


class OlderMethods(Reporter):
    """Statistics in the form in which users of the older client know them."""

    def get_run_id_metrics(self) -> dict[str, Any]:
        """Return how many run_ids were given, made and refused."""
        counts = self.notices.snapshot()
        rejected = {
            reason: counts.get(f"run_id_rejected_{reason}", 0)
            for reason in ("empty", "too_long", "invalid_chars")
        }
        custom, made = counts.get("run_id_custom", 0), self._generated
        total = custom + made
        return {
            "run_id_metrics": {
                "custom_accepted": custom,
                "generated": made,
                "rejected": {**rejected, "total": sum(rejected.values())},
                "duplicates_detected": counts.get("run_id_duplicates", 0),
                "total_runs": total,
                "custom_percentage": round(custom / total * 100, 2) if total else 0.0,
            },
            "timestamp": clock.utc_now(),
        }

    def log_run_id_metrics(self) -> None:
        """Log them."""
        logging.getLogger("telemetry.client").info(
            "run_id metrics: %s", json.dumps(self.get_run_id_metrics())
        )

    def get_stats(self) -> dict[str, Any]:
        """Return the counts of the service, as far as it responds within two seconds.

        The only method that waits for the network.
        """
        return {**self._service_stats(), **self.get_run_id_metrics()}

    @guarded(_UNAVAILABLE)
    def _service_stats(self) -> dict[str, Any]:
        return self._channel.transport.get("/metrics", _STATS_SECONDS) or _UNAVAILABLE
