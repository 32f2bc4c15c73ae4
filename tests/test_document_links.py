"""What the documents point to exists: links, headings and paths."""

import re

import pytest

from tests.support.documents import BLOCK, DOCUMENTS
from tests.support.service import PROJECT


def anchors(text: str) -> set[str]:
    """Return what links to the document's headings end in, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", it.lower()).replace(" ", "-") for it in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    for link in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", DOCUMENTS[name])):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        file = ((PROJECT / name).parent / target).resolve() if target else PROJECT / name
        assert file.exists(), link
        assert not anchor or anchor in anchors(file.read_text()), link


@pytest.mark.parametrize("name", sorted(DOCUMENTS.keys() - {"CHANGELOG.md"}))
def test_every_path_that_is_named_exists(name):
    paths = re.findall(
        r"`((?:telemetry|sql|tests|migrations|bench|docs)/[\w./-]+)`", DOCUMENTS[name]
    )
    for path in paths:
        assert (PROJECT / path).exists(), path
