"""`andon rollout`: lets a model version, a policy or a gate take over step by step, under tests."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import decisions, rollouts
from andon.authoring import MOST_LABELS, Automation, DeclarationInvalid, Guardrail, RolloutPlan
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.trials import once_tried
from andon.cli.context import Project, project
from andon.cli.printing import Facts, Plain
from andon.cli.trials import AsJson, Listed, Name, Reason, checks_of, moved, print_json, print_list, print_steps, span
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.rollouts import GuardrailStanding, Rollout, RolloutForecast, RolloutHistory, RolloutWish, spoken

app = typer.Typer(
    help="Roll out a model version, a policy or a gate, step by step and under tests.", no_args_is_help=True
)

Number = Annotated[int | None, typer.Option("--number", min=1, help="The number of the rollout; default: the newest.")]

_POLICY_VERSION = re.compile(r"[0-9a-f]{12}")


@app.command()
def start(
    automation: Name,
    reason: Reason,
    model: Annotated[
        str | None, typer.Option(help="The model version, such as fraud-risk@8 or 8; default: the champion.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="A policy file or a published version; default: the one in force."),
    ] = None,
    gate: Annotated[
        float | None,
        typer.Option(min=0, max=2, help="The confidence from which it decides by itself; default: the gate in force."),
    ] = None,
    plan: Annotated[str | None, typer.Option(help="canary, shadow or ab; default: as declared.")] = None,
    steps: Annotated[str | None, typer.Option(help="Percentages of traffic, such as 5,25,50,100.")] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(help="GUARDRAIL=MARGIN, such as errors=0.2 for 20% more; may be repeated."),
    ] = None,
    require: Annotated[
        list[str] | None, typer.Option(help="A guardrail that promotion waits for; may be repeated.")
    ] = None,
    off: Annotated[list[str] | None, typer.Option(help="A guardrail to do without; may be repeated.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="The unit of random assignment: subject (such as an account) or decision.")
    ] = None,
    stage_decisions: Annotated[
        int | None, typer.Option(min=1, help="The least number of the candidate's decisions in each stage.")
    ] = None,
    stage_time: Annotated[str | None, typer.Option(help="The least duration of each stage, such as 10m or 1h.")] = None,
    labels: Annotated[
        int | None,
        typer.Option(
            min=0, max=MOST_LABELS, help="How often people are asked for the class where the shadow predicts another."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate how long it would take.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start a rollout: the candidate runs as a shadow, then gets traffic step by step. A worker watches it."""
    with project() as here:
        declared = chosen(load_automations(here.settings), automation)
        with here.database.begin() as tx:
            wanted = _plan(
                rollouts.plan_of(tx, automation),
                plan,
                steps,
                margin,
                require,
                off,
                unit,
                stage_decisions,
                stage_time,
                labels,
            )
            now = here.clock.now()
            expected = rollouts.forecast(tx, automation, wanted, now)
            if dry_run:
                if as_json:
                    print_json(_forecast(expected))
                else:
                    _tell_forecast(expected)
                return
        version = None if model is None else _version(model, declared.model)

        def begin(tx: Tx) -> tuple[Rollout, dict[str, Any]]:
            published = _policy(here, tx, declared, policy, reason)
            made = rollouts.start(
                tx,
                RolloutWish(automation, declared.model, version, published, wanted, gate),
                actor=here.actor,
                reason=reason,
                events=here.events,
                now=now,
                declared=declared,
                **checks_of(here, tx, declared),
            )
            return made, _whole(tx, rollouts.show(tx, automation, made.number), now)

        started, shown = once_tried(here.settings, here.database, begin)
    if as_json:
        print_json(shown)
        return
    _tell_forecast(expected)
    typer.echo(_said(started))


