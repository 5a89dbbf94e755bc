"""`andon init`: a new project, from a data file or from an example."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from andon import scaffold
from andon.cli.prospects import table_of, table_of_classes
from andon.datafile import Query, Source
from andon.kernel.errors import Invalid
from andon.models import SentenceEmbedding

Name = Annotated[str, typer.Argument(help="The project's name and folder: lower-case letters, digits and '-'.")]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="A file to learn from: CSV, Parquet, Arrow, JSON, Excel or OpenDocument, also compressed.",
        show_default=False,
    ),
]
Sql = Annotated[
    str | None, typer.Option("--query", help="An SQL query to learn from instead of a file.", show_default=False)
]
UrlEnv = Annotated[
    str | None,
    typer.Option(help="Environment variable with the SQLAlchemy URL of the database for --query.", show_default=False),
]
Sheet = Annotated[
    str | None,
    typer.Option(help="The sheet of a workbook, or the file in a ZIP archive; default: the first.", show_default=False),
]
Header = Annotated[
    int | None,
    typer.Option(min=1, help="The line number of the header; found automatically if not given.", show_default=False),
]
HeldOut = Annotated[
    float | None,
    typer.Option(help="The share of the rows held out to measure the model; default: a quarter.", show_default=False),
]
Target = Annotated[str | None, typer.Option(help="The column to predict.", show_default=False)]
Time = Annotated[
    str | None, typer.Option(help="The column that orders the rows; the newest are held out.", show_default=False)
]
Positive = Annotated[
    str | None,
    typer.Option(help="The value of the target that the score is for; default: the rarer one.", show_default=False),
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="Names of the classes into which a numeric target is divided, from low to high: low,middle,high.",
        show_default=False,
    ),
]
Cuts = Annotated[
    str | None,
    typer.Option(help="The bounds between these classes: 10,50; default: classes of equal size.", show_default=False),
]

Keep = Annotated[
    list[str] | None, typer.Option(help="A column to keep that would be left out; may be repeated.", show_default=False)
]
Windows = Annotated[
    bool | None,
    typer.Option(
        "--windows/--no-windows",
        help="Write all proposed windows, or none; default: those that improve the result on the newest rows.",
        show_default=False,
    ),
]

Example = Annotated[
    Literal["transfer-screening", "mail-triage"] | None,
    typer.Option(
        help="The example to write; default: transfer-screening, unless a data source is given.", show_default=False
    ),
]
Embeddings = Annotated[
    str | None,
    typer.Option(
        help="A sentence embedding for free text: a folder, .onnx file or installed package.",
        show_default=False,
    ),
]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        help="A folder, file or package with its tokenizer.json, if it is not in the same place.", show_default=False
    ),
]

Groups = Annotated[
    str | None,
    typer.Option(
        help="The column whose equal values belong together, such as an account: one held-out row of each counts.",
        show_default=False,
    ),
]

_SHOWN = 30


def init(
    name: Name,
    source: From = None,
    query: Sql = None,
    url_env: UrlEnv = None,
    target: Target = None,
    time: Time = None,
    positive: Positive = None,
    sheet: Sheet = None,
    header: Header = None,
    held_out: HeldOut = None,
    keep: Keep = None,
    windows: Windows = None,
    classes: Classes = None,
    cuts: Cuts = None,
    example: Example = None,
    embeddings: Embeddings = None,
    tokenizer: Tokenizer = None,
    groups: Groups = None,
) -> None:
    """Write a new project from a data file, a query or an example."""
    console = Console()
    origin = _source(source, query, url_env)
    if origin is None:
        given = (
            groups,
            target,
            time,
            positive,
            sheet,
            header,
            held_out,
            keep,
            windows,
            classes,
            cuts,
            embeddings,
            tokenizer,
        )
        if any(one is not None for one in given):
            raise Invalid("--target and the other options describe a data source; name it with --from or --query")
        written = example or scaffold.EXAMPLE
        scaffold.from_template(name, Path.cwd(), written)
        _tell_next(console, name, scaffold.EXAMPLES[written])
        return
    if example is not None:
        raise Invalid("Name either an example or a data source, not both")
    if target is None:
        raise Invalid(f"{'--from' if query is None else '--query'} needs --target: the column to predict")
    options = scaffold.Options(
        sheet=sheet,
        header=header,
        held_out=held_out,
        keep=tuple(keep or ()),
        windows=windows,
        classing=_classing(classes, cuts),
        embedding=_embedding(embeddings, tokenizer),
        groups=groups,
    )
    with console.status(f"Reading {escape(str(origin))}"):
        _, plan = scaffold.from_data(
            name, Path.cwd(), origin, target=target, time=time, positive=positive, options=options
        )
    windows_by = [f"windows of {window.field} by {window.by}" for window in plan.written_windows]
    seen = [*(column.name for column in plan.features), *(part.name for part in plan.times), *windows_by]
    used = ", ".join(seen[:_SHOWN])
    if len(seen) > _SHOWN:
        used += f" and {len(seen) - _SHOWN:,} more"
    console.print(
        f"{plan.rows:,} rows; the model will learn [bold]{escape(target)}[/] from {escape(used)}", highlight=False
    )
    for note in plan.notes:
        console.print(f"  - {escape(note)}", highlight=False)
    proposal = plan.proposal
    title = f"Expected from {plan.proposal.trial.held_out:,} held-out rows, by a trial on this file"
    console.print(table_of(proposal.trial.prospects, title, {proposal.risk: "proposed"}))
    if proposal.trial.by_class:
        console.print(table_of_classes(proposal.trial.by_class, "Each class in the same trial"))
    for number, line in enumerate(proposal.why_little):
        console.print(f"{'Little is automatic: ' if not number else '  - '}{escape(line)}", highlight=False)
    _tell_next(console, name)


def _source(file: Path | None, query: str | None, url_env: str | None) -> Source | None:
    """Return the source of the rows, or None for an example."""
    if (query is None) != (url_env is None):
        raise Invalid("--query and --url-env belong together: the query, and the variable with the database's URL")
    if query is None or url_env is None:
        return file
    if file is not None:
        raise Invalid("Use either --from or --query, not both")
    if url_env.startswith("ANDON_"):
        raise Invalid("--url-env: a training script receives no variable that begins with ANDON_; choose another name")
    return Query(query, url_env)


def _embedding(place: str | None, tokenizer: str | None) -> SentenceEmbedding | None:
    """Return the sentence embedding after finding its files. Raises PackageInvalid."""
    if place is None:
        if tokenizer is not None:
            raise Invalid("--tokenizer needs --embeddings: the network that uses its tokens")
        return None
    embedding = SentenceEmbedding(_resolved(place), tokenizer=None if tokenizer is None else _resolved(tokenizer))
    embedding.files()
    return embedding


def _resolved(place: str) -> str:
    """Return the absolute form of a path, since a project may move; leave a package as it is."""
    return str(Path(place).resolve()) if Path(place).exists() else place


def _classing(classes: str | None, cuts: str | None) -> scaffold.Classing | None:
    if classes is None and cuts is None:
        return None
    try:
        numbers = tuple(float(one) for one in (cuts or "").split(",") if one.strip())
    except ValueError as error:
        raise Invalid(f"--cuts takes numbers separated by commas, such as 10,50, got {cuts!r}") from error
    return scaffold.Classing(tuple(one.strip() for one in (classes or "").split(",")) if classes else (), numbers)


def _tell_next(console: Console, folder: str, *preparing: str) -> None:
    commands = "".join(f"    {command}\n" for command in (f"cd {folder}", *preparing, "andon up"))
    console.print(f"\nWritten to {folder}/. Next:\n\n{commands}", markup=False, highlight=False, soft_wrap=True)
