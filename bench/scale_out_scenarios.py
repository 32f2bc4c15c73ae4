"""The loads of ``bench.scale_out``. To add one, add it to ``SCENARIOS``."""

from dataclasses import dataclass

from bench.loads import Client, Load, Wrk


@dataclass(frozen=True)
class Scenario:
    """A load and the table that its records go to."""

    title: str
    load: Load
    table: str


def _batch(module: str, argument: str, path: str, records: int = 1000) -> Client:
    return Client(module, argument, 4, records, f"{path}/batch")


_RUN = "/api/v1/runs"
_EVENTS = "/api/runtime/events"
_LEDGER = "/api/v1/audio-runtime/events"
_LEDGER_TABLE = "os_core.audio_runtime_events"
SCENARIOS = {
    "runs": Scenario("Runs, one per request", Wrk(_RUN, 16, "run"), "agent_runs"),
    "runs-100": Scenario("Runs, batches of 100", _batch("posts", "run", _RUN, 100), "agent_runs"),
    "runs-1000": Scenario("Runs, batches of 1,000", _batch("posts", "run", _RUN), "agent_runs"),
    "events": Scenario(
        "Runtime events, one per request", Wrk(_EVENTS, 16, "event"), "runtime_events"
    ),
    "events-1000": Scenario(
        "Runtime events, batches of 1,000", _batch("posts", "event", _EVENTS), "runtime_events"
    ),
    "ledger-one": Scenario(
        "Ledger, one event per request, one tenant", Wrk(_LEDGER, 16, "ledger_one"), _LEDGER_TABLE
    ),
    "ledger-several": Scenario(
        "Ledger, one event per request, eight tenants",
        Wrk(_LEDGER, 16, "ledger_several"),
        _LEDGER_TABLE,
    ),
    "ledger-one-1000": Scenario(
        "Ledger, batches of 1,000 of one tenant each",
        _batch("scale_out_posts", "one", _LEDGER),
        _LEDGER_TABLE,
    ),
    "ledger-several-1000": Scenario(
        "Ledger, batches of 1,000 of eight tenants",
        _batch("scale_out_posts", "several", _LEDGER),
        _LEDGER_TABLE,
    ),
}
