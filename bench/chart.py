"""The rates as an SVG bar chart: one group per scenario, scaled to its fastest bar."""

from html import escape
from statistics import median

from bench.report import Measured
from bench.scenarios import SCENARIOS

WIDTH, LEFT, BAR, LINE, TITLE = 900, 330, 400, 20, 34
OURS, OTHERS = "#2563eb", "#a3a3a3"


def svg(scenarios: dict[str, Measured]) -> str:
    """Return the chart of the scenarios that were measured."""
    parts: list[str] = []
    y = 10
    for scenario in SCENARIOS:
        if scenario.name not in scenarios:
            continue
        rates = {
            name: median(one["rate"] for one in rounds)
            for name, rounds in scenarios[scenario.name].items()
        }
        y += TITLE
        parts.append(_text(10, y - 10, f"{scenario.title} ({scenario.unit})", "bold"))
        for name, rate in rates.items():
            width = BAR * rate / max(rates.values())
            color = OURS if name == "ours" else OTHERS
            bar = f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{LINE - 5}"'
            ratio = rates["ours"] / max(rate, 0.001)
            label = f"{rate:,.0f}" + ("" if name == "ours" else f"  (ratio {ratio:.2f})")
            parts += [
                _text(LEFT - 8, y + 12, name, "normal", "end"),
                f'{bar} fill="{color}"/>',
                _text(LEFT + width + 6, y + 12, label),
            ]
            y += LINE
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}"'
    return "\n".join(
        [
            f'{head} font-family="sans-serif" font-size="13">',
            '<rect width="100%" height="100%" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, weight: str = "normal", anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(text)}</text>"
