"""Writes the result files: results.json, results.svg and the tables in RESULTS.md."""

import json
from pathlib import Path
from typing import Any

from bench import agents, calls, chart, memory, report
from bench.scenarios import SCENARIOS

FOLDER = Path(__file__).parent
BEGIN = "<!-- `make bench` writes the tables from here to their end; the rest is by hand. -->"
END = "<!-- The end of the tables. -->"

METHOD = """
Figures are medians of {rounds} rounds of {seconds} s. In each round the contenders take turns. A
ratio is the median of the ratios within each round. *By CPU* is the ratio of the CPU seconds of
client, web and database together; trust it more than the rate when other programs use the machine.
Server, database and load share this one machine. After each turn the bench checks that every
confirmed record is in its table.
"""


def write(results: dict[str, Any]) -> None:
    """Write the results; in RESULTS.md replace only the text between the two marks."""
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    (FOLDER / "results.svg").write_text(chart.svg(results["scenarios"]))
    page = FOLDER / "RESULTS.md"
    text = page.read_text() if page.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([f"{before}{BEGIN}", "", *_tables(results), f"{END}{after}"]))


def _tables(results: dict[str, Any]) -> list[str]:
    machine = "; ".join(f"{name}: {value}" for name, value in results["machine"].items())
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [
        *report.paragraph(f"{results['date']}. {machine}. {report.python_line(results['python'])}"),
        *report.paragraph(f"{versions}."),
        *report.paragraph(METHOD.format(rounds=results["rounds"], seconds=results["seconds"])),
        "![The rates as bars](results.svg)",
        "",
    ]
    for scenario in SCENARIOS:
        if scenario.name in results["scenarios"]:
            lines += report.scenario(scenario, results["scenarios"][scenario.name])
    if "memory" in results:
        lines += memory.section(results["memory"])
    if "calls" in results:
        lines += calls.section(results["calls"])
    if "client" in results:
        lines += agents.section(results["client"])
    return lines
