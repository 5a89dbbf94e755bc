"""`andon experiment`: compares versions or policies on real traffic until one is shown to be better."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import experiments
from andon.bootstrap.installation import settings_here
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.trials import once_tried
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.cli.trials import AsJson, Listed, Name, Reason, checks_of, moved, print_json, print_list, print_steps, span
from andon.experiments import Experiment, ExperimentEstimates, ExperimentEvent, ExperimentForecast, ExperimentWish
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.serving import Candidate

app = typer.Typer(
    help="Compare versions or policies on real traffic until one is shown to be better.", no_args_is_help=True
)

Number = Annotated[
    int | None, typer.Option("--number", min=1, help="The number of the experiment; default: the newest.")
]


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
            None if until is None else now + span("--until", until, "14d"),
        )
        with here.database.begin() as tx:
            planned = experiments.plan(tx, wish, actor=here.actor, reason=reason, now=now)
            expected = experiments.forecast(tx, planned, now)
            if not as_json:
                typer.echo("\n".join(experiments.forecast_sentences(planned, expected)))
            if dry_run:
                if as_json:
                    print_json(_forecast(planned, expected))
                return

        def begin(tx: Tx) -> tuple[Experiment, dict[str, Any]]:
            made = experiments.start(
                tx,
                wish,
                actor=here.actor,
                reason=reason,
                events=here.events,
                now=now,
                **checks_of(here, tx, declared),
            )
            return made, _whole(made, experiments.estimates(tx, made), [], _forecast(planned, expected))

        started, shown = once_tried(here.settings, here.database, begin)
    if as_json:
        print_json(shown)
    else:
        typer.echo(_said(started))


@app.command()
def show(automation: Name, number: Number = None, as_json: AsJson = False) -> None:
    """Show an experiment: the better arm, each arm's estimate with its interval, and what happened."""
    with project() as here, here.database.begin() as tx:
        history = experiments.show(tx, automation, number)
        one, counted = history.experiment, experiments.estimates(tx, history.experiment)
    if as_json:
        print_json(_whole(one, counted, history.events, None))
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
    print_steps(history.events)


@app.command("list")
def list_experiments(automation: Listed = None, as_json: AsJson = False) -> None:
    """List experiments, newest first."""
    columns = [
        ("arms", lambda one: ", ".join(map(str, one.arms))),
        ("measure", lambda one: one.measure),
        ("state", lambda one: one.state.value),
    ]
    print_list(experiments.page, experiments.document_of, columns, automation, as_json=as_json)


@app.command()
def stop(automation: Name, reason: Reason, number: Number = None) -> None:
    """End an experiment without a winner: all traffic goes to the champion."""
    typer.echo(_said(moved(experiments.stop, automation, number, reason)))


@app.command()
def adopt(automation: Name, reason: Reason, number: Number = None) -> None:
    """Make the winner the champion, and put its policy in force."""
    declared = chosen(load_automations(settings_here()), automation)
    done = moved(experiments.adopt, automation, number, reason, declared)
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


def _one_of(option: str, text: str, known: Sequence[str]) -> Any:
    if text not in known:
        raise Invalid(f"{option} {text!r}: expected {' or '.join(known)}")
    return text


def _whole(
    one: Experiment,
    counted: ExperimentEstimates,
    events: Sequence[ExperimentEvent],
    expected: dict[str, Any] | None,
) -> dict[str, Any]:
    estimates = experiments.document_of_estimates(one, counted)
    return {**experiments.document_of(one), **estimates, "events": events, "forecast": expected}


def _forecast(one: Experiment, expected: ExperimentForecast) -> dict[str, Any]:
    return {"sentences": experiments.forecast_sentences(one, expected), **asdict(expected)}
