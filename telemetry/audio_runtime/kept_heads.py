"""Heads that somebody kept: the answers of the heads endpoint, in a file."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

NAME = "[A-Za-z0-9._:-]+"


class Head(NamedTuple):
    """The end of a device's chain as it was once: ``row_hash`` in lower-case hex."""

    event_id: int | None
    row_hash: str | None


Heads = dict[tuple[str, str], Head]


class BadHeads(Exception):
    """The file holds no heads; the message is one line for the operator."""


def read_heads(path: Path) -> Heads:
    """Read ``{"items": [...]}`` or an array of heads, or several such documents, a line each.

    Raises BadHeads, also for one that cannot be read.
    """
    try:
        text = path.read_bytes()
        try:
            documents = [json.loads(text)]
        except ValueError:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    except OSError as error:
        raise BadHeads(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, or nested too deep
        raise BadHeads(f"{path}: no JSON: {error}") from error
    heads: Heads = {}
    for document in documents:
        items = document.get("items") if isinstance(document, dict) else document
        if not isinstance(items, list):
            raise BadHeads(f"{path}: takes what GET /api/v1/audio-runtime/heads answers")
        for item in items:
            name, head = _head(item, path)
            heads[name] = head
    return heads


def _head(item: Any, path: Path) -> tuple[tuple[str, str], Head]:
    try:
        name = item["tenant_id"], item["device_id"]
        event_id, row_hash = item["event_id"], item["row_hash"].lower()
    except (TypeError, KeyError, AttributeError):
        name, event_id, row_hash = ("", ""), None, ""
    good = (
        all(isinstance(part, str) and re.fullmatch(NAME, part) for part in name)
        and type(event_id) is int  # a boolean is one to isinstance
        and -(2**63) <= event_id < 2**63
        and re.fullmatch("[0-9a-f]{64}", row_hash)
    )
    if not good:
        raise BadHeads(f"{path}: a head needs tenant_id, device_id, event_id and row_hash")
    return name, Head(event_id, row_hash)
