"""The paths that platforms and load balancers poll: they need no token and are not counted."""

HEALTH_PATHS = frozenset({"/health", "/api/health", "/api/ready", "/api/health/persistence"})
