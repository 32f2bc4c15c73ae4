"""The house keeps its shape: the same rooms in every tree, each statement in its file."""

import re
from collections import Counter
from pathlib import Path

import pytest

from telemetry.database import statements
from tests.support.service import PROJECT

# What an owner or a DBA runs for a role; the service runs none of it.
RECIPES = sorted(statements.ROOT.glob("roles/*.sql"))
STATEMENTS = sorted({*statements.ROOT.glob("*/*.sql")} - {*RECIPES})
# What is sent instead where tables are distributed.
VARIANTS = sorted(
    file
    for file in statements.ROOT.glob("scale_out/*/*.sql")
    if (statements.ROOT / file.parent.name / file.name).exists()
)
# What distribute, partition and retention of partitions run; some are several statements.
STEPS = sorted({*statements.ROOT.glob("scale_out/*/*.sql")} - {*VARIANTS})
MODULES = sorted([*(PROJECT / "telemetry").rglob("*.py"), PROJECT / "app.py", PROJECT / "wsgi.py"])
TESTS = sorted((PROJECT / "tests").rglob("*.py"))
BENCH = sorted((PROJECT / "bench").rglob("*.py"))
MIGRATIONS = sorted((PROJECT / "migrations").glob("*.sql"))
HEADER = re.compile(
    r"(-- [^\n]+\n)+?-- params: (?P<params>([^\n]+\n)(-- (?!index:)[^\n]+\n)*)-- index: .+\n"
    r"(-- .+\n)*-- locks: .+\n(-- .+\n)*-- returns: .+\n(-- .+\n)*(?!--)"
)
SQL_IN_PYTHON = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b",
    re.IGNORECASE | re.DOTALL,
)
# Each has to be one statement. The driver does not cache it and parses it each time, in 0.1 ms.
LONG = {"audio_runtime/append", "audio_runtime/verify_events"}
# sql/database/ belongs to telemetry/database/, which all rooms share.
ROOMS = sorted({file.parent.name for file in STATEMENTS} - {"database"})
# What they do without: the rate limit and tokens stand before every URL, other rooms show
# retention, the others are commands alone.
WITHOUT = {
    "rate_limit": {"views.py"},
    "tokens": {"views.py"},
    "retention": {"views.py"},
    "migrations": {"views.py", "store.py"},
    "doctor": {"views.py", "store.py"},
}


def name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_the_same_name_in_every_tree(room):
    assert (PROJECT / "tests" / room).is_dir()
    files = {file.name for file in (PROJECT / "telemetry" / room).glob("*.py")}
    usual = {"__init__.py", "views.py", "store.py"}
    assert files & usual == usual - WITHOUT.get(room, set())


@pytest.mark.parametrize("file", MIGRATIONS, ids=name)
def test_a_migration_is_of_a_room_or_shared(file):
    assert file.name[5:].startswith(tuple(f"{room}_" for room in [*ROOMS, "shared"]))


def used_and_described(file: Path) -> tuple[set[str], set[str]]:
    """Return the parameters that the statement uses, and those of its header."""
    text = file.read_text()
    header = HEADER.match(text)
    assert header, "header: what it does, params:, index:, locks:, returns:"
    used = set(re.findall(r"%\((\w+)\)s", text[header.end() :]))
    params = re.sub(r"\([^)]*\)", "", header["params"].replace("-- ", ""))
    return used, set(re.findall(r"\w+", params)) - {"none"}


@pytest.mark.parametrize("file", STATEMENTS + VARIANTS, ids=name)
def test_a_statement_explains_itself(file):
    used, described = used_and_described(file)
    assert used == described
    text = file.read_text()
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    assert body.rstrip().endswith(";")
    assert re.sub(r"\$\$.*?\$\$", "", body, flags=re.DOTALL).count(";") == 1, "one statement a file"
    assert "SELECT *" not in body
    statement = f"{file.parent.name}/{file.stem}"
    if statement not in LONG and file not in VARIANTS:
        sent = statements.load(statement)
        assert len(sent) <= 4096, "the driver keeps no longer one in its cache"


@pytest.mark.parametrize("file", VARIANTS, ids=name)
def test_a_variant_takes_the_parameters_of_its_statement(file):
    used, _ = used_and_described(statements.ROOT / file.parent.name / file.name)
    shard = {"tenant_id", "event_id"}  # the constant that names the shard
    assert used <= used_and_described(file)[0] <= used | shard


@pytest.mark.parametrize("file", STEPS, ids=name)
def test_a_step_explains_itself(file):
    used, described = used_and_described(file)
    assert used == described


def test_every_file_of_sql_is_one_of_these():
    files = {*statements.ROOT.rglob("*.sql")} - {*STATEMENTS, *VARIANTS, *STEPS, *RECIPES}
    assert {name(file) for file in files} == {"sql/schema.sql"}


# The tests below read hundreds of files. Each is one test, which names the files at fault.


def test_a_statement_is_used_by_one_module():
    texts = [module.read_text() for module in MODULES]
    users = {
        name(file): sum(f'"{file.parent.name}/{file.stem}"' in text for text in texts)
        for file in STATEMENTS
    }
    assert {file: count for file, count in users.items() if count != 1} == {}


def test_there_is_no_sql_in_python():
    assert [name(it) for it in MODULES if SQL_IN_PYTHON.search(it.read_text())] == []


def is_too_long(file: Path) -> bool:
    limit = 450 if f"{file.parent.name}/{file.stem}" in LONG else 300
    return len(file.read_text().splitlines()) > limit


def test_a_file_is_one_idea():
    files = MODULES + TESTS + STATEMENTS + VARIANTS + MIGRATIONS
    assert [name(it) for it in files if is_too_long(it)] == []


@pytest.mark.parametrize(
    "word", ["TODO", "FIXME", "XXX", "NotImplementedError", "mark.skip", "mark.xfail"]
)
def test_nothing_is_left_unfinished(word):
    files = {*MODULES, *TESTS} - {Path(__file__)}
    assert [name(it) for it in files if word in it.read_text()] == []


def test_every_constant_is_used():
    text = "\n".join(module.read_text() for module in MODULES + BENCH + TESTS)
    words = Counter(re.findall(r"\b[A-Z][A-Z_]+\b", text))
    for constant in re.findall(r"^([A-Z][A-Z_]+)(?:: [^=\n]+)? = ", text, re.MULTILINE):
        assert words[constant] > 1, constant


def test_no_room_has_functions_before_or_after_its_requests(make_app):
    app = make_app(rate_limit_enabled=True, auth_enabled=True, auth_token="secret")
    assert not app.url_value_preprocessors
    around = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    assert {room for functions in around for room in functions} == {None}
