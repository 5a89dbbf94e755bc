"""`andon experiment`: compares versions or policies on real traffic until one is shown to be better."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import decisions, experiments
from andon.authoring import DeclarationInvalid, span_of
from andon.bootstrap.project import chosen, load_automations, ready_for, users_of
from andon.bootstrap.trials import once_tried
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.experiments import Experiment, ExperimentEstimates, ExperimentEvent, ExperimentForecast, ExperimentWish
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.models import CHAMPION
from andon.serving import Candidate

app = typer.Typer(
    help="Compare versions or policies on real traffic until one is shown to be better.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
Number = Annotated[
    int | None, typer.Option("--number", min=1, help="The number of the experiment; default: the newest.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Change = Callable[..., Experiment]


@app.command()
def start(
    automation: Name,
    reason: Reason,
    arm: Annotated[
        list[str],
        typer.Option(help="VERSION or VERSION+POLICY to compare with what decides now; may be repeated."),
    ],
    measure: Annotated[str, typer.Option(help="errors, overrides, wrong, automatic, or the name of a measure.")],
    better: Annotated[str, typer.Option(help="The better direction: lower or higher.")],
    share: Annotated[
        list[str] | None, typer.Option(help="ARM=PERCENT of the traffic; the others share the rest equally.")
    ] = None,
    allocation: Annotated[str, typer.Option(help="fixed, or thompson (traffic follows the results).")] = "fixed",
    unit: Annotated[
        str | None, typer.Option(help="The unit of random assignment: subject (such as an account) or decision.")
    ] = None,
    most_decisions: Annotated[int | None, typer.Option(min=1, help="End it after this many decisions.")] = None,
    until: Annotated[str | None, typer.Option(help="End it after this long, such as 12h or 14d.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate how many decisions it would take.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start an experiment. It ends automatically when one arm is shown to be better than all others."""
    with project() as here:
        declared = chosen(load_automations(here.settings), automation)
        now = here.clock.now()
        wish = ExperimentWish(
            automation,
            declared.model,
            [_candidate("--arm", one) for one in arm],
            measure,
            _one_of("--better", better, ("lower", "higher")),
            _one_of("--allocation", allocation, ("fixed", "thompson")),
            None if unit is None else _one_of("--unit", unit, ("subject", "decision")),
            dict(_share(one) for one in share or ()),
            most_decisions,
            None if until is None else now + _span(until),
        )
        with here.database.begin() as tx:
            planned = experiments.plan(tx, wish, actor=here.actor, reason=reason, now=now)
            expected = experiments.forecast(tx, planned, now)
            if not as_json:
                typer.echo("\n".join(experiments.forecast_sentences(planned, expected)))
            if dry_run:
                if as_json:
                    typer.echo(json.dumps(_forecast(planned, expected), indent=2))
                return
        users = users_of(here.settings, declared.model, CHAMPION)

        def begin(tx: Tx) -> tuple[Experiment, dict[str, Any]]:
            made = experiments.start(
                tx,
                wish,
                actor=here.actor,
                reason=reason,
                events=here.events,
                now=now,
                ready=ready_for(users or [declared], here.settings, tx),
                suits=lambda one: decisions.check_policy(declared, one),
            )
            return made, _whole(made, experiments.estimates(tx, made), [], expected)

        started, shown = once_tried(here.settings, here.database, begin)
    typer.echo(json.dumps(shown, indent=2) if as_json else _said(started))


@app.command()
def show(automation: Name, number: Number = None, as_json: AsJson = False) -> None:
    """Show an experiment: the better arm, each arm's estimate with its interval, and what happened."""
    with project() as here, here.database.begin() as tx:
        history = experiments.show(tx, automation, number)
        one, counted = history.experiment, experiments.estimates(tx, history.experiment)
    if as_json:
        typer.echo(json.dumps(_whole(one, counted, history.events, None), indent=2))
        return
    facts = Facts(title=f"{one.automation}: experiment {one.number}")
    facts.add_row("state", one.state.value)
    facts.add_row("measure", f"{one.measure}, {one.better} is better")
    facts.add_row("allocation", f"{one.allocation}, by {one.unit}")
    facts.add_row("why", one.why)
    Console().print(facts)
    units = "decisions" if one.unit == "decision" else "accounts"
    table = Plain("arm", "share", "decisions", units, one.measure, one.certainty)
    for title, share, arm, estimate in zip(
        one.titles, one.shares, counted.arms, experiments.arm_estimates(one, counted), strict=True
    ):
        interval = ""
        if estimate.low is not None:
            low, high = (experiments.value_text(one, bound) for bound in (estimate.low, estimate.high))
            interval = f"{low} to {high}"
        value = experiments.value_text(one, estimate.value)
        table.add_row(title, f"{share:g}%", f"{arm.decisions:,}", f"{arm.units:,}", value, interval)
    Console().print(table)
    steps = Plain("when", "what", "by", "why")
    for event in history.events:
        steps.add_row(f"{event.at:%Y-%m-%d %H:%M:%S} UTC", event.kind, event.by, event.reason)
    Console().print(steps)


