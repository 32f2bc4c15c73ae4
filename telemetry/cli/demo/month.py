"""A month of time and chance, the same for the same seed and the same end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, pi
from random import Random
from uuid import UUID

DAYS = 30

SATURDAY = 5

# How busy people are on a weekend, as a share of what they are on other days.
WEEKEND = 0.45


@dataclass(frozen=True)
class Month:
    """The 30 days before ``now``. What happens in them depends on the seed."""

    seed: str
    now: datetime

    def chance(self, *names: object) -> Random:
        """Return the chance of one thing. Another thing, or a changed one, does not move it."""
        return Random(" ".join(map(str, (self.seed, *names))))

    def ago(self, **spans: float) -> datetime:
        """Return a time before the end, given as ``hours=2`` and the like."""
        return self.now - timedelta(**spans)

    def slots(self, every: timedelta) -> Iterator[tuple[int, datetime]]:
        """Yield the starts of equal parts of the month, the latest part first, with its number."""
        for number in range(timedelta(days=DAYS) // every):
            yield number, self.now - (number + 1) * every

    def commit(self, moment: datetime, repository: str) -> str:
        """Return the hash of the commit that was deployed at the moment: one for each day."""
        days = (self.now - moment).days
        return f"{self.chance(repository, days).getrandbits(160):040x}"


def busyness(moment: datetime) -> float:
    """Return how busy people are at the moment, up to 1: less at night (UTC) and on weekends."""
    by_hour = 0.575 - 0.425 * cos((moment.hour + moment.minute / 60 - 3) / 24 * 2 * pi)
    return by_hour * (WEEKEND if moment.weekday() >= SATURDAY else 1)


def identifier(chance: Random) -> str:
    """Return a UUID."""
    return str(UUID(int=chance.getrandbits(128), version=4))


def around(chance: Random, median: float, spread: float) -> float:
    """Return a value that is mostly near the median and sometimes far above it."""
    return chance.lognormvariate(0, spread) * median


def pick(chance: Random, shares: dict[str, float]) -> str:
    """Return one of the names, each as likely as its share says."""
    return chance.choices([*shares], [*shares.values()])[0]
