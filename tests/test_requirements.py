"""Every package that is installed has a pinned version."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.service import PROJECT


def pinned(*files):
    """Return the requirements in the files by name; each has to pin a version."""
    found = {}
    for file in files:
        for line in (PROJECT / file).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+", line), line
                requirement = Requirement(line)
                found[canonicalize_name(requirement.name)] = requirement
    return found


def installed_by(requirements):
    """Return the names of the packages that the requirements bring, directly or not."""
    found = set()
    waiting = [(it.name, frozenset(it.extras)) for it in requirements]
    while waiting:
        name, extras = waiting.pop()
        if (canonicalize_name(name), extras) in found:
            continue
        found.add((canonicalize_name(name), extras))
        for needed in map(Requirement, metadata.requires(name) or []):
            environments = [{"extra": extra} for extra in extras or {""}]
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                waiting.append((needed.name, frozenset(needed.extras)))
    return {name for name, _ in found}


@pytest.mark.parametrize(
    "files", [["requirements.txt"], ["requirements.txt", "requirements-dev.txt"]]
)
def test_every_package_is_pinned(files):
    requirements = pinned(*files)
    assert installed_by(requirements.values()) - requirements.keys() == set()


def test_the_versions_are_those_that_the_tests_run_with():
    requirements = pinned("requirements.txt", "requirements-dev.txt")
    for name, requirement in requirements.items():
        assert metadata.version(name) in requirement.specifier
