"""The description of the health endpoints."""

from typing import Any

from telemetry.openapi.operation import JsonSchema, Operation, Parameter, Reply
from telemetry.openapi.shapes import COUNT, FLAG, NUMBER, TEXT, TIMESTAMP, array, members, one_of

TAG = "Whether the process lives, and whether it can serve"

PARAMETERS: dict[str, Parameter] = {}

BACKEND = one_of("postgresql", "json_file", "none")

PROCESS: dict[str, JsonSchema] = {
    "timestamp": TIMESTAMP,
    "started_at": TIMESTAMP,
    "uptime_human": TEXT,
    "deployed_sha": {"type": ["string", "null"]},
}
THIS_PROCESS: dict[str, Any] = {
    "timestamp": "2026-01-31T12:00:00.123456Z",
    "started_at": "2026-01-31T11:59:00.000000Z",
    "uptime_human": "1m 0s",
    "deployed_sha": None,
}

# Why a process cannot serve.
ERRORS = (
    "persistence_contract_failed",
    "database_unreachable",
    "database_read_only",
    "migrations_pending",
    "append_only_triggers_disabled",
    "schema_altered",
    "sequence_behind",
    "permission_denied",
)

DOMAIN = members(
    sometimes={"unreadable_lines"},
    ok=FLAG,
    backend=BACKEND,
    durable=FLAG,
    enabled=FLAG,
    events_file_override=FLAG,
    note=TEXT,
    unreadable_lines=COUNT,
)
IN_POSTGRESQL = {
    "ok": True,
    "backend": "postgresql",
    "durable": True,
    "enabled": True,
    "events_file_override": False,
    "note": "DATABASE_URL is set",
}
ROLE: JsonSchema = {"enum": ["owner", "excessive", "restricted", None]}
NAMES = ("agent_runs", "runtime_events", "audio_runtime")

VERSION = Operation(
    "Get the version of the service",
    {200: Reply("The version", members(version=TEXT), {"version": "1.0.0"})},
    needs_scope=False,
)

OPERATIONS = {
    "health": Operation(
        "Whether the process lives; asks no database",
        {
            200: Reply(
                "It lives",
                members(
                    status=one_of("ok"),
                    version=TEXT,
                    uptime_seconds=NUMBER,
                    **PROCESS,
                    persistence=members(**dict.fromkeys(NAMES, BACKEND)),
                ),
                {
                    "status": "ok",
                    "version": "1.0.0",
                    "uptime_seconds": 60.123,
                    **THIS_PROCESS,
                    "persistence": dict.fromkeys(NAMES, "postgresql"),
                },
            )
        },
        is_health=True,
    ),
    "ready": Operation(
        "Whether this process can serve",
        {
            200: Reply(
                "It can",
                members(
                    status=one_of("ready"),
                    version=TEXT,
                    db_connected=FLAG,
                    backend=BACKEND,
                    role=ROLE,
                    **PROCESS,
                ),
                {
                    "status": "ready",
                    "version": "1.0.0",
                    "db_connected": True,
                    "backend": "postgresql",
                    "role": "restricted",
                    **THIS_PROCESS,
                },
            ),
            503: Reply(
                "It cannot; detail.error says why",
                members(
                    detail=members(error=one_of(*ERRORS), failures=array(TEXT)),
                    db_connected=FLAG,
                    backend=BACKEND,
                    role=ROLE,
                    **PROCESS,
                ),
                {
                    "detail": {
                        "error": "database_unreachable",
                        "failures": ["the database of agent_runs does not respond"],
                    },
                    "db_connected": False,
                    "backend": "postgresql",
                    "role": None,
                    **THIS_PROCESS,
                },
            ),
        },
        is_health=True,
    ),
    "persistence": Operation(
        "Where each domain is kept and why, and whether that passes the contract",
        {
            200: Reply(
                "The persistence contract",
                members(
                    required=FLAG,
                    pass_contract=FLAG,
                    checked_at=TIMESTAMP,
                    domains=members(**dict.fromkeys(NAMES, DOMAIN)),
                    failures=array(TEXT),
                ),
                {
                    "required": True,
                    "pass_contract": True,
                    "checked_at": "2026-01-31T12:00:00.123456Z",
                    "domains": dict.fromkeys(NAMES, IN_POSTGRESQL),
                    "failures": [],
                },
            )
        },
        is_health=True,
    ),
    "ping": Operation(
        "Whether the service responds",
        {200: Reply("It does", members(status=one_of("ok")), {"status": "ok"})},
        needs_scope=False,
    ),
    "version": VERSION,
}
