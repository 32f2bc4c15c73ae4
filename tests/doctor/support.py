"""Running the doctor, and what it says."""

import json
from typing import NamedTuple

from tests.support.command import telemetry

# With these, a healthy database of the tests leaves the warning about its role alone.
SAFE = {
    "TELEMETRY_API_AUTH_ENABLED": "true",
    "TELEMETRY_API_AUTH_TOKEN": "a-long-and-random-token",
}


class Examined(NamedTuple):
    """The exit status, and the findings as the doctor's JSON has them."""

    status: int
    findings: list[dict[str, str]]

    def of(self, level):
        """Return the findings of a level as texts."""
        return [
            f"{it['check']}: {it['says']}; {it['fix']}"
            for it in self.findings
            if it["level"] == level
        ]

    @property
    def problem(self):
        """The only problem."""
        (found,) = self.of("problem")
        return found


def doctor(*options, **environ):
    """Run the doctor on an environment that is safe but for ``environ``."""
    done = telemetry("doctor", "--json", *options, **{**SAFE, **environ})
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert "s3cret" not in done.stdout
    return Examined(done.returncode, document["findings"])