@app.command()
def show(automation: Name, number: Number = None, as_json: AsJson = False) -> None:
    """Show a rollout: its stage, the evidence of each guardrail, and what it still needs."""
    with project() as here, here.database.begin() as tx:
        history = rollouts.show(tx, automation, number)
        now = here.clock.now()
        if as_json:
            print_json(_whole(tx, history, now))
            return
        one, standings = history.rollout, rollouts.standings(tx, history.rollout)
        expected = None if one.is_over else rollouts.forecast_of(tx, one, now)
        until = rollouts.lease_end(tx, one)
    _show(history, standings)
    if until is not None and until <= now:
        typer.echo(f"No worker has watched it since {until:%Y-%m-%d %H:%M:%S} UTC: the candidate gets no traffic")
    if expected is not None:
        _tell_forecast(expected)


@app.command("list")
def list_rollouts(automation: Listed = None, as_json: AsJson = False) -> None:
    """List rollouts, newest first."""
    columns = [
        ("candidate", lambda one: one.arm),
        ("state", lambda one: one.state.value.replace("_", " ")),
        ("share", lambda one: f"{one.at.share:g}%" if one.is_watched else ""),
    ]
    print_list(rollouts.page, rollouts.document_of, columns, automation, as_json=as_json)


@app.command()
def pause(automation: Name, reason: Reason, number: Number = None) -> None:
    """Keep a rollout at its stage; harm still ends it."""
    typer.echo(_said(moved(rollouts.pause, automation, number, reason)))


@app.command()
def resume(automation: Name, reason: Reason, number: Number = None) -> None:
    """Resume a paused rollout."""
    typer.echo(_said(moved(rollouts.resume, automation, number, reason)))


@app.command()
def abort(automation: Name, reason: Reason, number: Number = None) -> None:
    """End a rollout: all traffic goes to the champion, even if other components fail."""
    typer.echo(_said(moved(rollouts.abort, automation, number, reason)))


@app.command()
def approve(automation: Name, reason: Reason, number: Number = None) -> None:
    """Approve a waiting rollout, which then starts."""
    typer.echo(_said(moved(rollouts.approve, automation, number, reason)))


@app.command()
def promote(automation: Name, reason: Reason, number: Number = None) -> None:
    """Let the candidate take over now, regardless of the tests."""
    typer.echo(_said(moved(rollouts.promote, automation, number, reason)))


def _said(one: Rollout) -> str:
    state = one.state.value.replace("_", " ")
    share = f" at {one.at.share:g}%" if one.is_watched and one.at.share else ""
    return f"{one.automation}: rollout {one.number} of {one.arm} is {state}{share}: {one.why}"


def _plan(
    declared: RolloutPlan,
    kind: str | None,
    steps: str | None,
    margin: Sequence[str] | None,
    require: Sequence[str] | None,
    off: Sequence[str] | None,
    unit: str | None,
    stage_decisions: int | None,
    stage_time: str | None,
    labels: int | None,
) -> RolloutPlan:
    """Return the declared plan with the command's changes. Raises Invalid."""
    margins = dict(_margin(text) for text in margin or ())
    named = [*margins, *(name for name in require or () if name not in margins)]
    try:
        return rollouts.adjusted(
            declared,
            kind=kind,
            steps=None if steps is None else _steps(steps),
            unit=unit,
            off=off or None,
            stage_decisions=stage_decisions,
            labels=labels,
            stage_time=None if stage_time is None else _stage_time(stage_time),
            guardrails=[
                Guardrail(name, margins.get(name), True if name in (require or ()) else None) for name in named
            ],
        )
    except DeclarationInvalid as error:
        raise rollouts.RolloutInvalid(str(error)) from error


def _steps(text: str) -> list[float]:
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise Invalid(f"--steps {text!r}: expected percentages, as in --steps 5,25,50,100") from None


