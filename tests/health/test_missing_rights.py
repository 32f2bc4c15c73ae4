"""GET /api/ready names each right that the role of the web process lacks."""

import psycopg
import pytest

from telemetry.database.errors import GRANT_RIGHTS
from telemetry.health import store
from tests.support.rights import grant, needed_rights

URL = "/api/ready"


@pytest.fixture(autouse=True)
def no_result_is_kept(monkeypatch):
    monkeypatch.setattr(store, "FRESH_SECONDS", 0)


@pytest.fixture(scope="module")
def granted(databases):
    """A role with the needed rights, in a database of the module's own; its name, and the URL."""
    url, name = databases.take(), "agent_with_rights"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN")
        grant(db, name)
        yield name, url
        db.execute(f"DROP OWNED BY {name}")
        db.execute(f"DROP ROLE {name}")
    databases.give_back(url)


@pytest.mark.parametrize("right", needed_rights(), ids=" ".join)
def test_a_missing_right_is_named(make_app, granted, right):
    role, url = granted
    name, privilege = right
    kind = "SEQUENCE " if privilege == "USAGE" else ""
    client = make_app(database_url=url.replace("postgres:@", f"{role}:@")).test_client()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"REVOKE {privilege} ON {kind}{name} FROM {role}, public")
        response = client.get(URL)
        db.execute(f"GRANT {privilege} ON {kind}{name} TO {role}")
    assert response.status_code == 503
    assert response.json["detail"]["error"] == "permission_denied"
    failures = response.json["detail"]["failures"]
    assert failures[0] == f"the role has no right to {privilege} on {name}"
    assert failures[1:] == [GRANT_RIGHTS]
    assert client.get(URL).status_code == 200
