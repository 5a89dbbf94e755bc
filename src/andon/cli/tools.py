"""`andon tools`: toolboxes with their tools, and the calls that agents requested."""

import json
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import tools
from andon.authoring import ActionSpec, Tool, Toolbox
from andon.bootstrap.project import load_automations
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.tools import CallState, ToolboxNotFound, ToolCall

app = typer.Typer(help="Show the tools of agents, and the calls that they requested.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def index(as_json: AsJson = False) -> None:
    """List the toolboxes of the project with their tools."""
    with project() as here:
        boxes = [one for one in load_automations(here.settings) if isinstance(one, Toolbox)]
    shown = [{"toolbox": box.name, **_described(tool)} for box in boxes for tool in box.tools.values()]
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Plain("toolbox", "tool", "arguments", "carried out by")
    for one in shown:
        table.add_row(one["toolbox"], one["tool"], ", ".join(one["schema"].get("properties", {})), one["via"])
    Console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A toolbox, or the id of a call.")], as_json: AsJson = False) -> None:
    """Show a toolbox with the number of calls of each tool, or one call with its arguments."""
    try:
        call_id = UUID(name)
    except ValueError:
        _show_box(name, as_json)
        return
    with project() as here, here.database.begin() as tx:
        call = tools.get(tx, call_id, here.clock.now())
        told = _told(call) | {
            "arguments": tools.arguments_of(tx, call),
            "review_id": str(tools.review_of(tx, call) or ""),
            "question_id": str(tools.question_of(tx, call) or ""),
        }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    table = Plain("", "")
    for what, value in told.items():
        table.add_row(what, "" if value is None else value if isinstance(value, str) else json.dumps(value))
    Console().print(table)


@app.command()
def calls(
    toolbox: Annotated[str | None, typer.Option(help="Limit to this toolbox.")] = None,
    state: Annotated[CallState | None, typer.Option(help="Limit to this state.")] = None,
    run: Annotated[str | None, typer.Option(help="Limit to this run of an agent.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List calls of tools, newest first."""
    boxes = None if toolbox is None else [toolbox]
    with project() as here, here.database.begin() as tx:
        found = tools.page(tx, toolboxes=boxes, now=here.clock.now(), state=state, run=run, limit=limit)
    if as_json:
        typer.echo(json.dumps([_told(call) for call in found], indent=2))
        return
    table = Plain("asked", "id", "toolbox", "tool", "agent", "caller", "outcome", "state")
    for call in found:
        at = f"{call.asked_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(
            at, str(call.id), call.toolbox, call.tool, call.agent, call.caller, call.outcome, call.state.value
        )
    Console().print(table)


def _show_box(name: str, as_json: bool) -> None:
    with project() as here, here.database.begin() as tx:
        found = {one.name: one for one in load_automations(here.settings) if isinstance(one, Toolbox)}
        box = found.get(name)
        if box is None:
            raise ToolboxNotFound(f"No toolbox {name!r} in this project; there is: {', '.join(found) or 'none'}")
        counted = tools.counts(tx, name)
    names = sorted({*box.tools, *(tool for tool, _ in counted)})
    by_tool = {one: {s.value: n for (t, s), n in sorted(counted.items()) if t == one} for one in names}
    if as_json:
        typer.echo(
            json.dumps(
                {"toolbox": name, "tools": [_described(t) for t in box.tools.values()], "calls": by_tool}, indent=2
            )
        )
        return
    table = Plain("tool", "calls")
    for one, states in by_tool.items():
        table.add_row(one, ", ".join(f"{count} {state}" for state, count in states.items()))
    Console().print(table)


def _described(tool: Tool) -> dict[str, Any]:
    via = tool.via
    carried = (
        f"{via.connector}:{via.destination}" if isinstance(via, ActionSpec) else "a function" if via else "its caller"
    )
    return {"tool": tool.name, "description": tool.description, "schema": tool.schema, "via": carried}


def _told(call: ToolCall) -> dict[str, Any]:
    return {
        "id": str(call.id),
        "toolbox": call.toolbox,
        "tool": call.tool,
        "agent": call.agent,
        "caller": call.caller,
        "run": call.run,
        "outcome": call.outcome,
        "rule": call.rule,
        "reasons": list(call.reasons),
        "state": call.state.value,
        "digest": call.digest,
        "asked_at": call.asked_at.isoformat(),
        "expires_at": call.expires_at and call.expires_at.isoformat(),
        "finish_by": call.finish_by and call.finish_by.isoformat(),
        "answered_by": call.answered_by,
        "result": call.result,
        "error": call.error,
    }
