"""The views give the links that the API gives."""

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.git_links import MAX_URL, commit_url, repo_url
from tests.runs.test_links import HASH
from tests.runs.test_links import test_anything_else_has_no_links as no_links
from tests.runs.test_links import test_known_hosts_have_links as known_hosts
from tests.support.repositories import commits, repositories

BOTH = """
    SELECT
        array_agg(telemetry_views.repo_url(sent.repo) ORDER BY place),
        array_agg(telemetry_views.commit_url(sent.repo, sent.commit) ORDER BY place)
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS sent (repo, commit, place)
"""


@pytest.fixture(scope="module")
def connection(postgres, databases):
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    databases.give_back(url)


def assert_same(connection, pairs):
    repos, commits = [repo for repo, _ in pairs], [commit for _, commit in pairs]
    found = connection.execute(BOTH, [repos, commits]).fetchone()
    assert found == ([repo_url(it) for it in repos], [commit_url(*it) for it in pairs])


def cases(test):
    [mark] = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return [case[0] if isinstance(case, tuple) else case for case in mark.args[1]]


def test_they_are_the_same_for_every_case_of_the_api(connection):
    repos = [*cases(known_hosts), *cases(no_links)]
    assert len(repos) > 20
    commits = [HASH, None, "", "../x?y#z", "a b%ü🛰"]
    assert_same(connection, [(repo, commit) for repo in repos for commit in commits])


def test_they_are_the_same_up_to_the_longest_url(connection):
    start = "https://github.com/o/"
    repos = [start + "n" * (MAX_URL - len(start) + more) for more in (0, 1)]
    assert [repo_url(it) is None for it in repos] == [False, True]
    assert_same(connection, [(it, HASH) for it in repos])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(repositories, commits), min_size=20, max_size=60))
def test_they_are_the_same_for_any_text(connection, pairs):
    assert_same(connection, pairs)
