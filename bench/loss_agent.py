"""An agent that reports runs at a steady rate until it is killed. Run by bench/loss.py.

It runs with the interpreter of the other clients, so all three have the same Python.

Usage: python -m bench.loss_agent CLIENT URL FOLDER PREFIX NOTES {work,rest}
"""

import itertools
import os
import sys
import time
from typing import Any, Protocol

from bench.agent import FIELDS, OUTCOME

# Ten runs are open at any time: each begins, reports once and ends after a second.
RATE = 10
REPORTED_AFTER, ENDED_AFTER = 5, 10

METRICS = {"items_discovered": 12, "items_succeeded": 11, "cost": 0.25}
TEXTS = {"output_summary": OUTCOME["output_summary"], "queue": "nightly", "dry_run": "false"}


class Reporter(Protocol):
    """A client, with the calls that a run needs. They may raise."""

    def start(self, name: str) -> None:
        """Report that a run has started."""

    def report(self, name: str) -> None:
        """Report one number of it."""

    def end(self, name: str) -> None:
        """Report its outcome, and that it has ended."""

    def rest(self) -> None:
        """Send what can be sent, and end."""


class Telemetry:
    """telemetry.client."""

    def __init__(self, url: str, folder: str) -> None:
        from telemetry.client import TelemetryClient

        self._client = TelemetryClient(url, agent_name="importer", spool_dir=folder)

    def start(self, name: str) -> None:
        """Report that a run has started."""
        self._client.start_run("importer", "nightly", run_id=name, **FIELDS)

    def report(self, name: str) -> None:
        """Report one number of it."""
        self._client.set_metrics(name, items_discovered=12)

    def end(self, name: str) -> None:
        """Report its outcome, and that it has ended."""
        self._client.end_run(name, **OUTCOME)

    def rest(self) -> None:
        """Send what can be sent, also of the process that was killed, and end."""
        self._client.flush(60, leftovers=True)
        self._client.close()


class Mlflow:
    """MLflow's client with its defaults: each call is one or two requests."""

    def __init__(self, url: str, _: str) -> None:
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=url)
        self._ids: dict[str, str] = {}

    def start(self, name: str) -> None:
        """Report that a run has started."""
        self._ids[name] = self._client.create_run("0", run_name=name, tags=FIELDS).info.run_id

    def report(self, name: str) -> None:
        """Report one number of it."""
        self._client.log_metric(self._ids[name], "items_discovered", 12)

    def end(self, name: str) -> None:
        """Report its outcome, and that it has ended."""
        from mlflow.entities import Metric, RunTag

        now = int(time.time() * 1000)
        metrics = [Metric(key, value, now, 0) for key, value in METRICS.items()]
        tags = [RunTag(key, value) for key, value in TEXTS.items()]
        self._client.log_batch(self._ids[name], metrics=metrics, tags=tags)
        self._client.set_terminated(self._ids.pop(name), "FINISHED")

    def rest(self) -> None:
        """Do nothing: it keeps nothing back."""


class OpenTelemetry:
    """OpenTelemetry's exporter behind its batch processor, with their defaults: a run is a span."""

    def __init__(self, url: str, _: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider = TracerProvider(resource=Resource.create({"service.name": "importer"}))
        exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bench")
        self._spans: dict[str, Any] = {}

    def start(self, name: str) -> None:
        """Report that a run has started."""
        self._spans[name] = self._tracer.start_span("nightly", attributes={"run": name, **FIELDS})

    def report(self, name: str) -> None:
        """Report one number of it."""
        self._spans[name].set_attribute("items_discovered", 12)

    def end(self, name: str) -> None:
        """Report its outcome, and that it has ended."""
        from opentelemetry.trace import StatusCode

        span = self._spans.pop(name)
        span.set_attributes({**METRICS, **TEXTS})
        span.set_status(StatusCode.OK)
        span.end()

    def rest(self) -> None:
        """Send what can be sent, and end."""
        self._provider.shutdown()


REPORTERS = {"telemetry": Telemetry, "mlflow": Mlflow, "opentelemetry": OpenTelemetry}


def work(reporter: Reporter, prefix: str, opened: int) -> None:
    """Report runs, and note each call before it is made and after it has returned."""

    def note(*words: object) -> None:
        os.write(opened, (" ".join(map(str, words)) + "\n").encode())

    began = time.monotonic()
    for number in itertools.count():
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        for kind, run in (
            ("start", number),
            ("report", number - REPORTED_AFTER),
            ("end", number - ENDED_AFTER),
        ):
            if run < 0:
                continue
            note("call", kind, run, time.time())
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            try:
                getattr(reporter, kind)(f"{prefix}-{run}")
                outcome = "done"
            except Exception as error:
                outcome = f"raised-{type(error).__name__}"
            cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
            note(outcome, kind, run, cpu / 1000, wall / 1000)


def main() -> None:
    """Work until the process is killed, or send what an earlier process has left."""
    client, url, folder, prefix, notes, task = sys.argv[1:]
    reporter = REPORTERS[client](url, folder)
    if task == "work":
        work(reporter, prefix, os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    reporter.start(f"{prefix}-next")
    reporter.end(f"{prefix}-next")
    reporter.rest()


if __name__ == "__main__":
    main()
