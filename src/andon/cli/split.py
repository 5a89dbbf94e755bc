"""`andon split`: the versions and policies that answer for an automation, and its shadows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import decisions, models, policies, serving
from andon.authoring import Automation
from andon.bootstrap.project import chosen, load_automations, ready_for
from andon.bootstrap.trials import once_tried
from andon.cli.context import Project, project
from andon.cli.printing import Facts, Plain
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.serving import Candidate, TrafficSplit

app = typer.Typer(help="Show and choose which versions answer for an automation.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The automation.")]


@dataclass(frozen=True, slots=True)
class _Open:
    """An open project and one of its automations."""

    here: Project
    tx: Tx
    automation: Automation


@app.command("list")
def list_splits(as_json: AsJson = False) -> None:
    """List the automations with the versions that answer for each."""
    with project() as here:
        automations = load_automations(here.settings)
        with here.database.begin() as tx:
            found = [_state(_Open(here, tx, automation)) for automation in automations]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Plain("automation", "model", "answering", "shadows")
    for state in found:
        table.add_row(state["automation"], state["model"], _answering(state), ", ".join(state["shadows"]))
    Console().print(table)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show the versions that answer for an automation, its shadows, and the last change."""
    with _opened(name) as opened:
        state = _state(opened)
    if as_json:
        typer.echo(json.dumps(state, indent=2))
        return
    champion, split = state["champion"], state["split"]
    made = f"{split['number']}, by {split['set_by']}: {split['reason']}" if split["number"] else "none was made"
    facts = {
        "model": state["model"],
        "champion": "none" if champion is None else f"version {champion}",
        "policy in force": state["policy"] or "none yet",
        "answering": _answering(state),
        "shadows": ", ".join(state["shadows"]) or "none",
        "split": made,
    }
    table = Facts(title=name)
    for what, value in facts.items():
        table.add_row(what, value)
    Console().print(table)


@app.command("set")
def set_split(
    name: Name,
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
    share: Annotated[
        list[str] | None,
        typer.Option(
            help="VERSION=PERCENT, VERSION+POLICY=PERCENT or VERSION~GATE=PERCENT, once for each. "
            "The champion gets the rest.",
        ),
    ] = None,
    shadow: Annotated[
        list[str] | None,
        typer.Option(help="VERSION, VERSION+POLICY or VERSION~GATE to run as a shadow; may be repeated."),
    ] = None,
) -> None:
    """Split an automation's traffic; without --share and --shadow all goes to the champion.

    Gateways follow within a second.
    """
    shares, shadows = _shares(share or []), [_candidate(text) for text in shadow or []]
    with project() as here:
        automation, now = chosen(load_automations(here.settings), name), here.clock.now()

        def split(tx: Tx) -> dict[str, Any]:
            named, events = [*shares, *shadows], here.events
            decisions.require_gates(tx, name, automation.model, named, declared=automation, events=events, now=now)
            serving.set_split(
                tx,
                name,
                automation.model,
                shares=shares,
                shadows=shadows,
                actor=here.actor,
                reason=reason,
                now=now,
                events=events,
                ready=ready_for([automation], here.settings, tx),
                suits=lambda policy: decisions.check_policy(automation, policy),
            )
            return _state(_Open(here, tx, automation))

        state = once_tried(here.settings, here.database, split)
    looking_on = "".join(f", version {candidate} runs as a shadow" for candidate in state["shadows"])
    typer.echo(f"{name}: {_answering(state)}{looking_on} (split {state['split']['number']})")


@app.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """List every split of an automation, newest first."""
    with _opened(name) as opened:
        splits = serving.split_history(opened.tx, name)
    if as_json:
        typer.echo(json.dumps([_plain(split) for split in splits], indent=2))
        return
    table = Plain("split", "shares", "shadows", "set")
    for one in splits:
        shadows = ", ".join(map(str, one.shadows))
        table.add_row(str(one.number), one.summary, shadows, f"{_time(one.set_at)} by {one.set_by}: {one.reason}")
    Console().print(table)


@app.command()
def shadow(
    name: Name,
    candidate: Annotated[str, typer.Argument(help="The shadow: VERSION, by the policy in force, or VERSION+POLICY.")],
    hours: Annotated[float, typer.Option(min=0.01, max=87_600, help="How many hours to look back.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Count what a candidate would have decided as a shadow."""
    wanted = _candidate(candidate)
    with _opened(name) as opened:
        models.get(opened.tx, opened.automation.model, wanted.version)
        in_force = policies.in_force(opened.tx, name)
        arm = serving.arm_of(opened.automation.model, wanted, in_force="" if in_force is None else in_force.version)
        since = opened.here.clock.now() - timedelta(hours=hours)
        summary = serving.compare_shadows(opened.tx, name, arm, since)
    if as_json:
        typer.echo(json.dumps(asdict(summary) | {"since": summary.since.isoformat()}, indent=2))
        return
    outcomes = ", ".join(f"{outcome} {count:,}" for outcome, count in summary.outcomes.items())
    typer.echo(f"{arm} ran as a shadow {summary.count:,} times in {hours:g} hours, {summary.errors:,} failed")
    if summary.mean_score is not None:
        typer.echo(f"It would have decided: {outcomes or 'nothing'}; mean score {summary.mean_score:.4f}")


@contextmanager
def _opened(name: str) -> Iterator[_Open]:
    with project() as here:
        automation = chosen(load_automations(here.settings), name)
        with here.database.begin() as tx:
            yield _Open(here, tx, automation)


def _candidate(text: str) -> Candidate:
    """Read VERSION, VERSION+POLICY, VERSION~GATE or all three. Raises Invalid."""
    try:
        return Candidate.parse(text)
    except ValueError as error:
        raise Invalid(str(error)) from None


def _shares(given: Sequence[str]) -> dict[Candidate, float]:
    """Read VERSION=PERCENT as numbers. Raises Invalid."""
    shares: dict[Candidate, float] = {}
    for text in given:
        named, _, percent = text.partition("=")
        try:
            candidate, share = Candidate.parse(named), float(percent.removesuffix("%"))
        except ValueError:
            raise Invalid(f"--share {text!r}: expected VERSION=PERCENT, as in --share 5=10") from None
        if candidate in shares:
            raise Invalid(f"--share names version {candidate} twice")
        shares[candidate] = share
    return shares


def _state(opened: _Open) -> dict[str, Any]:
    automation = opened.automation
    champion = serving.champion_of(opened.tx, automation.model)
    holding = serving.split_of(opened.tx, automation.name, automation.model)
    in_force = policies.in_force(opened.tx, automation.name)
    return {
        "automation": automation.name,
        "model": automation.model,
        "champion": champion,
        "policy": None if in_force is None else in_force.version,
        "arms": [
            {"candidate": str(candidate), "share": share} for candidate, share in holding.answering(champion).items()
        ],
        "shadows": list(map(str, holding.looking_on(champion))),
        "split": _plain(holding),
    }


def _answering(state: Mapping[str, Any]) -> str:
    return ", ".join(f"version {arm['candidate']} {arm['share']:g} %" for arm in state["arms"]) or "nothing yet"


def _plain(split: TrafficSplit) -> dict[str, Any]:
    return {
        "number": split.number,
        "model": split.model,
        "shares": {str(candidate): share for candidate, share in split.shares.items()},
        "shadows": list(map(str, split.shadows)),
        "set_by": split.set_by,
        "reason": split.reason,
        "set_at": None if split.set_at is None else split.set_at.isoformat(),
    }


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
