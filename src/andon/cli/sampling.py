"""`andon models register PATH --sample FILE`: packs a bare model with what is inferred from it and a sample."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from andon import datafile, models
from andon.bootstrap.project import users_of
from andon.cli.context import Project, project
from andon.decisions import AutomationInvalid
from andon.kernel.errors import Invalid
from andon.kernel.plurals import plural
from andon.models import FeatureKind, InferredSignature

_MOST_ROWS = 200_000
_SHOWN = 6


@contextmanager
def packed_from_sample(
    path: Path, sample: Path, target: str | None, *, name: str | None, trust: bool, groups: str | None = None
) -> Iterator[Path]:
    """Pack a saved model with what was inferred, print that, and yield the folder.

    The score is for the same class as in earlier versions of the model. Rows belong together by the column `groups`, or
    by the subject of the automation that the model answers for, where the sample has it.
    """
    if not path.exists():
        raise Invalid(f"There is no {path}")
    if (path / "manifest.json").is_file():
        raise Invalid(f"{path} is already a package: register it without --sample")
    rows = list(datafile.read_rows(sample, most=_MOST_ROWS))
    name = name or models.name_of(path)
    with project() as here, here.database.begin() as tx:
        known = models.classes_of(tx, name)
        groups = groups or _subject(here, name, rows)
    if groups is not None and rows and groups not in rows[0]:
        raise Invalid(f"--groups: {sample.name} has no column {groups!r}")
    found = models.infer(path, rows, target, trust=trust, in_order=known, groups=groups)
    with tempfile.TemporaryDirectory(prefix="andon-sample-") as folder:
        package = models.pack(
            Path(folder, "package"),
            name=name,
            model=found.model,
            features=found.features,
            classes=found.classes,
            model_classes=found.own_order,
            training=(found.rows, found.labels),
            held_out=(found.rows, found.labels),
            split=f"registered with a sample: all figures come from {sample.name}, "
            "whose rows the model must not have seen",
            groups=groups,
            data=sample,
            allow_pickle=path.suffix in (".joblib", ".pkl", ".pickle"),
        )
        _tell(found, sample, known)
        if groups is not None:
            typer.echo(f"Rows with the same {groups} belong together: one of them counts.")
        yield package


def _subject(here: Project, model: str, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the subject of the automations that the model answers for, if they agree and the sample has it."""
    try:
        users = users_of(here.settings, model, models.CHAMPION)
    except AutomationInvalid as error:
        typer.echo(f"The automations cannot be read, so each row counts by itself: {error}", err=True)
        return None
    subjects = {automation.subject for automation in users} & set(rows[0] if rows else ())
    return subjects.pop() if len(subjects) == 1 else None


def _tell(found: InferredSignature, sample: Path, known: Sequence[str]) -> None:
    typer.echo(
        f"From the model and {plural(len(found.rows), 'row')} of {sample.name}, "
        f"whose {found.target!r} holds the true class:"
    )
    why = "as in earlier versions" if set(found.classes) == set(known) else "the rarer"
    positive = f" (the score is for {found.classes[1]}, {why})" if len(found.classes) == 2 else ""
    typer.echo(f"  classes   {', '.join(found.classes)}{positive}")
    for feature in found.features:
        shown = ", ".join(feature.categories[:_SHOWN]) + (", ..." if len(feature.categories) > _SHOWN else "")
        values = f": {shown}" if feature.kind is FeatureKind.CATEGORY else ""
        typer.echo(f"  {feature.kind:<9} {feature.name}{values}")
    typer.echo("The figures hold only if the model was not trained on these rows.")
