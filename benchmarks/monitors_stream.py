"""The worker's part of `script/bench monitors`: the stream of decisions, with or without the monitors.

`python -m benchmarks.monitors_stream URL` reads `on` or `off` from its standard input, says `ready` once it has read
what there is in that way, and goes on until the next word. It is one process, as monitors build their detectors once.
"""

import sys
import time
from queue import Empty, SimpleQueue
from threading import Thread

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
    database, words = Database(sys.argv[1], pool_size=2), SimpleQueue[str]()
    Thread(target=_listen, args=(words,), daemon=True).start()
    monitors, rulings = MonitorWork(Events(), lambda *_: None), CertainRulings(())
    ways = {
        "off": of_evidence(Meter(), rulings=rulings),
        "on": [*of_evidence(Meter(), monitors.tally, rulings=rulings), *of_monitors(monitors)],
    }
    work, due = list[Chore](), dict[str, float]()
    while True:
        try:
            work, due, told = ways[words.get(timeout=PAUSE)], {}, True
        except Empty:
            told = False
        for chore in work:
            if due.get(chore.name, 0.0) <= time.monotonic():
                due[chore.name] = time.monotonic() + chore.interval.total_seconds()
                _do(chore, database)
        if told:
            print("ready", flush=True)


def _listen(words: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        words.put(line.strip())


def _do(chore: Chore, database: Database) -> None:
    more, now = True, database.now()
    while more:
        with database.begin() as tx:
            more = chore.work(tx, now)


if __name__ == "__main__":
    main()
