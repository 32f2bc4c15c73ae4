"""python -m telemetry token create|list|revoke."""

import hashlib
import json
import re

import pytest

from tests.support.command import telemetry, telemetry_process
from tests.support.rights import serving


def test_create_shows_the_token_once_and_stores_its_hash(token, db, database_url):
    done = telemetry_process(
        *("token", "create", "ci", "--scope", "runs:write", "--expires", "90d"),
        DATABASE_URL=database_url,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"tlm_[A-Za-z0-9_-]{43}\n", done.stdout)
    row = db.execute("SELECT *, expires_at - created_at AS days FROM api_tokens").fetchone()
    assert row["hash"] == hashlib.sha256(done.stdout.strip().encode()).digest()
    assert 89.9 < row["days"].total_seconds() / 86400 < 90.1
    listed = token("list")
    assert listed.stdout.startswith("ci  valid  scopes=runs:write")
    assert done.stdout.strip() not in listed.stdout
    assert row["hash"].hex() not in listed.stdout + token("list", "--json").stdout


@pytest.mark.parametrize(("expires", "hours"), [("12h", 12), ("90m", 1.5), ("2d", 48)])
def test_an_expiry_is_a_time_as_all_ages_are(token, db, expires, hours):
    assert token("create", "ci", "--scope", "admin", "--expires", expires).returncode == 0
    row = db.execute("SELECT expires_at - created_at AS left FROM api_tokens").fetchone()
    assert row["left"].total_seconds() / 3600 == pytest.approx(hours, abs=0.01)


def test_scopes_are_accepted_as_they_are_listed(token):
    done = token("create", "ci", "--scope", "runs:write,audio:read", "--scope", "runs:read")
    assert done.returncode == 0, done.stderr
    listed = json.loads(token("list", "--json").stdout)
    assert listed["scopes"] == ["runs:write", "audio:read", "runs:read"]


def test_two_tokens_differ(create):
    assert create("a", "admin") != create("b", "admin")


def test_list_shows_what_a_token_may_do(create, token):
    create("a", "audio:read", "runs:read", tenant=["t-1", "t-2"], agent="agent-a")
    create("old", "admin", expires="2999-01-31")
    assert token("revoke", "old").returncode == 0
    first, second = [json.loads(line) for line in token("list", "--json").stdout.splitlines()]
    assert (first["name"], first["state"], first["tenants"]) == ("a", "valid", ["t-1", "t-2"])
    assert first["agents"] == ["agent-a"]
    assert (second["name"], second["state"]) == ("old", "revoked")
    assert second["expires_at"] == "2999-01-31T00:00:00.000000Z"
    assert "hash" not in first


def test_list_of_nothing_says_so(token):
    done = token("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("\nno token\n")


def test_revoke_is_idempotent_and_keeps_the_name(create, token):
    create("ci", "admin")
    first = token("revoke", "ci")
    assert "within 2 s" in first.stdout
    second = token("revoke", "ci")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "was revoked at 20" in second.stdout
    again = token("create", "ci", "--scope", "admin")
    assert again.returncode == 1
    assert "there is a token named ci already; a name is never used again" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "a b", "--scope", "admin"], "NAME: 1 to 64 letters"),
        (["create", "a"], "--scope: at least one of runs:write"),
        (["create", "a", "--scope", "runs"], "--scope: got 'runs', takes runs:write"),
        (["create", "a", "--scope", "admin", "--tenant", "t"], "cannot be bound"),
        (["create", "a", "--scope", "runs:read", "--tenant", "t"], "--tenant limits the scopes"),
        (["create", "a", "--scope", "audio:read", "--agent", "t"], "--agent limits the scopes"),
        (["create", "a", "--scope", "audio:read", "--tenant", "a/b"], "--tenant: 1 to 64"),
        (["create", "a", "--scope", "runs:read", "--agent", " "], "--agent: 1 to 255"),
        (["create", "a", "--scope", "admin", "--expires", "soon"], "--expires: got 'soon'"),
        (["create", "a", "--scope", "admin", "--expires", "2020-01-31"], "has passed"),
    ],
)
def test_an_error_is_one_line(token, arguments, message):
    done = token(*arguments)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert message in line


def test_an_unknown_name_cannot_be_revoked(token):
    done = token("revoke", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == ["Error: there is no token named nobody"]


def test_without_a_database_it_says_so(tmp_path):
    done = telemetry("token", "list", RUNTIME_EVENTS_PATH=str(tmp_path / "events.json"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "TELEMETRY_API_AUTH_TOKEN is the only token" in line


def test_the_number_of_valid_tokens_is_limited(token, db):
    db.execute(
        "INSERT INTO api_tokens (name, hash, scopes) SELECT 'n' || n, sha256(n::text::bytea),"
        " '{admin}' FROM generate_series(1, 1000) AS n"
    )
    done = token("create", "one-more", "--scope", "admin")
    assert done.returncode == 1
    assert "1,000 tokens are valid, and there may be no more" in done.stderr
    assert token("revoke", "n1").returncode == 0
    assert token("create", "one-more", "--scope", "admin").returncode == 0


def test_with_two_roles_the_owner_writes_tokens(database_url):
    web = {"DATABASE_URL": serving(database_url)}
    both = {**web, "TELEMETRY_OWNER_DATABASE_URL": database_url}
    create, revoke = ("create", "ci", "--scope", "runs:write"), ("revoke", "ci")
    for arguments in (create, revoke):
        refused = telemetry("token", *arguments, **web)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 2
        assert "permission denied for table api_tokens; run it as the owner" in refused.stderr
        done = telemetry("token", *arguments, **both)
        assert done.returncode == 0, done.stderr
