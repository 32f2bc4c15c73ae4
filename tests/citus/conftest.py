"""What the tests of scale-out stand on: clusters of their own."""

from collections.abc import Iterator

import pytest

from tests.support.citus import Cluster, cluster, distributed


@pytest.fixture(scope="module")
def plain_cluster() -> Iterator[Cluster]:
    """A coordinator and two workers, with nothing in them."""
    with cluster() as started:
        yield started


@pytest.fixture(scope="module")
def citus() -> Iterator[Cluster]:
    """A coordinator and two workers, distributed."""
    with distributed() as started:
        yield started