def _margin(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise Invalid(f"--margin {text!r}: expected GUARDRAIL=MARGIN, as in --margin errors=0.2") from None


def _stage_time(text: str) -> timedelta:
    return timedelta(0) if text == "0" else span("--stage-time", text, "10m")


def _version(text: str, model: str) -> int:
    """Read VERSION or MODEL@VERSION. Raises Invalid."""
    name, _, number = text.rpartition("@")
    if not number.isdecimal() or name not in ("", model):
        raise Invalid(f"--model {text!r}: expected a version of {model}, as in --model {model}@8")
    return int(number)


def _policy(here: Project, tx: Tx, automation: Automation, given: str | None, reason: str) -> str:
    """Return the published version of the argument: a version, or a file, which is published first."""
    if given is None or _POLICY_VERSION.fullmatch(given):
        return given or ""
    file = Path(given)
    if not file.is_file():
        raise Invalid(f"--policy {given!r} is neither a file nor a published version")
    decisions.require_released_code(tx, automation)
    return decisions.publish_policy(
        tx,
        automation,
        file.read_text(encoding="utf-8"),
        source=given,
        actor=here.actor,
        reason=reason,
        now=here.clock.now(),
        events=here.events,
        in_force=False,
    ).version


def _tell_forecast(expected: RolloutForecast) -> None:
    typer.echo(expected.sentence)
    for one in expected.guardrails:
        harm = (
            f"{one.worse} is detected after about {_needs(one.harm_decisions, one.harm_hours)} at {one.harm_share:g}%"
        )
        now = f"{one.now} now; {harm}" if one.base else "none recently"
        when = "by now"
        if one.sound_decisions != 0:
            when = f"after about {_needs(one.sound_decisions, one.sound_hours)} at {one.sound_share:g}%"
        required = "" if one.required else " (not required)"
        typer.echo(f"  {one.guardrail}: {now}; an equal one is good enough for promotion {when}{required}")
    for note in expected.notes:
        typer.echo(f"  {note}")


def _needs(count: int | None, hours: float | None) -> str:
    if count is None:
        return "no number of decisions"
    return f"{count:,} decisions of the candidate" + ("" if hours is None else f" ({spoken(hours)})")


def _show(history: RolloutHistory, standings: Sequence[GuardrailStanding]) -> None:
    one = history.rollout
    facts = Facts(title=f"{one.automation}: rollout {one.number}")
    facts.add_row("candidate", f"{one.arm}, against {one.control}")
    facts.add_row("plan", f"{one.plan.kind}: shadow, {', '.join(f'{share:g}%' for share in one.plan.stages[1:])}")
    facts.add_row("state", one.state.value.replace("_", " "))
    if one.is_watched:
        facts.add_row("stage", f"{'shadow' if one.at.is_shadow else f'{one.at.share:g}%'}, {one.seen:,} decisions")
    facts.add_row("why", one.why)
    Console().print(facts)
    table = Plain("guardrail", "candidate against champion", "harm", "good enough")
    for each in standings:
        sound = "shown" if each.is_sound else f"{each.sound:.1f} of {each.sound_bound:.1f}"
        harm = "SHOWN" if each.state.harmed else f"{each.harm:.1f} of {each.harm_bound:.1f}"
        harm = harm if each.guardrail.rolls_back else "informs only"
        required = sound if each.guardrail.required else f"{sound} (not required)"
        table.add_row(each.guardrail.name, each.figures, harm, required)
    Console().print(table)
    print_steps(history.events)


def _whole(tx: Tx, history: RolloutHistory, now: datetime) -> dict[str, Any]:
    one = history.rollout
    return {
        **rollouts.document_of(one),
        "watched_until": rollouts.lease_end(tx, one),
        "guardrails": list(map(rollouts.document_of_standing, rollouts.standings(tx, one))),
        "events": history.events,
        "forecast": None if one.is_over else _forecast(rollouts.forecast_of(tx, one, now)),
    }


def _forecast(expected: RolloutForecast) -> dict[str, Any]:
    return {
        "sentence": expected.sentence,
        "an_hour": expected.an_hour,
        "hours": expected.hours,
        "guardrails": [{**asdict(one), "now": one.now} for one in expected.guardrails],
        "notes": list(expected.notes),
    }
