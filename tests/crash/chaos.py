"""Faults under load, one after the other and overlapping, drawn from a seed; then all invariants are checked.

    script/chaos --faults 1000 [--seed 7]        as many as requested, in rounds of ROUND

Nobody helps the system: it has to recover by itself, from everything, within RECOVERY_SECONDS after a spell of faults.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from crash import checks
from crash.faults import Fault, drawn
from crash.kept import FAKETIME
from crash.load import Load
from crash.plant import Plant, running

ROUND = 500
"""Faults on one system; then everything is checked, and a new one begins."""

SPELL = 25
"""Faults until they all end and the system must answer again."""

GRACE_SECONDS = 0.05
"""What was on its way when something was killed may still be answered; what is answered later is new."""

RECOVERY_SECONDS = 30.0
"""Once no fault lasts any more; most of it is the time in which a process starts on a busy computer."""


@dataclass
class Report:
    """What a round was and what came of it."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    answers: int = 0
    events: dict[str, int] = field(default_factory=dict)
    deliveries: int = 0
    procedures: int = 0
    recoveries: list[float] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything held."""
        return not any(self.wrong.values())

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.faults.most_common())
        events = ", ".join(f"{n} events by {name}" for name, n in self.events.items())
        slowest = max(self.recoveries, default=0.0)
        told = (
            f"seed {self.seed}: {self.faults.total()} faults in {self.seconds:.0f} s ({kinds}); {self.answers} calls, "
            f"{events}, {self.deliveries} deliveries, {self.procedures} procedures, slowest answer after a kill "
            f"{slowest:.1f} s"
        )
        return (
            f"{told}: all held"
            if self.ok
            else f"{told}\nWRONG, repeat with --seed {self.seed}\n{checks.shown(self.wrong)}"
        )


def round_of(folder: Path, seed: int, faults: int, *, say: bool = False) -> Report:
    """One system, so many faults, everything checked."""
    report, draw = Report(seed), random.Random(seed)
    with running(folder, seed) as plant:
        load = Load(plant.ports, plant.token, seed, later=0.3)
        report.began = time.monotonic()
        asking = (load, *plant.senders)
        for one in asking:
            one.start()
        try:
            while (left := faults - report.faults.total()) > 0:
                _spell(plant, load, draw, min(SPELL, left), report, say=say)
            for one in asking:
                one.stop()
        except BaseException:
            for one in asking:
                one.give_up()
            raise
        report.seconds = time.monotonic() - report.began
        _check(plant, load, report)
    return report


def _check(plant: Plant, load: Load, report: Report) -> None:
    """Look at everything that must hold."""
    sent = {account: n for sender in plant.senders for account, n in sender.sent.items()}
    report.answers = len(load.answers)
    report.events = {sender.name: sender.sent.total() for sender in plant.senders}
    wrong = report.wrong
    with plant.database() as database:
        wrong["quiet"] = checks.quiet(database, len(load.answers) + sum(sent.values()))
        if wrong["quiet"]:
            wrong["quiet"] += plant.lanes()
            print(checks.shown(wrong), flush=True)  # in case that what is looked at next breaks off
        with database.begin() as tx:
            records = checks.ledger(tx)
            wrong["calls"] = checks.calls(tx, load)
            wrong["inputs"] = checks.inputs(records, load, sent)
            wrong["order"] = checks.order(records, sent)
            wrong["consequences"] = checks.consequences(tx, plant.receiver)
            report.procedures = checks.started(tx)
            wrong["procedures"] = checks.procedures(tx, plant.receiver)
        wrong["windows"] = checks.windows(database, records)
    wrong["audit"] = checks.audit(plant.line)
    wrong["bugs"] = checks.bugs(plant.logs)
    report.deliveries = len(plant.receiver.received)


def _spell(plant: Plant, load: Load, draw: random.Random, faults: int, report: Report, *, say: bool) -> None:
    """Make overlapping faults, each for its duration.

    After a kill, wait for an answer before the next; at the end all are over.
    """
    present: list[tuple[float, Fault]] = []
    for _ in range(faults):
        fault = drawn(draw)
        if say:
            print(f"{time.monotonic() - report.began:>6.1f} s {report.faults.total():>5} {fault}", flush=True)
        fault.begin(plant)
        began = time.monotonic()
        report.faults[fault.kind] += 1
        present.append((began + fault.seconds, fault))
        _until(began + fault.pause, present, plant)
        if fault.kind == "kill":
            _wait_for_answer(load, began + GRACE_SECONDS, present, plant, report)
    _until(max(over for over, _ in present) if present else 0.0, present, plant)
    _wait_for_answer(load, time.monotonic(), present, plant, report)


def _wait_for_answer(
    load: Load, since: float, present: list[tuple[float, Fault]], plant: Plant, report: Report
) -> None:
    """Wait for the first answer to requests made since; the other faults continue meanwhile."""
    while (answered := load.answered_after(since)) is None:
        _until(time.monotonic() + 0.02, present, plant)
        if not present and time.monotonic() - since > RECOVERY_SECONDS:
            report.wrong.setdefault("recovery", []).append(
                f"no answer within {RECOVERY_SECONDS:.0f} s after fault {report.faults.total() - 1}"
            )
            answered = RECOVERY_SECONDS
            break
    report.recoveries.append(answered)


def _until(moment: float, present: list[tuple[float, Fault]], plant: Plant) -> None:
    """End the faults that are over, until the moment has come."""
    while True:
        now = time.monotonic()
        for over, fault in [one for one in present if one[0] <= now]:
            fault.end(plant)
            present.remove((over, fault))
        if now >= moment:
            return
        time.sleep(max(0.0, min([moment, *(over for over, _ in present)]) - now))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="script/chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=ROUND, help="how many in all")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the first round; the next ones count on"
    )
    parser.add_argument("--quiet", action="store_true", help="do not name each fault")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # everything that runs is ended then, too
    if FAKETIME is None:
        print("libfaketime is not here: clocks do not jump. On Debian: apt-get install faketime")
    reports: list[Report] = []
    for number, begin in enumerate(range(0, asked.faults, ROUND)):
        with tempfile.TemporaryDirectory(prefix="andon-", dir="/tmp") as folder:
            Path(folder).chmod(0o711)
            faults = min(ROUND, asked.faults - begin)
            reports.append(round_of(Path(folder), asked.seed + number, faults, say=not asked.quiet))
        print(reports[-1], flush=True)
    bad = [report.seed for report in reports if not report.ok]
    total = sum(report.faults.total() for report in reports)
    print(f"{total} faults: {'all held' if not bad else f'NOT ALL HELD, seeds {bad}'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
