"""`andon demo`: from nothing to a running line, open until Ctrl-C."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from andon_demo.line import LineFailed
from andon_demo.stage import Stage, console
from andon_demo.stories import STORIES

TRANSFERS = 10_000
FOLDER = Path(".andon-demo")

Story = Annotated[
    Literal["transfers", "drift", "rollout", "mail"],
    typer.Option(
        help="transfers: a line decides, and the cost of its decisions is shown; "
        "drift: fraud changes, and the line notices and stops itself; "
        "rollout: a bad model is rolled back automatically, a good one is promoted; "
        "mail: customers' mails, a robot, an agent, and an unknown product."
    ),
]
Once = Annotated[bool, typer.Option("--once", help="Stop after the summary instead of staying up.")]
Brokers = Annotated[
    Literal["nats", "kafka"] | None,
    typer.Option(
        "--broker",
        help="Read the events of the transfers story from this broker, which the demo starts, instead of from a table.",
        show_default=False,
    ),
]
Transfers = Annotated[int, typer.Option(min=1, help="The number of transfers in the transfers story.")]
Folder = Annotated[Path, typer.Option(help="The folder of the project, which is replaced.", file_okay=False)]


def demo(
    story: Story = "transfers",
    once: Once = False,
    broker: Brokers = None,
    transfers: Transfers = TRANSFERS,
    folder: Folder = FOLDER,
) -> None:
    """Run a story: a bank's transfers, decided by a line set up for the demo."""
    raise typer.Exit(_tell(story, folder.resolve(), once=once, broker=broker, transfers=transfers))


def _tell(story: str, folder: Path, *, once: bool, broker: str | None, transfers: int) -> int:
    """Tell a whole story and return its exit code. Everything that was started is stopped, however it ends."""
    began = float(os.environ.get("ANDON_DEMO_BEGAN") or time.time())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="andon-demo-", dir="/tmp") as scratch:
            return STORIES[story](Stage(folder, Path(scratch), began, once, broker, transfers))
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 130
    except LineFailed as error:
        console.print(f"[red]The demo failed.[/] {escape(str(error))}")
        return 1


if __name__ == "__main__":
    typer.run(demo)
