"""`andon quality`: the current quality of a line."""

import json
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from andon import quality
from andon.alerts import shown_segment
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.kernel.plurals import plural
from andon.monitors import MonitorState
from andon.quality import LineQuality

_STYLES = {MonitorState.CRITICAL: "bold red", MonitorState.WARNING: "yellow", MonitorState.SILENT: "dim"}


def show(
    automation: Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the current quality of a line: automatic share and its proof, monitors, open alerts and incidents."""
    with project() as here, here.database.begin() as tx:
        found = quality.line_quality(tx, automation, here.clock.now())
    if as_json:
        typer.echo(json.dumps(plain(found), indent=2))
        return
    console = Console(highlight=False)
    console.print(_facts(found))
    table = Plain("monitor", "state", "finding")
    for one in found.monitors:
        table.add_row(one.monitor, one.state, one.sentence, style=_STYLES.get(one.state))
    console.print(table)
    for alert in found.alerts:
        console.print(f"{alert.level} since {alert.since:%Y-%m-%d %H:%M} UTC: {alert.message}", markup=False)


def plain(found: LineQuality) -> dict[str, Any]:
    """Return the summary as JSON values."""
    values: dict[str, Any] = to_jsonable_python(found)
    return {**values, "headline": found.headline, "automatic_share": found.automatic_share, "worst": found.worst}


def _facts(found: LineQuality) -> Facts:
    table = Facts()
    held = [f"{shown_segment(change.segment)}: {change.after}" for change in found.changes if change.segment]
    table.add_row("line", ", ".join([found.state.value, *held]))
    share = "no decisions" if found.automatic_share is None else f"{found.automatic_share:.1%} automatic"
    table.add_row("last 24 hours", f"{plural(found.decisions, 'decision')}, {share}")
    table.add_row("risk", found.headline)
    for account in found.gates[1:]:
        table.add_row(account.where, account.sentence)
    if found.forecast:
        table.add_row("forecast", found.forecast)
    audits = found.audits
    if audits.share is not None:
        counted = f"{audits.waiting:,} waiting, {audits.agreed:,} agreed, {audits.disagreed:,} did not"
        table.add_row("blind audits", f"{audits.share:.2%} of the automatic decisions; {counted}")
    for measure in found.measures:
        table.add_row(
            measure.measure, f"{measure.total:,} {measure.unit} in 30 days, from {plural(measure.counted, 'decision')}"
        )
    table.add_row("alerts", f"{len(found.alerts)} open, {len(found.incidents)} incidents")
    return table
