"""`andon endpoints`: which versions of a model answer for which automation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import serving
from andon.authoring import Automation
from andon.bootstrap.project import load_automations
from andon.cli.context import Project, project
from andon.cli.printing import Facts, Plain
from andon.kernel.db import Tx
from andon.serving import EndpointNotFound

app = typer.Typer(help="Show which versions of a model answer.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The endpoint: the name of a model that an automation uses.")]


@dataclass(frozen=True, slots=True)
class _Open:
    """An open project with the automations that use each endpoint."""

    here: Project
    tx: Tx
    users: Mapping[str, Sequence[Automation]]

    def users_of(self, name: str) -> Sequence[Automation]:
        if name not in self.users:
            known = ", ".join(self.users) or "none"
            raise EndpointNotFound(f"No automation of this project uses a model {name!r}; known models: {known}")
        return self.users[name]


@app.command("list")
def list_endpoints(as_json: AsJson = False) -> None:
    """List the endpoints with the versions that answer for each automation."""
    with _opened() as opened:
        found = [_state(opened, name) for name in opened.users]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Plain("endpoint", "automation", "answering")
    for state in found:
        for user in state["automations"]:
            table.add_row(state["name"], user["automation"], _answering(user))
    Console().print(table)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one endpoint: its champion, and which versions answer for which automation."""
    with _opened() as opened:
        state = _state(opened, name)
    if as_json:
        typer.echo(json.dumps(state, indent=2))
        return
    table = Facts(title=name)
    table.add_row("champion", "none" if state["champion"] is None else f"version {state['champion']}")
    for user in state["automations"]:
        table.add_row(user["automation"], _answering(user))
    Console().print(table)


@contextmanager
def _opened() -> Iterator[_Open]:
    with project() as here:
        users: dict[str, list[Automation]] = {}
        for automation in load_automations(here.settings):
            users.setdefault(automation.model, []).append(automation)
        with here.database.begin() as tx:
            yield _Open(here, tx, dict(sorted(users.items())))


def _state(opened: _Open, name: str) -> dict[str, Any]:
    users = opened.users_of(name)
    champion = serving.champion_of(opened.tx, name)
    return {
        "name": name,
        "champion": champion,
        "automations": [_user(opened.tx, automation, champion) for automation in users],
    }


def _user(tx: Tx, automation: Automation, champion: int | None) -> dict[str, Any]:
    holding = serving.split_of(tx, automation.name, automation.model)
    return {
        "automation": automation.name,
        "shares": {str(candidate): share for candidate, share in holding.answering(champion).items()},
        "shadows": list(map(str, holding.looking_on(champion))),
    }


def _answering(user: Mapping[str, Any]) -> str:
    answering = [f"version {candidate} {share:g} %" for candidate, share in user["shares"].items()]
    looking_on = [f"version {candidate} runs as a shadow" for candidate in user["shadows"]]
    return ", ".join(answering + looking_on) or "nothing yet"
