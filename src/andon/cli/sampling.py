"""`andon models register PATH --sample FILE`: packs a bare model with what is inferred from it and a sample."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from andon import datafile, models
from andon.cli.context import project
from andon.kernel.errors import Invalid
from andon.kernel.plurals import plural
from andon.models import FeatureKind, InferredSignature

_MOST_ROWS = 200_000
_SHOWN = 6


@contextmanager
def packed_from_sample(
    path: Path, sample: Path, target: str | None, *, name: str | None, trust: bool
) -> Iterator[Path]:
    """Pack a saved model with what was inferred, print that, and yield the folder.

    The score is for the same class as in earlier versions of the model.
    """
    if not path.exists():
        raise Invalid(f"There is no {path}")
    if (path / "manifest.json").is_file():
        raise Invalid(f"{path} is already a package: register it without --sample")
    rows = list(datafile.read_rows(sample, most=_MOST_ROWS))
    name = name or models.name_of(path)
    with project() as here, here.database.begin() as tx:
        known = models.classes_of(tx, name)
    found = models.infer(path, rows, target, trust=trust, in_order=known)
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
            data=sample,
            allow_pickle=path.suffix in (".joblib", ".pkl", ".pickle"),
        )
        _tell(found, sample, known)
        yield package


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
