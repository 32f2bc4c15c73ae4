"""Links to repositories and commits."""

import pytest

from telemetry.runs.links import commit_url, repo_url

HASH = "abcdef0123456"


@pytest.mark.parametrize(
    ("git_repo", "repo", "commit"),
    [
        ("https://github.com/o/n", "https://github.com/o/n", f"/commit/{HASH}"),
        ("https://github.com/o/n.git", "https://github.com/o/n", f"/commit/{HASH}"),
        ("https://GitHub.com/o/n/", "https://github.com/o/n", f"/commit/{HASH}"),
        ("http://www.github.com/o/n", "https://github.com/o/n", f"/commit/{HASH}"),
        ("git@github.com:o/n.git", "https://github.com/o/n", f"/commit/{HASH}"),
        ("ssh://git@github.com:22/o/n.git", "https://github.com/o/n", f"/commit/{HASH}"),
        ("https://user:secret@github.com/o/n", "https://github.com/o/n", f"/commit/{HASH}"),
        ("git@gitlab.com:g/sub/n.git", "https://gitlab.com/g/sub/n", f"/-/commit/{HASH}"),
        ("https://bitbucket.org/o/n", "https://bitbucket.org/o/n", f"/commits/{HASH}"),
    ],
)
def test_known_hosts_have_links(git_repo, repo, commit):
    assert repo_url(git_repo) == repo
    assert commit_url(git_repo, HASH) == repo + commit


@pytest.mark.parametrize(
    "git_repo",
    [
        None,
        "",
        "not a url",
        "https://example.org/o/n",
        "https://github.com.evil.example/o/n",
        "https://evil.example/github.com/o/n",
        "https://evil.example/?x=github.com",
        "https://github.com@evil.example/o/n",
        "javascript://github.com/o/n",
        "file:///github.com/o/n",
        "git@evil.example:github.com/o/n",
        "https://github.com/",
        "https://github.com/o/../n",
        'https://github.com/o/n"><script>',
        "https://[github.com/o/n",
    ],
)
def test_anything_else_has_no_links(git_repo):
    assert repo_url(git_repo) is None
    assert commit_url(git_repo, HASH) is None


def test_without_a_commit_there_is_no_commit_link():
    assert commit_url("https://github.com/o/n", None) is None
    assert commit_url("https://github.com/o/n", "") is None


def test_the_commit_is_escaped():
    assert commit_url("https://github.com/o/n", "../x?y#z") == (
        "https://github.com/o/n/commit/..%2Fx%3Fy%23z"
    )
