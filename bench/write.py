"""The files that stay: results.json, results.svg, and the tables within RESULTS.md."""

import json
from pathlib import Path
from typing import Any

from bench import chart, memory, report
from bench.scenarios import SCENARIOS

FOLDER = Path(__file__).parent
BEGIN = (
    "<!-- Written by make bench, up to the end of the tables; the rest of this page is by hand. -->"
)
END = "<!-- The end of the tables. -->"


def write(results: dict[str, Any]) -> None:
    """Write what was measured; of RESULTS.md only what stands between the two marks."""
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    (FOLDER / "results.svg").write_text(chart.svg(results["scenarios"]))
    page = FOLDER / "RESULTS.md"
    text = page.read_text() if page.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([f"{before}{BEGIN}", "", *_tables(results), f"{END}{after}"]))


def _tables(results: dict[str, Any]) -> list[str]:
    lines = [
        f"{results['date']}. "
        + "; ".join(f"{name}: {value}" for name, value in results["machine"].items())
        + ".",
        "",
        ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        f"Medians of {results['rounds']} rounds of {results['seconds']} s, the contenders taking"
        " turns within each; a ratio is the median of the rounds' own ratios. Server, database and"
        " load are on this one machine. Each answered record was found in its table afterwards.",
        "",
        "![The rates as bars](results.svg)",
        "",
    ]
    for scenario in SCENARIOS:
        if scenario.name in results["scenarios"]:
            lines += report.scenario(scenario, results["scenarios"][scenario.name])
    if "memory" in results:
        lines += memory.section(results["memory"])
    return lines
