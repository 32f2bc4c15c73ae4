"""Parameters that the service writes itself."""

import pytest

from telemetry.database.values import text_array

TEXTS = ["a", "", "NULL", "null", "{b,c}", "d,e", " f ", "it's", "日本語 é 🎈", "%s", "\x7f"]
ESCAPED = ['"', "\\", "\n\t", "\x01"]


@pytest.mark.parametrize("texts", [TEXTS, [*TEXTS, *ESCAPED], ["a"] * 10_000, []])
def test_an_array_has_the_texts(db, texts):
    row = db.execute("SELECT %s::text[] AS texts", [text_array(texts)]).fetchone()
    assert row["texts"] == texts
