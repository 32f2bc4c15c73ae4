"""The script is small, and finds what it looks for on every page."""

import gzip

import pytest

from telemetry.pages.render import FOLDER
from tests.support.pages import open_page
from tests.support.runs import full_run
from tests.support.runtime_events import minimal_event

SCRIPT = (FOLDER / "static/telemetry.js").read_text()


def test_the_script_and_the_style_sheet_are_small():
    assert len(gzip.compress(SCRIPT.encode())) < 3600
    assert len(gzip.compress((FOLDER / "static/telemetry.css").read_bytes())) < 10_000


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/event-1", "/runtime", "/devices"])
def test_every_panel_that_refreshes_can_be_found_again(client, path):
    client.post("/api/v1/runs", json=full_run())
    page = open_page(client, path)
    live = [attributes for _, attributes in page.elements if "data-live" in attributes]
    assert live
    assert all("id" in attributes for attributes in live)
    assert any(attributes.get("id") == "live" for _, attributes in page.elements)


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/runtime", "/runtime?endpoint=/api/ideas", "/devices"]
)
def test_a_page_has_its_panels_before_there_is_anything_in_them(client, path):
    def panels():
        page = open_page(client, path)
        return [attributes["id"] for _, attributes in page.elements if "data-live" in attributes]

    empty = panels()
    client.post("/api/v1/runs", json=full_run(status="failure"))
    client.post("/api/runtime/events", json=minimal_event(idea_id="idea"))
    client.put("/api/v1/devices/d", json={"tenant_id": "t"})
    assert panels() == empty != []


def test_a_text_to_copy_exists(client):
    client.post("/api/v1/runs", json=full_run())
    page = open_page(client, "/runs/event-1")
    ids = {attributes.get("id") for _, attributes in page.elements}
    copied = [a["data-copy"] for _, a in page.elements if "data-copy" in a]
    assert copied
    assert ids.issuperset(copied)
