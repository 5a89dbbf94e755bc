"""`andon models`: registers, inspects and chooses model versions."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from andon import models
from andon.authoring import Automation
from andon.bootstrap.project import ready_for, users_of
from andon.bootstrap.trials import once_tried, require_tried
from andon.cli.context import Project, project
from andon.cli.environments import environment
from andon.cli.printing import Facts, Plain
from andon.cli.prospects import print_prospects, table_of_classes
from andon.cli.sampling import packed_from_sample
from andon.decisions import AutomationInvalid
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.kernel.plurals import plural
from andon.models import ClassQuality, Estimate, Manifest, ModelVersion, open_package, train

app = typer.Typer(help="Register, inspect and choose model versions.", no_args_is_help=True)
alias_app = typer.Typer(help="Point aliases to versions; the champion answers.", no_args_is_help=True)
app.add_typer(alias_app, name="alias")
app.command()(environment)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
ModelName = Annotated[str | None, typer.Option("--name", help="The model; optional if there is only one.")]


@app.command()
def register(
    path: Annotated[
        Path | None,
        typer.Argument(help="A folder written by andon.models.pack; with --sample, a bare saved model."),
    ] = None,
    from_script: Annotated[
        Path | None, typer.Option(help="Run this training script and register what it packs.")
    ] = None,
    reason: Reason = "registered from the command line",
    name: Annotated[
        str | None, typer.Option(help="The name that the package must have; with --sample, the name to give it.")
    ] = None,
    alias: Annotated[str | None, typer.Option(help="Also point this alias to the version.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Accept a pickle: loading it may run any code.")] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            help="Rows that the model was not trained on, with their true classes; "
            "features, classes and figures come from them."
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="The column of the sample with the true class.")] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="The column of the sample that says which rows belong together, such as an account: one row of each "
            "counts. Default: the subject of the automation.",
            show_default=False,
        ),
    ] = None,
    limit_minutes: Annotated[float, typer.Option(min=0.01, help="How long the script may run.")] = 60.0,
) -> None:
    """Register a packed model. Registering the same package again returns the same version.

    With --alias, a version that an automation cannot use is not registered.
    """
    limit = timedelta(minutes=limit_minutes)
    if (target or groups) is not None and sample is None:
        raise Invalid(f"--{'groups' if target is None else 'target'} names a column of --sample; give --sample too")
    with (
        (
            _packed(path, from_script, limit)
            if sample is None
            else packed_from_sample(_given(path, from_script), sample, target, name=name, trust=trust, groups=groups)
        ) as package,
        project() as here,
    ):
        _check_name(package, name)

        def put(tx: Tx) -> ModelVersion:
            given: dict[str, Any] = {"actor": here.actor, "reason": reason, "events": here.events}
            made = models.register(tx, package, now=here.clock.now(), trust_pickle=trust, **given)
            # A version that ends the process in which it is tried, or that cannot answer here, is not registered.
            require_tried(tx, here.settings, made)
            if alias is not None:
                _point(here, tx, made.name, alias, made.number, reason)
            return made

        version = once_tried(here.settings, here.database, put)
        users = _declaring(here, version.name, alias or models.CHAMPION)
    pointed = f", now the {alias}" if alias else ""
    typer.echo(f"{version.name} {version.number} ({version.digest[:12]}){pointed}")
    print_prospects(Console(), version.manifest, users)


@app.command("list")
def list_models(
    name: Annotated[str | None, typer.Argument(help="Only this model.")] = None, as_json: AsJson = False
) -> None:
    """List the registered versions."""
    with project() as here, here.database.begin() as tx:
        versions, aliases = models.list_versions(tx, name), models.list_aliases(tx, name)
    pointing: dict[tuple[str, int], list[str]] = {}
    for alias in aliases:
        pointing.setdefault((alias.name, alias.number), []).append(alias.alias)
    if as_json:
        _print_json([_summary(v) | {"aliases": pointing.get((v.name, v.number), [])} for v in versions])
        return
    if not versions:
        typer.echo("No model is registered yet: `andon models register --from-script train.py --alias champion`")
        return
    table = Plain("model", "version", "aliases", "runtime", "quality", "registered")
    for v in versions:
        registered = f"{_time(v.registered_at)} by {v.registered_by}: {v.reason}"
        names = ", ".join(pointing.get((v.name, v.number), []))
        table.add_row(v.name, str(v.number), names, str(v.manifest.runtime), _quality(v.manifest), registered)
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The model.")],
    number: Annotated[int | None, typer.Argument(help="The version; default: the newest.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Show everything known about a version."""
    with project() as here, here.database.begin() as tx:
        version = models.list_versions(tx, name)[0] if number is None else models.get(tx, name, number)
        users = _declaring(here, name, models.CHAMPION)
        held = models.held_versions(tx, name).get(version.number)
    if as_json:
        _print_json(
            _summary(version)
            | {
                "quarantine": None if held is None else held.reason,
                "automatic_by_target": [asdict(one) for one in models.prospects_of(version.manifest.risk)],
                "manifest": version.manifest.model_dump(mode="json"),
            }
        )
        return
    console = Console()
    console.print(_facts(version))
    if held is not None:
        why = f"In quarantine since {_time(held.set_at)}, so it does not answer: {held.reason}"
        console.print(escape(why), style="red")
    console.print(_figures(version.manifest))
    if (quality := version.manifest.metrics).by_class is not None:
        console.print(_classes(quality.by_class, quality.rows))
    print_prospects(console, version.manifest, users)
    console.print(_inputs(version.manifest))


