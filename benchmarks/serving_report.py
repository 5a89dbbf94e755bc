"""The report of `script/bench serving`: a table in the terminal, and with --write a table and a plot in the docs."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.barchart import Panel, bar_chart
from benchmarks.goals import Goal, table_of
from benchmarks.serving_results import Outcome

HEADS = (
    "",
    "at",
    "a second",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU µs",
    "RSS MB",
    "PSS MB",
    "processes",
    "start s",
    "failed",
)
WIDTH = 120
"""Columns of text that the table needs."""
PLOT = Path("docs") / "images" / "serving-peers.svg"
PAGE = Path("benchmarks") / "README.md"
BEGIN, END = "<!-- Written by script/bench serving --write: begin -->", "<!-- end -->"


def show(
    titles: Mapping[str, str],
    outcomes: Mapping[str, Outcome],
    absent: Mapping[str, str],
    goals: Sequence[Goal],
    said: str,
) -> None:
    """Print the table, Andon's CPU time and memory by part, missing sides with reasons, and the goals."""
    console = Console()
    console.width = max(WIDTH, console.width)
    table = Table(*HEADS, title=f"{said}; CPU of all processes a request, memory before any load", title_justify="left")
    for cells in rows_of(titles, outcomes):
        table.add_row(*cells)
    console.print(table)
    console.print(parts_of(outcomes["andon"]))
    console.print(others_of(outcomes))
    for name, reason in absent.items():
        console.print(f"{titles[name]} did not run: {reason}", markup=False)
    console.print(table_of(goals))


def write(
    root: Path, titles: Mapping[str, str], outcomes: Mapping[str, Outcome], absent: Mapping[str, str], said: str
) -> None:
    """Write the plot, and the figures into their place in the README of the benchmarks."""
    (root / PLOT).write_text(plot_of(titles, outcomes, said), encoding="utf-8")
    page = root / PAGE
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{figures_of(titles, outcomes, absent, said)}\n{END}{after}", encoding="utf-8")


def rows_of(titles: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> list[list[str]]:
    """Return a row for each side and number of connections; figures independent of load are in the first."""
    rows = []
    for name, outcome in outcomes.items():
        once = [f"{sum(outcome.rss_mb.values()):,.0f}", f"{sum(outcome.pss_mb.values()):,.0f}", str(outcome.processes)]
        once += [f"{outcome.start_seconds:.1f}", str(outcome.failed)]
        for n, figures in outcome.at.items():
            first = n == min(outcome.at)
            cells = [titles[name] if first else "", str(n), f"{figures['per_second']:,.0f}"]
            cells += [f"{figures[percentile]:,.2f}" for percentile in ("p50", "p95", "p99")]
            rows.append([*cells, f"{figures['cpu_us']:,.0f}", *(once if first else [""] * len(once))])
    return rows


def parts_of(andon: Outcome) -> str:
    """Describe Andon's CPU time at the most connections, and its memory, by process."""
    most = max(andon.cpu)
    cpu = ", ".join(f"{part} {value:,.0f} µs" for part, value in andon.cpu[most].items())
    memory = ", ".join(
        f"{part} {andon.rss_mb[part]:,.0f} MB RSS, {andon.pss_mb[part]:,.0f} MB PSS" for part in andon.rss_mb
    )
    return f"Andon, CPU a request at {most} connections: {cpu}\nAndon, memory: {memory}"


def others_of(outcomes: Mapping[str, Outcome]) -> str:
    """Describe how quiet the machine was."""
    most = max(figures["others"] for outcome in outcomes.values() for figures in outcome.at.values())
    return f"Of {os.cpu_count()} cores, at most {most:.1f} were busy with something else during a round (medians)"


def plot_of(titles: Mapping[str, str], outcomes: Mapping[str, Outcome], said: str) -> str:
    """Draw throughput, latency and CPU at the most connections, as SVG."""
    most = max(outcomes["andon"].at)
    panels = [
        Panel(title, {titles[name]: outcome.at[most][figure] for name, outcome in outcomes.items()})
        for title, figure in (("requests a second", "per_second"), ("p99 in ms", "p99"), ("CPU µs a request", "cpu_us"))
    ]
    sides = [titles[name] for name in outcomes]
    return bar_chart(sides, panels, ours=titles["andon"], note=f"{most} connections. {said}, {_machine()}")


def figures_of(titles: Mapping[str, str], outcomes: Mapping[str, Outcome], absent: Mapping[str, str], said: str) -> str:
    """Return plot, table, Andon's parts and missing sides, as Markdown."""
    lines = [
        f"{said}, {_machine()}. {others_of(outcomes)}.",
        "",
        f"![Throughput, latency and CPU of each side](../{PLOT.as_posix()})",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|---|" + "---:|" * (len(HEADS) - 1),
        *("| " + " | ".join(cells) + " |" for cells in rows_of(titles, outcomes)),
        "",
        *(f"{line}.\n" for line in parts_of(outcomes["andon"]).splitlines()),
        *(f"{titles[name]} did not run: {reason}\n" for name, reason in absent.items()),
    ]
    return "\n".join(lines)


def _machine() -> str:
    return f"{os.cpu_count()} cores, Linux {platform.machine()}, Python {platform.python_version()}"
