"""All tests of runtime events that speak HTTP, over a partitioned database."""

from inspect import signature
from types import ModuleType

import pytest

from tests.runtime_events import (
    test_change_token,
    test_create,
    test_create_batch,
    test_feed,
    test_ideas_summary,
    test_import_events,
    test_list,
    test_summary,
)

pytestmark = pytest.mark.long

MODULES: tuple[ModuleType, ...] = (
    test_change_token,
    test_create,
    test_create_batch,
    test_feed,
    test_ideas_summary,
    test_import_events,
    test_list,
    test_summary,
)

# Of the other backend, and of two databases.
OTHERS = {"file_client", "events_file", "runtime_database_url"}
# It makes a unique index, which would have to include recorded_at.
OF_A_PLAIN_TABLE = {"test_a_unique_index_of_a_dba_is_not_taken_for_a_repeated_id"}

for module in MODULES:
    for name, it in [*vars(module).items()]:
        if name in OF_A_PLAIN_TABLE:
            continue
        if name.startswith("test_") and not OTHERS & {*signature(it).parameters}:
            globals()[f"{module.__name__.rpartition('.')[2]}_{name.removeprefix('test_')}"] = it
        elif name == "run":
            globals()[name] = it  # a fixture
