"""What the doctor says of the variables: each for itself, and together."""

import pytest

from tests.doctor.support import SAFE, doctor
from tests.support.command import telemetry

AWAY = "postgresql://user:s3cret@127.0.0.1:1/none"


def test_every_invalid_variable_is_named_at_once():
    found = doctor(
        DATABASE_URL="mysql://user:s3cret@host/db",
        TELEMETRY_RATE_LIMIT_RPM="abc",
        TELEMETRY_API_AUTH_TOKEN="",
        LOG_LEVEL="loud",
    )
    assert found.status == 1
    assert [it.split(" got ")[0] for it in found.of("problem")] == [
        "configuration: DATABASE_URL:",
        "configuration: TELEMETRY_RATE_LIMIT_RPM:",
        "configuration: LOG_LEVEL:",
        "configuration: TELEMETRY_API_AUTH_TOKEN:",
    ]
    assert len(found.findings) == 4


OWNER = "TELEMETRY_OWNER_DATABASE_URL"


@pytest.mark.parametrize("url", ["", "mysql://user@host/db", "postgresql://user@host/other"])
def test_an_owner_is_not_blamed_for_the_url_of_the_service(url):
    owner = "postgresql://owner:s3cret@127.0.0.1:1/none"
    found = doctor(DATABASE_URL=url, **{OWNER: owner})
    if url.startswith("mysql"):
        assert found.problem.startswith("configuration: DATABASE_URL: got")
    else:
        fix = f"let {OWNER} and DATABASE_URL name the same database, or unset {OWNER}"
        assert found.problem.endswith(fix)


def test_an_origin_is_no_secret():
    found = doctor(DATABASE_URL=AWAY, TELEMETRY_CORS_ORIGINS="app.example.org")
    assert "TELEMETRY_CORS_ORIGINS: got 'app.example.org'" in found.problem


def test_a_url_that_libpq_cannot_read_is_named():
    found = doctor(DATABASE_URL=f"{AWAY}?pgbouncer=true")
    assert "parameters that libpq knows" in found.problem


def configuration(**environ):
    """Return what the doctor says of the variables, without a reachable database."""
    found = doctor(**{"DATABASE_URL": AWAY, **environ})
    return [it for it in found.findings if it["check"] == "configuration"]


def test_a_safe_configuration_is_one_line():
    (finding,) = configuration()
    assert finding["level"] == "ok"


HEROKU = {
    "DYNO": "web.1",
    "PERSISTENCE_CONTRACT_REQUIRED": "true",
    "TELEMETRY_TRUSTED_PROXIES": "1",
}


def test_a_safe_configuration_on_a_platform_is_one_line():
    (finding,) = configuration(**HEROKU)
    assert finding["level"] == "ok"


@pytest.mark.parametrize(
    ("environ", "level", "words"),
    [
        (
            {"RUNTIME_EVENTS_PATH": "/data/events"},
            "warning",
            "RUNTIME_EVENTS_PATH is set and not used",
        ),
        ({"TELEMETRY_API_PORT": "80"}, "warning", "TELEMETRY_API_PORT is an old name"),
        ({"TELEMETRY_API_AUTH_TOKEN": "short"}, "warning", "shorter than 16 characters"),
        ({"TELEMETRY_RATE_LIMIT_RMP": "5"}, "warning", "TELEMETRY_RATE_LIMIT_RPM is not set"),
        ({**HEROKU, "TELEMETRY_TRUSTED_PROXIES": "0"}, "warning", "behind the router of Heroku"),
        (
            {**HEROKU, "TELEMETRY_TRUSTED_PROXIES": "0", "TELEMETRY_RATE_LIMIT_ENABLED": "true"},
            "problem",
            "share one rate limit",
        ),
        ({**HEROKU, "PERSISTENCE_CONTRACT_REQUIRED": "auto"}, "warning", "may count as ready"),
    ],
)
def test_a_combination_that_surprises_is_named(environ, level, words):
    (finding,) = configuration(**environ)
    assert finding["level"] == level
    assert words in finding["says"]
    assert finding["fix"]


def test_authentication_that_is_off_is_named():
    found = configuration(TELEMETRY_API_AUTH_ENABLED="false")
    assert [it["level"] for it in found] == ["warning", "warning"]
    assert "everyone who reaches the port" in found[0]["says"]
    assert "TELEMETRY_API_AUTH_TOKEN is set and not asked for" in found[1]["says"]


def test_a_file_on_a_platform_is_a_problem(tmp_path):
    environ = {**HEROKU, "PERSISTENCE_CONTRACT_REQUIRED": "false", **SAFE}
    done = telemetry("doctor", **environ, RUNTIME_EVENTS_PATH=str(tmp_path / "events"))
    assert done.returncode == 1
    assert "Heroku wipes the file of RUNTIME_EVENTS_PATH at every restart" in done.stdout


def test_a_contract_that_fails_is_a_problem_with_a_fix_that_helps(tmp_path):
    assert doctor().problem.endswith("; set DATABASE_URL")
    found = doctor(
        RUNTIME_EVENTS_PATH=str(tmp_path / "events"), PERSISTENCE_CONTRACT_REQUIRED="true"
    )
    assert found.problem.endswith("; set DATABASE_URL, or PERSISTENCE_CONTRACT_REQUIRED=false")
