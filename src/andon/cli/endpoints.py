"""`andon endpoints`: which versions of a model answer and which only look on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import serving
from andon.authoring import Automation
from andon.bootstrap.project import load_automations, ready_for
from andon.cli.context import Project, project
from andon.cli.printing import Facts, Plain
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.serving import EndpointNotFound, TrafficSplit

app = typer.Typer(help="See and choose which versions of a model answer.", no_args_is_help=True)

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
            raise EndpointNotFound(f"No automation of this project uses a model {name!r}; there is {known}")
        return self.users[name]


@app.command("list")
def list_endpoints(as_json: AsJson = False) -> None:
    """List the endpoints with the versions that answer."""
    with _opened() as opened:
        found = [_state(opened, name) for name in opened.users]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Plain("endpoint", "answering", "shadows", "automations")
    for state in found:
        shadows = ", ".join(map(str, state["shadows"]))
        table.add_row(state["name"], _answering(state), shadows, ", ".join(state["automations"]))
    Console().print(table)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one endpoint: its champion, the versions that answer, the shadows and who changed it last."""
    with _opened() as opened:
        state = _state(opened, name)
    if as_json:
        typer.echo(json.dumps(state, indent=2))
        return
    champion, split = state["champion"], state["split"]
    made = f"{split['number']}, by {split['set_by']}: {split['reason']}" if split["number"] else "none was made"
    facts = {
        "champion": "none" if champion is None else f"version {champion}",
        "answering": _answering(state),
        "shadows": ", ".join(map(str, state["shadows"])) or "none",
        "automations": ", ".join(state["automations"]),
        "split": made,
    }
    table = Facts(title=name)
    for what, value in facts.items():
        table.add_row(what, value)
    Console().print(table)


@app.command()
def split(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit log.")],
    share: Annotated[
        list[str] | None, typer.Option(help="VERSION=PERCENT, once for each version; the champion has the rest.")
    ] = None,
    shadow: Annotated[
        list[int] | None, typer.Option(help="A version that only looks on; may be given more than once.")
    ] = None,
) -> None:
    """Split an endpoint's traffic; without --share and --shadow all goes to the champion. Running gateways follow within a second."""
    shares = _shares(share or [])
    with _opened() as opened:
        users = opened.users_of(name)
        serving.set_split(
            opened.tx,
            name,
            shares=shares,
            shadows=shadow or [],
            actor=opened.here.actor,
            reason=reason,
            events=opened.here.events,
            now=opened.here.clock.now(),
            ready=ready_for(users, opened.here.settings, opened.tx),
        )
        state = _state(opened, name)
    shadows = "".join(f", version {version} looks on" for version in state["shadows"])
    typer.echo(f"{name}: {_answering(state)}{shadows} (split {state['split']['number']})")


@app.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """List every split of an endpoint, newest first."""
    with _opened() as opened:
        opened.users_of(name)
        splits = serving.split_history(opened.tx, name)
    if as_json:
        typer.echo(json.dumps([_plain(split) for split in splits], indent=2))
        return
    table = Plain("split", "shares", "shadows", "set")
    for one in splits:
        shadows = ", ".join(map(str, one.shadows))
        table.add_row(str(one.number), one.told, shadows, f"{_time(one.set_at)} by {one.set_by}: {one.reason}")
    Console().print(table)


@app.command()
def shadow(
    name: Name,
    version: Annotated[int, typer.Argument(help="The version that looked on.", min=1)],
    hours: Annotated[float, typer.Option(min=0.01, max=87_600, help="How far to look back.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Count what a version said as a shadow."""
    with _opened() as opened:
        opened.users_of(name)
        since = opened.here.clock.now() - timedelta(hours=hours)
        summary = serving.compare_shadows(opened.tx, name, version, since)
    if as_json:
        typer.echo(json.dumps(asdict(summary) | {"since": summary.since.isoformat()}, indent=2))
        return
    outcomes = ", ".join(f"{outcome} {count:,}" for outcome, count in summary.outcomes.items())
    typer.echo(f"{name} {version} looked on {summary.count:,} times in {hours:g} hours, {summary.errors:,} failed")
    if summary.mean_score is not None:
        typer.echo(f"It would have said: {outcomes or 'nothing'}; mean score {summary.mean_score:.4f}")


@contextmanager
def _opened() -> Iterator[_Open]:
    with project() as here:
        users: dict[str, list[Automation]] = {}
        for automation in load_automations(here.settings):
            users.setdefault(automation.model, []).append(automation)
        with here.database.begin() as tx:
            yield _Open(here, tx, dict(sorted(users.items())))


def _shares(given: Sequence[str]) -> dict[int, float]:
    """VERSION=PERCENT as numbers. Raises Invalid."""
    shares: dict[int, float] = {}
    for text in given:
        version, _, percent = text.partition("=")
        try:
            number, share = int(version), float(percent.removesuffix("%"))
        except ValueError:
            raise Invalid(f"--share {text!r}: say VERSION=PERCENT, as in --share 5=10") from None
        if number in shares:
            raise Invalid(f"--share names version {number} twice")
        shares[number] = share
    return shares


def _state(opened: _Open, name: str) -> dict[str, Any]:
    users = opened.users_of(name)
    champion, holding = serving.champion_of(opened.tx, name), serving.split_of(opened.tx, name)
    answering = holding.shares if champion is None else holding.answering(champion)
    return {
        "name": name,
        "champion": champion,
        "arms": [{"version": version, "share": share} for version, share in answering.items()],
        "shadows": list(holding.looking_on(champion)),
        "automations": [automation.name for automation in users],
        "split": _plain(holding),
    }


def _answering(state: Mapping[str, Any]) -> str:
    return ", ".join(f"version {arm['version']} {arm['share']:g} %" for arm in state["arms"]) or "nothing yet"


def _plain(split: TrafficSplit) -> dict[str, Any]:
    return {
        "number": split.number,
        "shares": {str(version): share for version, share in split.shares.items()},
        "shadows": list(split.shadows),
        "set_by": split.set_by,
        "reason": split.reason,
        "set_at": None if split.set_at is None else split.set_at.isoformat(),
    }


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
