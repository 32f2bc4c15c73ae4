"""The alerts and the dashboard in deploy/ use only metrics and labels that exist."""

import json
import re
from collections import defaultdict

import pytest
import yaml

from telemetry.counters import STATUSES
from telemetry.http.health_paths import HEALTH_PATHS
from tests.support.command import telemetry
from tests.support.runs import minimal_run
from tests.support.samples import samples
from tests.support.service import PROJECT

ALERTS = yaml.safe_load((PROJECT / "deploy/alerts.yml").read_text())
DASHBOARD = json.loads((PROJECT / "deploy/grafana-dashboard.json").read_text())

RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
# The labels that Prometheus adds to every series.
OF_PROMETHEUS = {"job", "instance"}

PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}

EXPRESSIONS = {name: rule["expr"] for name, rule in RULES.items()} | {
    f"{title} {target['refId']}": target["expr"]
    for title, panel in PANELS.items()
    for target in panel["targets"]
}


@pytest.fixture
def known(client, database_url):
    """The labels of each metric and their values, after all that makes one has happened."""
    client.post("/api/v1/runs", json=minimal_run())
    for path in ("/metrics", *HEALTH_PATHS):
        client.get(path)
    telemetry("verify", DATABASE_URL=database_url)
    telemetry("prune", "--runs-older-than", "90d", DATABASE_URL=database_url)
    found = {name: defaultdict(set) for name in samples(client)}
    for name, series in samples(client).items():
        for label, it in (pair for labels in series for pair in labels):
            found[name][label].add(it)
    for part in ("count", "sum", "bucket"):  # whatever the responses of the tests have been
        found[f"telemetry_http_request_duration_seconds_{part}"]["status"] |= {*STATUSES}
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_it_uses_what_exists(known, name):
    expression = EXPRESSIONS[name]
    used = re.findall(r"\btelemetry_\w+", expression)
    assert used or name == "TelemetryDown"
    assert {it for it in used if it not in known} == set()
    labels = re.findall(r"\w+", " ".join(re.findall(r"\b(?:by|on) \(([^)]+)\)", expression)))
    existing = {label for metric in used for label in known[metric]} | OF_PROMETHEUS
    assert {*labels} - existing == set()


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_it_selects_values_that_exist(known, name):
    for metric, selectors in re.findall(r"\b(telemetry_\w+)\{([^}]*)\}", EXPRESSIONS[name]):
        for label, operator, wanted in re.findall(r'(\w+) ?(=~|!~|!=|=) ?"([^"]*)"', selectors):
            if label not in OF_PROMETHEUS:
                alternatives = wanted.split("|") if "~" in operator else [re.escape(wanted)]
                for pattern in alternatives:
                    values = known[metric].get(label, set())
                    assert any(re.fullmatch(pattern, it) for it in values), (metric, label, pattern)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_what_to_do(name):
    assert RULES[name]["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "action"} == RULES[name]["annotations"].keys()


def test_panels_do_not_overlap():
    places = [panel["gridPos"] for panel in PANELS.values()]
    cells = [
        (x, y)
        for it in places
        for x in range(it["x"], it["x"] + it["w"])
        for y in range(it["y"], it["y"] + it["h"])
    ]
    assert len(cells) == len({*cells})
    assert max(x for x, _ in cells) == 23