@app.command()
def release(
    name: Annotated[str, typer.Argument(help="The model.")],
    number: Annotated[int, typer.Argument(help="The version.", min=1)],
    reason: Reason,
) -> None:
    """Release a version from quarantine. It is tried again before it answers."""
    with project() as here, here.database.begin() as tx:
        version, now = models.get(tx, name, number), here.clock.now()
        models.release_held(tx, version, actor=here.actor, reason=reason, events=here.events, now=now)
    typer.echo(f"{name} {number} is no longer in quarantine")


@alias_app.command("set")
def set_alias(
    alias: Annotated[str, typer.Argument(help="The alias, such as champion.")],
    number: Annotated[int, typer.Argument(help="The version to point to.", min=1)],
    reason: Reason,
    name: ModelName = None,
) -> None:
    """Point an alias to a version that can answer here; running gateways follow within a second."""

    def point(tx: Tx) -> str:
        model = name or _only(tx)
        _point(here, tx, model, alias, number, reason)
        return model

    with project() as here:
        model = once_tried(here.settings, here.database, point)
    typer.echo(f"{alias} of {model} is version {number}")


@alias_app.command("history")
def alias_history(
    alias: Annotated[str | None, typer.Argument(help="Only this alias.")] = None,
    name: ModelName = None,
    as_json: AsJson = False,
) -> None:
    """List every setting of a model's aliases, newest first."""
    with project() as here, here.database.begin() as tx:
        entries = models.alias_history(tx, name or _only(tx), alias)
    if as_json:
        _print_json(
            [
                {"name": e.name, "alias": e.alias, "number": e.number, "set_by": e.set_by, "reason": e.reason}
                | {"set_at": e.set_at.isoformat()}
                for e in entries
            ]
        )
        return
    table = Plain("alias", "version", "set")
    for entry in entries:
        table.add_row(entry.alias, str(entry.number), f"{_time(entry.set_at)} by {entry.set_by}: {entry.reason}")
    Console().print(table)


def _declaring(here: Project, model: str, alias: str) -> list[Automation]:
    """List the automations whose bounds are shown with a model; if they cannot be read, report that and list none."""
    try:
        return users_of(here.settings, model, alias)
    except AutomationInvalid as error:
        typer.echo(f"The bounds of the automations are not shown, as they cannot be read: {error}", err=True)
        return []


def _point(here: Project, tx: Tx, model: str, alias: str, number: int, reason: str) -> None:
    """Point an alias to a version that every automation it answers for can feed, and that answers here."""
    users = users_of(here.settings, model, alias)
    models.set_alias(
        tx,
        model,
        alias,
        number,
        actor=here.actor,
        reason=reason,
        events=here.events,
        now=here.clock.now(),
        ready=ready_for(users, here.settings, tx) if users else None,
    )


def _given(path: Path | None, script: Path | None) -> Path:
    if path is None or script is not None:
        raise Invalid("--sample goes with the path of a saved model; --from-script packs the model itself")
    return path


