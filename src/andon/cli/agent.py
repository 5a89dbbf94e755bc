"""`andon agent`: the runs of agents in procedures, and repeats of a run with another model or other instructions."""

import asyncio
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from andon import procedures
from andon.agents import LanguageModelInvalid
from andon.authoring import AgentSpec
from andon.bootstrap.project import agents_of, load_automations
from andon.cli.context import project
from andon.kernel import durable
from andon.kernel.config import Settings
from andon.kernel.errors import NotFound

if TYPE_CHECKING:
    from andon.agents.replaying import RecordedRun

app = typer.Typer(help="Inspect the runs of agents, and run them again.", no_args_is_help=True)

Run = Annotated[UUID, typer.Argument(help="The procedure in which the agent worked.")]
Which = Annotated[str | None, typer.Option("--agent", help="The agent of the procedure; default: the first.")]


class AgentRunNotFound(NotFound):
    """This procedure has no run of an agent."""


@app.callback()
def root() -> None:
    """Inspect the runs of agents, and run them again."""
    if importlib.util.find_spec("pydantic_ai") is None:
        raise LanguageModelInvalid("Agents need pydantic-ai: `pip install 'andon[agents]'`")


@app.command()
def show(
    run: Run, agent: Which = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show an agent's instructions and prompt, and what it did."""
    with project() as here:
        recorded = _recorded(here, run, agent)
    told = {"agent": recorded.agent, "model": recorded.model, "instructions": recorded.instructions}
    told |= {"prompt": recorded.prompt, "acts": recorded.lines}  # type: ignore[dict-item]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"{recorded.agent}, by {recorded.model}\n\n{recorded.prompt}\n")
    for line in recorded.lines:
        typer.echo(line)


@app.command("replay")
def replay_run(
    run: Run,
    agent: Which = None,
    model: Annotated[str | None, typer.Option(help="A different model: the NAME of [language_models.NAME].")] = None,
    prompt_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with different instructions.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run an agent again on the recorded results of its tools, and print the differences. No tool is called."""
    from andon.agents.language_models import LanguageModels
    from andon.agents.replaying import replay

    with project() as here:
        recorded = _recorded(here, run, agent)
        settings = here.settings
    spec = _spec(settings, recorded.agent)
    instructions = recorded.instructions if prompt_file is None else prompt_file.read_text(encoding="utf-8")
    opened = LanguageModels(settings.language_models, settings.root).open(model or recorded.model)
    made = asyncio.run(replay(replace(spec, instructions=instructions), recorded, opened))
    if as_json:
        typer.echo(json.dumps({"before": made.before, "after": made.after, "unknown": made.unknown}, indent=2))
        return
    for line in made.difference or ["no difference"]:
        typer.echo(line)
    for call in made.unknown:
        typer.echo(f"not in the recorded run: {call}")


def _recorded(here: Any, run: UUID, agent: str | None) -> "RecordedRun":
    from andon.agents.replaying import runs_in

    with here.database.begin() as tx:
        found = runs_in(durable.steps(tx, procedures.get(tx, run).id))
    named = [one for one in found if agent in (None, one.agent)]
    if not named:
        known = ", ".join(one.agent for one in found) or "none"
        raise AgentRunNotFound(f"Procedure {run} has no run of {agent or 'an agent'}; there is: {known}")
    return named[0]


def _spec(settings: Settings, name: str) -> AgentSpec:
    found = {one.name: one for one in agents_of(load_automations(settings))}
    if name not in found:
        raise AgentRunNotFound(f"The project declares no agent {name!r}; there is: {', '.join(found) or 'none'}")
    return found[name]
