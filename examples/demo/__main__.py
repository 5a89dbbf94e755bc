"""`script/demo [--once] [--story transfers|drift|rollout] [--broker nats|kafka]`: a running line from nothing.

It stays up until Ctrl-C.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.line import LineFailed
from examples.demo import intakes
from examples.demo.stage import FOLDER, Stage, console
from examples.demo.stories import STORIES
from rich.markup import escape

TRANSFERS = 10_000


def main() -> int:
    """Tell a whole story; what was started is stopped, however it ends."""
    arguments = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="stop after the summary instead of staying up")
    arguments.add_argument(
        "--story",
        choices=list(STORIES),
        default="transfers",
        help="transfers: a line decides and what that costs; drift: fraud changes, the line notices and stops itself; "
        "rollout: a bad model ends itself, a good one is promoted",
    )
    arguments.add_argument(
        "--broker",
        choices=[name for name in intakes.KINDS if name != "table"],
        help="transfers only: bring the events by this broker, which is started too, instead of a table in the "
        "database",
    )
    arguments.add_argument(
        "--transfers", type=int, default=TRANSFERS, help=f"transfers only: how many; {TRANSFERS:,} if left out"
    )
    arguments.add_argument(
        "--folder", type=Path, default=FOLDER, help=f"where the project is written anew; {FOLDER.name} if left out"
    )
    given = arguments.parse_args()
    began = float(os.environ.get("ANDON_DEMO_BEGAN") or time.time())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="andon-demo-", dir="/tmp") as scratch:
            stage = Stage(given.folder, Path(scratch), began, given.once, given.broker, given.transfers)
            return STORIES[given.story](stage)
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 130
    except LineFailed as error:
        console.print(f"[red]The demo failed.[/] {escape(str(error))}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
