"""The statement files, with a value for each of their parameters."""

import json

from telemetry.cli import statement_files
from tests.support.audio_runtime import event
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

DEVICE = {"tenant_id": "tenant-a", "device_id": "device-a"}
NOON = "2026-01-31T12:00:00Z"

# A value for every parameter of any statement; a parameter of a new statement needs one here.
VALUES = {
    **DEVICE,
    "after": "1",
    "after_device": "device-a",
    "after_tenant": "tenant-a",
    "after_created_at": NOON,
    "after_event_id": "event-1",
    "after_recorded_at": NOON,
    "agent_name": "agent-a",
    "agent_names": "{agent-a,agent-b}",
    "attention": "false",
    "before": "100",
    "cost_names": "{cost_usd,cost}",
    "created_before_window": NOON,
    "created_from": NOON,
    "created_until": NOON,
    "endpoint": "/api/ideas",
    "environment": "prod",
    "error": "KeyError",
    "good_share": "0.9",
    "newest": "5000",
    "no_summary": "true",
    "part": "1",
    "recorded_from": NOON,
    "recorded_until": NOON,
    "idea_id": "idea-7",
    "searched_since": NOON,
    "slow_limit": "5",
    "sort": "errors",
    "stale": "true",
    "step": "1 hour",
    "agents": "{agent-a}",
    "allowance": "60",
    "apart": "5 minutes",
    "expires_at": NOON,
    "hash": "\\x" + "00" * 32,
    "most": "1000",
    "names": "{ci}",
    "scopes": "{runs:write}",
    "soon": "14 days",
    "tenants": "{tenant-a}",
    "byte_limit": "1000000",
    "changes": '{"items_failed": 3}',
    "checksum": "00" * 32,
    "client": "192.0.2.1",
    "commit_author": "Ada",
    "commit_hash": "0123456789abcdef0123456789abcdef01234567",
    "commit_source": "ci",
    "commit_timestamp": NOON,
    "created_after": NOON,
    "created_before": NOON,
    "cutoff": NOON,
    "deleted": "5",
    "is_command": "false",
    "is_complete": "true",
    "kind": "agent_runs",
    "lease": "2 minutes",
    "lock_key": "1",
    "older_than": "90 days",
    "pause": "5 minutes",
    "up_to": "100",
    "cursor_created_at": NOON,
    "cursor_event_id": "event-1",
    "cursor_id": "event-1",
    "cursor_recorded_at": NOON,
    "device_type": "speaker",
    "devices": json.dumps([{**DEVICE, "after": 0, "row_hash": "00" * 32}]),
    "domains": "{agent_runs,runtime_events,audio_runtime}",
    "endpoint_prefix": "/api/100%_",
    "event_id": "event-1",
    "event_ids": '["event-1"]',
    "fields": "{created_at,jitter_ms}",
    "findings": "20",
    "findings_count": "0",
    "functions": '["holds_rows"]',
    "kinds": '["VAD_EVENT"]',
    "lock_timeout": "1s",
    "id": "event-1",
    "ids": "{event-1,event-2}",
    "job_type": "crawl",
    "migration_id": "0003_runs_create",
    "migrations": "{0003_runs_create,0004_runtime_events_create}",
    "name": "runtime_events",
    "parent_run_id": "run-0",
    "positions": "{" + ",".join(f"{lane}{0:017}" for lane in range(64)) + "}",
    "relations": '["agent_runs", "os_core.devices"]',
    "reopen": "false",
    "mark": "4611686018427387904",
    "role": "postgres",
    "row_limit": "11",
    "row_offset": "0",
    "run_id": "run-1",
    "runs": json.dumps([minimal_run(), minimal_run("event-2")]),
    "stale_after": "1h",
    "schemas": '["os_core"]',
    "seconds": "3600",
    "session_id": "7",
    "since": NOON,
    "source": "api",
    "start_time_from": NOON,
    "start_time_to": NOON,
    "state": "on",
    "status": "running",
    "statuses": "{running,success}",
    "tables": '["agent_runs"]',
    "time_limit": "10s",
}

RUNTIME_EVENT = {
    "id": "event-2",
    "raw_endpoint": "/api/ideas",
    "method": "GET",
    "status_code": 200,
    "runtime_cost_estimate": 0,
    "metadata": {},
}

# By room: both rooms have statements with a parameter of this name.
EVENTS = {
    "audio_runtime": json.dumps([event(**DEVICE)]),
    "runtime_events": json.dumps([minimal_event(**RUNTIME_EVENT)]),
}


def arguments(name: str) -> list[str]:
    """Return the arguments ``param=value`` with which a statement file can be explained."""
    file = statement_files.read(name)
    values = {**VALUES, "events": EVENTS.get(file.room)}
    return [f"{parameter}={values[parameter]}" for parameter in file.parameters]
