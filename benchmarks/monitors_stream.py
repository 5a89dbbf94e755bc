"""The worker's part of `script/bench monitors`: the stream of decisions, with or without the tally of monitors.

`python -m benchmarks.monitors_stream URL on|off` reads until it is ended, and prints a line once it is ready.
"""

import sys
import time
from datetime import datetime

from andon.decisions import CertainRulings
from andon.evidence.chores import chores as of_evidence
from andon.kernel.chores import Chore
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.measures import Meter
from andon.monitors.chores import MonitorWork
from andon.monitors.chores import chores as of_monitors

PAUSE = 0.1


def main() -> None:
    """Do the chores as a worker does, each in a transaction of its own."""
    url, switch = sys.argv[1:]
    monitors, rulings = MonitorWork(Events(), lambda *_: None), CertainRulings(())
    work = [*of_evidence(Meter(), monitors.tally, rulings=rulings), *of_monitors(monitors)]
    if switch == "off":
        work = of_evidence(Meter(), rulings=rulings)
    due: dict[str, datetime] = {}
    database = Database(url, pool_size=2)
    while True:
        for chore in work:
            _do(chore, database, due)
        if len(due) == len(work):
            print("ready", flush=True)
        time.sleep(PAUSE)


def _do(chore: Chore, database: Database, due: dict[str, datetime]) -> None:
    now = database.now()
    if chore.name not in due or due[chore.name] <= now:
        more = True
        while more:
            with database.begin() as tx:
                more = chore.work(tx, now)
        due[chore.name] = now + chore.interval


if __name__ == "__main__":
    main()
