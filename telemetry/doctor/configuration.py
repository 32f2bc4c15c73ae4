"""Checking the variables: each for itself, and combinations that surprise."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from telemetry.config import ALIASES, Config, ConfigError
from telemetry.database.urls import check_urls
from telemetry.doctor.finding import Finding, ok, problem, warning
from telemetry.persistence import Persistence, resolve

CHECK = "configuration"

# A variable that each platform sets for the processes it runs.
# https://devcenter.heroku.com/articles/dynos, https://docs.railway.com/reference/variables,
# https://render.com/docs/environment-variables
PLATFORMS = {"DYNO": "Heroku", "RAILWAY_ENVIRONMENT_ID": "Railway", "RENDER": "Render"}

# Of the variables that name the URL of an owner.
OWNER = "TELEMETRY_OWNER_"

# Fewer characters can be guessed at some thousand requests per second.
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Deployment:
    """The configuration, what follows from it, and the environment that it is from."""

    config: Config
    persistence: Persistence
    environ: Mapping[str, str]

    @property
    def platform(self) -> str | None:
        """The name of the platform that runs this process, if it is a known one."""
        return next((name for it, name in PLATFORMS.items() if self.environ.get(it)), None)


def read(environ: Mapping[str, str]) -> tuple[Deployment | None, list[Finding]]:
    """Return the deployment, or None and a problem for each variable that is invalid."""
    left, found = {**environ}, dict[str, Finding]()
    while True:
        try:
            config = Config.from_env(left)
            check_urls(config)
        except ConfigError as error:
            if error.name in found:
                return None, [*found.values()]
            served = error.name.removeprefix(OWNER)
            if served == error.name or served not in found:  # else it is right once that one is
                found[error.name] = problem(CHECK, str(error), _fix(error.name))
            left.pop(error.name, None)  # without it the next one shows
        else:
            if found:
                return None, [*found.values()]
            return Deployment(config, resolve(config), environ), []


def _fix(name: str) -> str:
    if name.startswith(OWNER):
        return f"let {name} and {name.removeprefix(OWNER)} name the same database, or unset {name}"
    return f"correct {name}, or unset it: docs/operate.md says what it is for"


def check_configuration(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the variables together, or that nothing is."""
    found = [it for check in CHECKS for it in check(deployment)]
    yield from found or [ok(CHECK, "every variable is valid, and they fit together")]


def _contract(it: Deployment) -> Iterator[Finding]:
    if failures := it.persistence.contract.failures:
        says = f"the persistence contract fails: {', '.join(failures)}; the service is never ready"
        is_any_kept = it.persistence.runtime_events.kind != "none"
        or_else = ", or PERSISTENCE_CONTRACT_REQUIRED=false" if is_any_kept else ""
        yield problem(CHECK, says, f"set DATABASE_URL{or_else}")
    elif it.persistence.agent_runs.kind == "none":
        says = "runs and audio are stored nowhere: their requests get 503"
        yield warning(CHECK, says, "set DATABASE_URL, if they are used")
    if it.platform and it.config.persistence_contract_required != "true":
        says = (
            f"on {it.platform}, a deploy that lost its DATABASE_URL may count as ready:"
            " PERSISTENCE_CONTRACT_REQUIRED is not true"
        )
        yield warning(CHECK, says, "set PERSISTENCE_CONTRACT_REQUIRED=true")


def _events_file(it: Deployment) -> Iterator[Finding]:
    if it.persistence.runtime_events.kind == "json_file" and it.platform:
        says = f"{it.platform} wipes the file of RUNTIME_EVENTS_PATH at every restart"
        yield problem(CHECK, says, "set DATABASE_URL instead; import-events moves a file there")
    if it.persistence.runtime_events.kind == "postgresql" and it.persistence.events_file_override:
        says = "RUNTIME_EVENTS_PATH is set and not used, because a database always wins"
        yield warning(CHECK, says, "unset it; import-events moves its events into the database")


def _aliases(it: Deployment) -> Iterator[Finding]:
    names = {alias: name for name, alias in ALIASES.items()}
    for alias in it.config.aliases:
        yield warning(CHECK, f"{alias} is an old name", f"rename it to {names[alias]}")


def _authentication(it: Deployment) -> Iterator[Finding]:
    if not it.config.auth_enabled:
        says = (
            "authentication is off: everyone who reaches the port may read and write, and gunicorn"
            " listens on every address of the machine"
        )
        fix = "set TELEMETRY_API_AUTH_ENABLED=true and TELEMETRY_API_AUTH_TOKEN, or close the port"
        yield warning(CHECK, says, fix)
    if it.config.auth_token and not it.config.auth_enabled:
        says = "TELEMETRY_API_AUTH_TOKEN is set and not asked for"
        yield warning(CHECK, says, "set TELEMETRY_API_AUTH_ENABLED=true, or unset the token")
    elif it.config.auth_token and len(it.config.auth_token) < SHORTEST_TOKEN:
        says = f"TELEMETRY_API_AUTH_TOKEN is shorter than {SHORTEST_TOKEN} characters"
        yield warning(CHECK, says, "set a long random one, such as that of `openssl rand -hex 32`")


def _proxies(it: Deployment) -> Iterator[Finding]:
    if not it.platform or it.config.trusted_proxies:
        return
    says = (
        f"TELEMETRY_TRUSTED_PROXIES is 0 behind the router of {it.platform}, so all clients have"
        " the address of the router"
    )
    fix = "set TELEMETRY_TRUSTED_PROXIES=1"
    if it.config.rate_limit_enabled:
        yield problem(CHECK, f"{says}, and share one rate limit", fix)
    else:
        yield warning(CHECK, f"{says} in the log, and the cookie of a sign-in is not Secure", fix)


def _misspelled(it: Deployment) -> Iterator[Finding]:
    known = _variables()
    for name in sorted(it.environ.keys() - known):
        if close := get_close_matches(name, known - it.environ.keys(), 1, cutoff=0.85):
            says = f"{name} is no variable of the service, and {close[0]} is not set"
            yield warning(CHECK, says, f"if it is a misspelling, rename it to {close[0]}")


class _Asked(dict[str, str]):
    """An empty environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return default


def _variables() -> set[str]:
    """Return the names of all variables of the service."""
    asked = _Asked()
    Config.from_env(asked)
    return asked.names


CHECKS: tuple[Callable[[Deployment], Iterator[Finding]], ...] = (
    _contract,
    _events_file,
    _aliases,
    _authentication,
    _proxies,
    _misspelled,
)
