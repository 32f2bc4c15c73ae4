"""The files with which platforms deploy the service: fields that are published, values that fit.

The fields are those that the platforms publish, as read in November 2026:

- app.json: https://devcenter.heroku.com/articles/app-json-schema, and the JSON Schema in Heroku's
  own package (dist/utils/app-json.schema.json of @heroku/mcp-server 1.0.7)
- railway.json: https://docs.railway.com/config-as-code/reference
"""

import json
import re

import pytest

from telemetry.http.health_paths import HEALTH_PATHS
from telemetry.time_limits import GRACEFUL_SECONDS
from tests.support.command import telemetry
from tests.support.runs import minimal_run
from tests.support.service import PROJECT, procfile

HEROKU = json.loads((PROJECT / "app.json").read_text())
RAILWAY = json.loads((PROJECT / "railway.json").read_text())

# Every field of the top level, and its type.
HEROKU_FIELDS = {
    "name": str,
    "description": str,
    "keywords": list,
    "website": str,
    "repository": str,
    "logo": str,
    "success_url": str,
    "scripts": dict,
    "env": dict,
    "formation": dict,
    "addons": list,
    "buildpacks": list,
    "environments": dict,
    "stack": str,
    "image": str,
}
HEROKU_VARIABLE = {"description": str, "value": str, "required": bool, "generator": str}
HEROKU_FORMATION = {"quantity": int, "size": str}
HEROKU_ADDON = {"plan": str, "as": str, "options": dict}

RAILWAY_FIELDS = {"$schema": str, "build": dict, "deploy": dict, "environments": dict}
RAILWAY_BUILD = {
    "builder": str,
    "watchPatterns": list,
    "buildCommand": str,
    "dockerfilePath": str,
    "railpackVersion": str,
}
RAILWAY_DEPLOY = {
    "startCommand": str,
    "preDeployCommand": list,
    "multiRegionConfig": dict,
    "healthcheckPath": str,
    "healthcheckTimeout": int,
    "restartPolicyType": str,
    "restartPolicyMaxRetries": int,
    "cronSchedule": str,
    "overlapSeconds": str,
    "drainingSeconds": str,
}


@pytest.mark.parametrize(
    ("found", "published"),
    [
        (HEROKU, HEROKU_FIELDS),
        *((variable, HEROKU_VARIABLE) for variable in HEROKU["env"].values()),
        *((process, HEROKU_FORMATION) for process in HEROKU["formation"].values()),
        *((addon, HEROKU_ADDON) for addon in HEROKU["addons"]),
        *((buildpack, {"url": str}) for buildpack in HEROKU["buildpacks"]),
        (RAILWAY, RAILWAY_FIELDS),
        (RAILWAY["build"], RAILWAY_BUILD),
        (RAILWAY["deploy"], RAILWAY_DEPLOY),
    ],
)
def test_its_fields_are_published(found, published):
    for name, value in found.items():
        assert type(value) is published[name], name


def test_heroku_accepts_its_names():
    assert re.match(r"[a-zA-Z\-_.]+", HEROKU["name"])
    assert len(HEROKU["name"]) <= 300
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in HEROKU["env"])
    assert {it.get("generator", "secret") for it in HEROKU["env"].values()} == {"secret"}
    # A value is given or generated; else a person has to type it.
    assert all(it.keys() & {"value", "generator"} for it in HEROKU["env"].values())


def test_railway_accepts_its_values():
    assert RAILWAY["$schema"] == "https://railway.com/railway.schema.json"
    assert RAILWAY["build"]["builder"] in {"RAILPACK", "DOCKERFILE"}
    assert RAILWAY["deploy"]["restartPolicyType"] in {"ON_FAILURE", "ALWAYS", "NEVER"}
    assert RAILWAY["deploy"]["healthcheckPath"].startswith("/")


def test_its_processes_are_those_of_the_procfile():
    assert HEROKU["formation"].keys() == {"web"}
    assert RAILWAY["deploy"]["startCommand"].split() == procfile("web")
    assert [it.split() for it in RAILWAY["deploy"]["preDeployCommand"]] == [procfile("release")]


def test_its_variables_exist():
    source = (PROJECT / "telemetry/config.py").read_text()
    assert [name for name in HEROKU["env"] if f'"{name}"' not in source] == []


def test_railway_asks_for_readiness_and_lets_requests_end(client):
    path = RAILWAY["deploy"]["healthcheckPath"]
    assert path in HEALTH_PATHS  # which need no token
    assert client.get(path).status_code == 200
    assert int(RAILWAY["deploy"]["drainingSeconds"]) > GRACEFUL_SECONDS


# As Heroku generates it.
TOKEN = "0123456789abcdef" * 4


@pytest.fixture
def on_heroku():
    """The variables of a process on Heroku: those of app.json, and the one that Heroku adds."""
    env = HEROKU["env"].items()
    return {**{name: it.get("value", TOKEN) for name, it in env}, "DYNO": "web.1"}


def test_its_variables_are_enough_for_the_first_run(start_service, on_heroku):
    client = start_service(**on_heroku).client
    assert client.get("/api/ready").status_code == 200
    assert client.post("/api/v1/runs", json=minimal_run()).status_code == 401
    signed = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/api/v1/runs", json=minimal_run(), headers=signed).status_code == 201


def test_the_doctor_finds_nothing_wrong_with_its_variables(database_url, on_heroku):
    done = telemetry("doctor", DATABASE_URL=database_url, **on_heroku)
    assert done.returncode == 0
    assert "ok         configuration: every variable is valid, and they fit together" in done.stdout


def test_its_connections_fit_the_smallest_plan(database_url, db, on_heroku):
    """The limit of Heroku Postgres Essential-0, also while a deploy replaces another."""
    name = db.info.dbname
    db.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 20")
    done = telemetry("doctor", DATABASE_URL=database_url, **on_heroku)
    db.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    says = (
        "ok         connections: 2 workers open up to 10; the database (CONNECTION LIMIT) allows 20"
    )
    assert says in done.stdout
