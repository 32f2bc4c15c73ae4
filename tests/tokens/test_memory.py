"""The tokens in the memory of a process: how old they get, and what happens without a database."""

import threading
from types import SimpleNamespace

import pytest

from telemetry.database.errors import DatabaseUnavailable
from telemetry.tokens import memory
from telemetry.tokens.memory import APART, MAX_AGE, REFRESH_AFTER, TokenMemory
from telemetry.tokens.secret import hash_of, new_token
from telemetry.tokens.store import NOTE_SECONDS, Read


class Store:
    """A store with one token, which counts how often it is read and written."""

    def __init__(self, clock, text):
        self.clock = clock
        self.row = {"name": "one", "hash": hash_of(text.encode()), "scopes": ["admin"]}
        self.row |= {"tenants": None, "agents": None, "seconds_left": None, "is_revoked": False}
        self.rows = [self.row]
        self.failure = None
        self.reads, self.noted = 0, []

    def list_valid(self):
        self.reads += 1
        if self.failure:
            raise self.failure
        return Read(self.clock.now, [*self.rows])

    def note_use(self, names):
        self.noted.append(names)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves."""
    clock = SimpleNamespace(now=1000.0)

    def sleep(seconds):
        clock.now += seconds

    monkeypatch.setattr(memory, "monotonic", lambda: clock.now)
    monkeypatch.setattr(memory, "sleep", sleep)
    return clock


@pytest.fixture
def at_once(monkeypatch):
    """What runs in the background runs at once."""
    monkeypatch.setattr(memory, "_in_background", lambda work, *args: work(*args))


@pytest.fixture
def text():
    return new_token()


@pytest.fixture
def store(clock, text):
    return Store(clock, text)


def test_many_requests_share_a_read(at_once, store, clock, text):
    tokens = TokenMemory(store)
    for _ in range(100):
        assert tokens.find(text.encode()).name == "one"
    assert store.reads == 1
    clock.now += REFRESH_AFTER
    assert tokens.find(text.encode())
    assert store.reads == 2


def test_nothing_is_used_that_is_older_than_is_stated(monkeypatch, store, clock, text):
    """While a read hangs, what is in memory is used until MAX_AGE and no longer."""
    tokens = TokenMemory(store)
    assert tokens.find(text.encode())
    hanging = []
    monkeypatch.setattr(memory, "_in_background", lambda *work: hanging.append(work))
    clock.now += MAX_AGE - 0.01
    assert tokens.find(text.encode())
    assert tokens.find(text.encode())
    ((read, refresh),) = hanging
    clock.now += 0.01
    store.rows.clear()  # it was revoked meanwhile
    found = []
    thread = threading.Thread(target=lambda: found.append(tokens.find(text.encode())))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    clock.now += 0.01
    read(refresh)
    thread.join(0.2)
    if thread.is_alive():  # a token that is missing is read once more
        hanging[1][0](hanging[1][1])
        thread.join(5)
    assert found == [None]


def test_a_failure_of_the_database_is_not_a_wrong_token(at_once, store, clock, text):
    tokens = TokenMemory(store)
    assert tokens.find(text.encode())
    store.failure = DatabaseUnavailable("away")
    clock.now += MAX_AGE - 0.01
    assert tokens.find(text.encode())
    with pytest.raises(DatabaseUnavailable):
        tokens.find(new_token().encode())
    clock.now += 0.01
    with pytest.raises(DatabaseUnavailable):
        tokens.find(text.encode())
    store.failure = None
    assert tokens.find(text.encode())


def test_a_new_token_works_at_once(at_once, store, clock, text):
    tokens = TokenMemory(store)
    assert tokens.find(text.encode())
    new = new_token()
    store.rows.append({**store.row, "name": "two", "hash": hash_of(new.encode())})
    clock.now += 0.001
    assert tokens.find(new.encode()).name == "two"


def test_guesses_are_read_apart_from_each_other(at_once, store, clock):
    tokens = TokenMemory(store)
    started = clock.now
    for _ in range(20):
        clock.now += 0.001
        assert tokens.find(new_token().encode()) is None
    assert store.reads <= (clock.now - started) / APART + 2


def test_what_has_another_shape_is_never_read(at_once, store):
    tokens = TokenMemory(store)
    for sent in (b"", b"secret", b"tlm_", b"x" * 47, new_token().encode() + b"x", b"\xff" * 47):
        assert tokens.find(sent) is None
    assert store.reads == 0


def test_it_expires_in_the_middle_of_a_read(at_once, store, clock, text):
    store.row["seconds_left"] = 0.5
    tokens = TokenMemory(store)
    assert tokens.find(text.encode())
    clock.now += 0.49
    assert tokens.named("one")
    clock.now += 0.02
    assert tokens.find(text.encode()) is None
    assert tokens.named("one") is None
    assert store.reads == 1


def test_its_use_is_noted_every_few_minutes(at_once, store, clock, text):
    tokens = TokenMemory(store)
    for _ in range(1000):
        assert tokens.find(text.encode())
        clock.now += 1
    assert store.noted == [["one"]] * (1 + 1000 // (NOTE_SECONDS + 1))


def test_a_note_that_fails_does_not_fail_the_request(at_once, store, text, monkeypatch):
    def fail(_):
        raise DatabaseUnavailable("read-only")

    monkeypatch.setattr(store, "note_use", fail)
    assert TokenMemory(store).find(text.encode())
