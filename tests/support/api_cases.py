"""Requests that schemathesis makes from the API's document, sent to a running service.

No response may be a 500, have a status or a header that is not documented, or a body that does not
fit its schema. Here the schemas also refuse members that are not documented, which clients must
accept: the service of a later release may have more.

``make test-api`` runs this module: 10,000 cases or more, against a service of its own.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from telemetry.audio_runtime.openapi_shapes import EVENT
from telemetry.database.embedded import embedded_postgres
from telemetry.migrations import runner
from telemetry.openapi.views import DOCUMENT
from telemetry.runs.openapi_shapes import SENT as RUN
from telemetry.runtime_events.openapi_shapes import SENT as RUNTIME_EVENT
from tests.support.server import folder
from tests.support.service import PROJECT, Service

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

# Seconds that a response may take: a batch of 10,000 records takes 9 s on a busy machine.
TIMEOUT = 60

# Set where a person waits for the end; the hooks report progress then.
PROGRESS = "API_CASES_PROGRESS"

# Cases for each endpoint, so that all of them together are 10,000 or more.
MANY = 350

FOUND = re.compile(r"(\d+) generated, (\d+) passed")


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with responses that have no members but those that it names."""
    text = json.loads(json.dumps(document))
    responses = [text["components"]["responses"], text["components"]["schemas"]["Error"]]
    for path in text["paths"].values():
        responses += [operation["responses"] for operation in path.values()]
    for response in responses:
        _close(response)
    return dict(text)


def _close(part: Any) -> None:
    if isinstance(part, dict):
        if "properties" in part and part.get("type") == "object":
            part.setdefault("additionalProperties", False)
        for inner in part.values():
            _close(inner)
    elif isinstance(part, list):
        for inner in part:
            _close(inner)


DEVICE = {"tenant_id": EVENT["tenant_id"]}

# What the examples of the document need.
PREPARATION = (
    ("POST", "/api/v1/runs", RUN),
    ("POST", "/api/runtime/events", RUNTIME_EVENT),
    ("PUT", f"/api/v1/devices/{EVENT['device_id']}", DEVICE),
    (
        "PUT",
        f"/api/v1/sessions/{EVENT['session_id']}",
        {**DEVICE, "device_id": EVENT["device_id"]},
    ),
    ("POST", "/api/v1/audio-runtime/events", EVENT),
)


def fill(service: Service) -> None:
    """Create what the examples of the document name."""
    for method, path, body in PREPARATION:
        assert service.client.request(method, path, json=body).status_code == 201


def run(
    service: Service, folder: Path, *options: str, shows_progress: bool = False
) -> tuple[int, str]:
    """Send the cases; return how many there were, and the report, which is empty without faults."""
    fill(service)
    document = folder / "openapi.json"
    document.write_text(json.dumps(strict(json.loads(DOCUMENT.read_text()))))
    config = PROJECT / "tests" / "openapi" / "schemathesis.toml"
    program = Path(sys.executable).parent / "schemathesis"
    checks = ("--checks", ",".join(CHECKS), "--request-timeout", str(TIMEOUT))
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.support.api_hooks", "NO_COLOR": "1"}
    environ["PYTHONPATH"] = str(PROJECT)
    if shows_progress:
        environ[PROGRESS] = "1"
    done = subprocess.run(
        [
            program,
            "--config-file",
            config,
            "run",
            document,
            "--url",
            service.url,
            *checks,
            *options,
        ],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=None if shows_progress else subprocess.PIPE,
        text=True,
        check=False,
    )
    found = FOUND.search(done.stdout)
    report = done.stdout + (done.stderr or "") if done.returncode or not found else ""
    return int(found[1]) if found else 0, report


def main() -> None:
    """Run many cases against a service of its own. Exits with 1 when one of them fails."""
    with folder() as parent, embedded_postgres(parent / "data") as url:
        runner.migrate(url, lambda _: None)
        service = Service({"DATABASE_URL": url, "LOG_LEVEL": "ERROR"}, parent)
        try:
            count, report = run(service, parent, "--max-examples", str(MANY), shows_progress=True)
        finally:
            service.kill()
    print(report or f"{count:,} cases, each with a response as the document says")
    sys.exit(1 if report or count < 10_000 else 0)


if __name__ == "__main__":
    main()