def _packed(path: Path | None, script: Path | None, limit: timedelta) -> AbstractContextManager[Path]:
    """Return the folder of the package: the given one, or the one that the script packs."""
    if path is not None and script is None:
        return nullcontext(path)
    if script is not None and path is None:
        return _trained(script, limit)
    raise Invalid("Give either the folder of a package or --from-script train.py")


@contextmanager
def _trained(script: Path, limit: timedelta) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="andon-train-") as folder:
        with Console(stderr=True).status(f"Running {escape(script.name)}"):
            package = train(script, Path(folder), limit=limit)
        yield package


def _check_name(package: Path, name: str | None) -> None:
    if name is not None and (packed := open_package(package).manifest.name) != name:
        raise Invalid(
            f"The package is called {packed}, not {name}; the name is given when packing: pack(..., name={name!r})"
        )


def _only(tx: Tx) -> str:
    names = {version.name for version in models.list_versions(tx)}
    if len(names) == 1:
        return names.pop()
    raise Invalid(f"Choose a model with --name: {', '.join(sorted(names))}" if names else "No model is registered yet")


def _summary(version: ModelVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "number": version.number,
        "digest": version.digest,
        "runtime": version.manifest.runtime,
        "metrics": {name: estimate.value for name, estimate in version.manifest.metrics.estimates.items()},
        "registered_by": version.registered_by,
        "reason": version.reason,
        "registered_at": version.registered_at.isoformat(),
    }


def _facts(version: ModelVersion) -> Facts:
    m = version.manifest
    code = (
        "unknown"
        if m.code is None
        else f"{m.code.file} ({m.code.commit or 'no commit'}{', modified' if m.code.modified else ''})"
    )
    source = f" from {m.training.source}" if m.training.source else ""
    facts = (
        ("digest", version.digest),
        ("runtime", f"{m.runtime}{', trusted to run its own code' if version.trusted else ''}"),
        (
            "classes",
            (
                f"{', '.join(m.signature.classes)}"
                f"{f'; {m.signature.positive} is positive' if m.signature.positive else ''}"
            ),
        ),
        (
            "trained on",
            f"{plural(m.training.rows, 'row')}{source}; {m.training.held_out_rows:,} held out: {m.training.split}"
            + ("" if m.training.groups is None else f"; at most one row of each {m.training.groups}"),
        ),
        ("data digest", m.training.digest),
        ("code", code),
        (
            "environment",
            f"Python {m.environment.python}, {m.environment.platform}, {len(m.environment.packages)} packages",
        ),
        ("packed", _time(m.created_at)),
        ("registered", f"{_time(version.registered_at)} by {version.registered_by}: {version.reason}"),
    )
    table = Facts(title=f"{version.name} {version.number}")
    for what, value in facts:
        table.add_row(what, value)
    return table


def _figures(manifest: Manifest) -> Plain:
    title = f"On {manifest.metrics.rows:,} held-out rows not used for calibration"
    table = Plain("figure", "value", "95% interval", title=title)
    for name, estimate in manifest.metrics.estimates.items():
        table.add_row(name, f"{estimate.value:.4f}", f"{estimate.low:.4f} to {estimate.high:.4f}")
    return table


def _classes(by_class: Mapping[str, ClassQuality], rows: int) -> Plain:
    return table_of_classes(by_class, f"Each class on {rows:,} held-out rows")


def _inputs(manifest: Manifest) -> Plain:
    table = Plain("feature", "kind", "missing", "seen in training")
    for feature in manifest.signature.features:
        numeric, category = manifest.profile.numeric.get(feature.name), manifest.profile.category.get(feature.name)
        profile = numeric or category
        missing = f"{100 * profile.missing / profile.rows:.1f} %" if profile and profile.rows else ""
        seen = f"{numeric.minimum:g} to {numeric.maximum:g}" if numeric and numeric.minimum is not None else ""
        if category:
            seen = ", ".join(feature.categories[:6]) + (" ..." if len(feature.categories) > 6 else "")
        table.add_row(feature.name, str(feature.kind), missing, seen)
    return table


def _quality(manifest: Manifest) -> str:
    for name in ("roc_auc", "accuracy"):
        estimate: Estimate | None = manifest.metrics.estimates.get(name)
        if estimate is not None:
            return f"{name} {estimate.value:.3f}"
    return ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _print_json(value: Sequence[Any] | dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2))
