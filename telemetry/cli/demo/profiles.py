"""How each of the three agents works."""

from dataclasses import dataclass
from datetime import timedelta

UPSTREAM = "UpstreamTimeout: model endpoint did not answer in 60 s"


@dataclass(frozen=True)
class Agent:
    """How an agent works; ``outcomes`` and ``errors`` are shares, ``seconds`` is the median."""

    name: str
    job_type: str
    every: timedelta
    seconds: float
    spread: float
    items: int
    outcomes: dict[str, float]
    errors: dict[str, float]
    section: str
    triggers: dict[str, float]
    environments: dict[str, float]


TRANSLATOR = Agent(
    name="hugo-translator",
    job_type="translate_posts",
    every=timedelta(minutes=10),
    seconds=74,
    spread=0.5,
    items=24,
    outcomes={"success": 96, "partial": 2, "failure": 1.3, "timeout": 0.4, "cancelled": 0.3},
    errors={"KeyError: 'front_matter'": 4, "HTTP 429 from translation provider": 3, UPSTREAM: 2},
    section="/posts",
    triggers={"schedule": 8, "webhook": 2},
    environments={"production": 1},
)

AUDITOR = Agent(
    name="seo-auditor",
    job_type="audit_site",
    every=timedelta(hours=1),
    seconds=310,
    spread=0.7,
    items=180,
    outcomes={"success": 91, "partial": 4, "failure": 2, "timeout": 2, "cancelled": 1},
    errors={"disk quota exceeded while writing /cache": 3, "ConnectionResetError: sitemap.xml": 2},
    section="/",
    triggers={"schedule": 9, "manual": 1},
    environments={"production": 4, "staging": 1},
)

WRITER = Agent(
    name="insight-writer",
    job_type="weekly_digest",
    every=timedelta(hours=4),
    seconds=240,
    spread=0.6,
    items=6,
    outcomes={"success": 86, "partial": 6, "failure": 5, "timeout": 2, "cancelled": 1},
    errors={UPSTREAM: 3, "ValueError: the digest has no articles": 1},
    section="/digest",
    triggers={"schedule": 5, "manual": 1},
    environments={"production": 1},
)