@app.command("list")
def list_experiments(
    automation: Annotated[str | None, typer.Argument(help="The automation; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List experiments, newest first."""
    with project() as here, here.database.begin() as tx:
        found = experiments.page(tx, None if automation is None else [automation])
    if as_json:
        typer.echo(json.dumps([_short(one) for one in found], indent=2))
        return
    table = Plain("automation", "no.", "arms", "measure", "state", "started", "why")
    for one in found:
        started = f"{one.created_at:%Y-%m-%d %H:%M} UTC by {one.started_by}: {one.reason}"
        arms = ", ".join(map(str, one.arms))
        table.add_row(one.automation, str(one.number), arms, one.measure, one.state.value, started, one.why)
    Console().print(table)


@app.command()
def stop(automation: Name, reason: Reason, number: Number = None) -> None:
    """End an experiment without a winner: all traffic goes to the champion."""
    with project() as here, here.database.begin() as tx:
        done = experiments.stop(
            tx, automation, number, actor=here.actor, reason=reason, events=here.events, now=here.clock.now()
        )
    typer.echo(_said(done))


@app.command()
def adopt(automation: Name, reason: Reason, number: Number = None) -> None:
    """Make the winner the champion, and put its policy in force."""
    with project() as here:
        declared = chosen(load_automations(here.settings), automation)
        users = users_of(here.settings, declared.model, CHAMPION)

        def take(tx: Tx) -> Experiment:
            return experiments.adopt(
                tx,
                automation,
                number,
                actor=here.actor,
                reason=reason,
                events=here.events,
                now=here.clock.now(),
                ready=ready_for(users or [declared], here.settings, tx),
                suits=lambda one: decisions.check_policy(declared, one),
            )

        done = once_tried(here.settings, here.database, take)
    typer.echo(f"{_said(done)}; version {done.winner} decides now")


def _said(one: Experiment) -> str:
    arms = ", ".join(f"{title} {share:g}%" for title, share in zip(one.titles, one.shares, strict=True))
    standing = arms if one.is_running else one.why
    return f"{one.automation}: experiment {one.number} is {one.state.value}: {standing}"


def _candidate(option: str, text: str) -> Candidate:
    try:
        return Candidate.parse(text.rpartition("@")[2])
    except ValueError as error:
        raise Invalid(f"{option}: {error}") from None


def _share(text: str) -> tuple[Candidate, float]:
    arm, _, percent = text.partition("=")
    try:
        return _candidate("--share", arm), float(percent)
    except ValueError:
        raise Invalid(f"--share {text!r}: expected ARM=PERCENT, as in --share 8=20") from None


def _span(text: str) -> Any:
    try:
        return span_of(text)
    except DeclarationInvalid:
        raise Invalid(f"--until {text!r}: expected a number with s, m, h or d, as in --until 14d") from None


def _one_of(option: str, text: str, known: Sequence[str]) -> Any:
    if text not in known:
        raise Invalid(f"{option} {text!r}: expected {' or '.join(known)}")
    return text


def _whole(
    one: Experiment,
    counted: ExperimentEstimates,
    events: Sequence[ExperimentEvent],
    expected: ExperimentForecast | None,
) -> dict[str, Any]:
    arms = zip(one.arms, one.shares, counted.arms, experiments.arm_estimates(one, counted), strict=True)
    pairs = experiments.pair_estimates(one, counted)
    return {
        **_short(one),
        "estimates": [
            {
                "arm": str(arm),
                "share": share,
                "decisions": evidence.decisions,
                "units": evidence.units,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
            }
            for arm, share, evidence, estimate in arms
        ],
        "comparisons": [
            {
                "arm": str(one.arms[pair.first]),
                "beside": str(one.arms[pair.second]),
                "value": pair.value,
                "low": pair.low,
                "high": pair.high,
                "better": None if pair.better is None else str(one.arms[pair.better]),
            }
            for pair in pairs
        ],
        "events": [{**asdict(event), "at": event.at.isoformat(), "shares": list(event.shares)} for event in events],
        "forecast": None if expected is None else _forecast(one, expected),
    }


def _short(one: Experiment) -> dict[str, Any]:
    return {
        "automation": one.automation,
        "number": one.number,
        "arms": [str(arm) for arm in one.arms],
        "measure": one.measure,
        "better": one.better,
        "allocation": one.allocation,
        "unit": one.unit,
        "most_decisions": one.most_decisions,
        "until": _iso(one.until),
        "state": one.state.value,
        "seen": one.seen,
        "started_by": one.started_by,
        "reason": one.reason,
        "created_at": one.created_at.isoformat(),
        "ended_at": _iso(one.ended_at),
        "ended_by": one.ended_by,
        "why": one.why,
        "winner": None if one.winner is None else str(one.winner),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _forecast(one: Experiment, expected: ExperimentForecast) -> dict[str, Any]:
    return {"sentences": experiments.forecast_sentences(one, expected), **asdict(expected)}
