"""`andon init`: a new project, from a data file or from the transfer screening example."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from andon import scaffold
from andon.cli.prospects import table_of
from andon.kernel.errors import Invalid

Name = Annotated[str, typer.Argument(help="The project's name and folder: lower-case letters, digits and '-'.")]
From = Annotated[Path | None, typer.Option("--from", help="A CSV or Parquet file to learn from.", show_default=False)]
Target = Annotated[str | None, typer.Option(help="The column to predict.", show_default=False)]
Time = Annotated[
    str | None, typer.Option(help="The column that orders the rows; the newest are measured on.", show_default=False)
]
Positive = Annotated[
    str | None, typer.Option(help="The target's value that the score is for; else the rarer one.", show_default=False)
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="Names, from low to high, of the classes that a target of numbers is parted into: low,middle,high.",
        show_default=False,
    ),
]
Cuts = Annotated[
    str | None,
    typer.Option(help="Where these classes part: 10,50. Left out, they are of equal size.", show_default=False),
]


def init(
    name: Name,
    source: From = None,
    target: Target = None,
    time: Time = None,
    positive: Positive = None,
    classes: Classes = None,
    cuts: Cuts = None,
) -> None:
    """Write a new project: learnt from a data file, or the transfer screening example."""
    console = Console()
    if source is None:
        if target or time or positive or classes or cuts:
            raise Invalid("--target, --time, --positive, --classes and --cuts describe a data file; name it by --from")
        scaffold.from_template(name, Path.cwd())
        _tell_next(console, name, scaffold.EXAMPLE_SETUP)
        return
    if target is None:
        raise Invalid("--from needs --target: the column to predict")
    with console.status(f"Looking at {escape(str(source))}"):
        classing = _classing(classes, cuts)
        _, plan = scaffold.from_data(
            name, Path.cwd(), source, target=target, time=time, positive=positive, classing=classing
        )
    used = ", ".join(column.name for column in plan.features)
    console.print(
        f"{plan.rows:,} rows; the model will learn [bold]{escape(target)}[/] from {escape(used)}", highlight=False
    )
    for note in plan.notes:
        console.print(f"  - {escape(note)}", highlight=False)
    proposal = plan.proposal
    title = f"Expected from {plan.proposal.trial.held_out:,} held-out rows, by a trial on this file"
    console.print(table_of(proposal.trial.prospects, title, {proposal.risk: "proposed"}))
    for number, line in enumerate(proposal.why_little):
        console.print(f"{'Little is automatic: ' if not number else '  - '}{escape(line)}", highlight=False)
    _tell_next(console, name)


def _classing(classes: str | None, cuts: str | None) -> scaffold.Classing | None:
    if classes is None and cuts is None:
        return None
    try:
        numbers = tuple(float(one) for one in (cuts or "").split(",") if one.strip())
    except ValueError as error:
        raise Invalid(f"--cuts takes numbers with commas between, such as 10,50, got {cuts!r}") from error
    return scaffold.Classing(tuple(one.strip() for one in (classes or "").split(",")) if classes else (), numbers)


def _tell_next(console: Console, folder: str, *preparing: str) -> None:
    commands = "".join(f"    {command}\n" for command in (f"cd {folder}", *preparing, "andon up"))
    console.print(f"\nWritten to {folder}/. Next:\n\n{commands}", markup=False, highlight=False, soft_wrap=True)
