"""The git context, read without git."""

import subprocess

import pytest

from telemetry.client.git import git_context, without_credentials


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *identity, "-C", folder, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "First")
    git(folder, "remote", "add", "other", "https://example.org/other.git")
    git(folder, "remote", "add", "origin", "https://user:secret@github.com/owner/name.git")
    return folder


def test_it_works(repository):
    (repository / "a" / "b").mkdir(parents=True)
    assert git_context(repository / "a" / "b") == {
        "git_repo": "https://github.com/owner/name",
        "git_branch": "main",
        "git_commit_hash": git(repository, "rev-parse", "HEAD"),
        "git_run_tag": "name/main",
    }


def test_references_may_be_packed(repository):
    git(repository, "pack-refs", "--all")
    assert git_context(repository)["git_commit_hash"] == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_has_no_branch(repository):
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", commit)
    context = git_context(repository)
    assert (context["git_commit_hash"], context["git_run_tag"]) == (commit, "name")
    assert "git_branch" not in context


def test_a_worktree_has_its_own_branch(repository, tmp_path):
    git(repository, "worktree", "add", "-q", "-b", "side/line", tmp_path / "worktree")
    git(tmp_path / "worktree", "commit", "-q", "--allow-empty", "-m", "Second")
    context = git_context(tmp_path / "worktree")
    assert (context["git_branch"], context["git_repo"]) == (
        "side/line",
        "https://github.com/owner/name",
    )
    assert context["git_commit_hash"] == git(tmp_path / "worktree", "rev-parse", "HEAD")


def test_outside_of_a_repository_there_is_no_context(tmp_path):
    assert git_context(tmp_path) == {}
    (tmp_path / ".git").mkdir()
    assert git_context(tmp_path) == {}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:secret@github.com/owner/name.git", "https://github.com/owner/name"),
        ("https://token@github.com/owner/name/?key=1", "https://github.com/owner/name"),
        ("https://user:a#b/c?d@github.com/owner/name.git", "https://github.com/owner/name"),
        ("https://user:12#4@github.com/owner/name.git", "https://github.com/owner/name"),
        ("https://example.org?key=1", "https://example.org"),
        ("https://user:a@b@github.com/owner/name.git", "https://github.com/owner/name"),
        ('"https://user:a;b@github.com/owner/name.git"', "https://github.com/owner/name"),
        ("https://[::1]:8080/@scope/name.git", "https://[::1]:8080/@scope/name"),
        ("https://example.org:8080/@scope/name", "https://example.org:8080/@scope/name"),
        ("https://[::1/name", "https://[::1/name"),
        ("git@github.com:owner/name.git", "git@github.com:owner/name"),
        ("ssh://git:secret@example.org:22/a.git", "ssh://example.org:22/a"),
        ("/srv/name.git", "/srv/name"),
    ],
)
def test_no_credentials_are_reported(url, expected):
    assert without_credentials(url) == expected
