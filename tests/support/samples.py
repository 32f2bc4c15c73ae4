"""What a scrape of /metrics reads."""

from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families


def samples(client):
    """Return the values by name and labels. ``client`` is Flask's test client, or httpx's."""
    response = client.get("/metrics", headers={"Accept": "text/plain"})
    assert response.status_code == 200
    found = defaultdict(dict)
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found[sample.name][frozenset(sample.labels.items())] = sample.value
    return dict(found)


def value(found, name, **labels):
    """Return one value; 0 for a series that does not exist yet."""
    return found.get(name, {}).get(frozenset(labels.items()), 0)
