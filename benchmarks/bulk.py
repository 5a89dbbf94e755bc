"""The cost of a decision that nobody waits for: bulk rows next to interactive callers on one gateway, in three ways.

The line of `script/bench decide` (windows, model, policy, ledger, audit). In every round the same interactive callers
send requests at a fixed rate, with the same bulk rows at a fixed rate, or none. The CPU time of a bulk decision is the
additional CPU time of the whole installation, divided by the bulk rows. Ways: as interactive requests, one by
one; the same with `Priority: u=7`; and as `decisions:batch`. Goal, for both bulk ways: 30% less CPU a decision than one
by one, while the interactive 99th percentile is the same: compared round by round, within 10% or a millisecond and the
spread of the rounds.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from andon_demo.line import Line, cpu_of
from benchmarks.decide import ONE_THREAD, PROJECT, _bodies
from benchmarks.loadgen import Load, measure
from benchmarks.openload import Offer, Told, offer

INTERACTIVE = 150
BULK = 500
"""Requests or rows per second."""

GROUPS = 10
"""Pieces per second in which the rows of a batch arrive."""

SECONDS = 3.0
ROUNDS = 6
CONNECTIONS = 256
DEADLINE = 10.0
ALONE, ONE_BY_ONE, URGENCY, BATCH = "none", "one by one", "Priority: u=7", "decisions:batch"
WAYS = (ALONE, ONE_BY_ONE, URGENCY, BATCH)
GOAL_LESS_CPU = 0.30
SAME = 0.1
SAME_MS = 1.0
"""The difference up to which two 99th percentiles count as equal: a fraction, or milliseconds."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: CPU seconds of the installation, decided bulk rows, interactive latencies in milliseconds."""

    cpu: float
    rows: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Found:
    """The rounds of each way."""

    rounds: Mapping[str, Sequence[Round]]

    def cpu_us(self, way: str) -> float:
        """Return the CPU time of one bulk decision in microseconds: the median over rounds without and with bulk."""
        pairs = zip(self.rounds[way], self.rounds[ALONE], strict=True)
        return round(statistics.median((own.cpu - alone.cpu) / own.rows * 1e6 for own, alone in pairs), 1)

    def p99(self, way: str) -> float:
        """Return the median of the rounds' 99th percentiles, in milliseconds."""
        return round(statistics.median(one.p99 for one in self.rounds[way]), 2)

    def p50(self, way: str) -> float:
        """Return the median of their medians, in milliseconds."""
        return round(statistics.median(one.p50 for one in self.rounds[way]), 2)

    def less(self, way: str) -> float:
        """Return how much less CPU a decision takes than one by one, as a fraction."""
        return round(1 - self.cpu_us(way) / self.cpu_us(ONE_BY_ONE), 3)

    def slower(self, way: str) -> tuple[float, float]:
        """Return how far the interactive 99th percentile is above that of one by one, and the uncertainty.

        In milliseconds: the median over rounds, and twice its standard error.
        """
        pairs = zip(self.rounds[way], self.rounds[ONE_BY_ONE], strict=True)
        apart = [own.p99 - other.p99 for own, other in pairs]
        middle = statistics.median(apart)
        spread = 1.4826 * statistics.median(abs(one - middle) for one in apart)
        return round(middle, 2), round(2 * 1.2533 * spread / len(apart) ** 0.5, 2)

    def missed(self) -> list[str]:
        """Return the missed goals."""
        missed = []
        for way in (URGENCY, BATCH):
            if self.less(way) < GOAL_LESS_CPU:
                missed.append(f"{way}: {self.less(way):.0%} less CPU a decision than one by one; the goal is 30%")
            slower, unsure = self.slower(way)
            if slower > max(SAME_MS, SAME * self.p99(ONE_BY_ONE)) + unsure:
                missed.append(
                    f"{way}: the interactive p99 is {slower} ms above that of one by one, give or take {unsure}"
                )
        return missed


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench bulk", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        found = _measured(folder)
    _print(found)
    missed = found.missed()
    print(json.dumps({"benchmark": "bulk", **_figures(found), "missed": missed}))
    return 1 if check and missed else 0


def _measured(folder: Path) -> Found:
    with Line(folder, environment=ONE_THREAD) as line, Console(stderr=True).status("starting") as status:
        line.up()
        bench = _Bench(line, f"Bearer {line.key('bench', 'caller')}")
        status.update("warming up")
        bench.warm_up()
        rounds: dict[str, list[Round]] = {way: [] for way in WAYS}
        for number in range(ROUNDS):
            for way in (*WAYS[number % len(WAYS) :], *WAYS[: number % len(WAYS)]):
                status.update(f"round {number + 1} of {ROUNDS}: {way}")
                rounds[way].append(bench.round(way))
        return Found(rounds)


class _Bench:
    def __init__(self, line: Line, authorization: str) -> None:
        self._line = line
        self._authorization = authorization
        self._url = f"{line.url}/v1/automations/bench/decisions"
        self._bodies = _bodies(windows=False)

    def warm_up(self) -> None:
        """Send a short load, so that one-time work is done."""
        measure(Load(self._url, self._bodies, 16, 3.0, '"outcome"', {"Authorization": self._authorization}))
        self._batches(1.0)

    def round(self, way: str, seconds: float = SECONDS) -> Round:
        """Run one round; CPU time is counted until everything is answered."""
        before = self._cpu()
        with ThreadPoolExecutor(1) as beside:
            bulk = beside.submit(self._bulk, way, seconds)
            interactive = self._offer(INTERACTIVE, seconds, {})
            rows = bulk.result()
        _answered(interactive)
        return Round(self._cpu() - before, rows, interactive.p50, interactive.p99)

    def _bulk(self, way: str, seconds: float) -> int:
        """Send the rows and return how many were decided."""
        if way == ALONE:
            return 0
        if way == BATCH:
            return self._batches(seconds)
        return _answered(self._offer(BULK, seconds, {"Priority": "u=7"} if way == URGENCY else {}))

    def _offer(self, per_second: float, seconds: float, headers: dict[str, str]) -> Told:
        sent = {"Authorization": self._authorization, **headers}
        return offer(Offer(self._url, self._bodies, per_second, seconds, DEADLINE, CONNECTIONS, sent))

    def _batches(self, seconds: float) -> int:
        """Send one batch, whose rows arrive as evenly as the requests of the other ways: some, ten times a second."""
        connection = HTTPConnection("127.0.0.1", self._line.gateway, timeout=30)
        headers = {"Authorization": self._authorization, "Content-Type": "application/x-ndjson"}
        path = "/v1/automations/bench/decisions:batch"
        connection.request("POST", path, self._rows(seconds), headers, encode_chunked=True)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 200 or b'"error"' in said:
            raise RuntimeError(f"a batch was not decided: {answer.status} {said[:300]!r}")
        return said.count(b'"outcome"')

    def _rows(self, seconds: float) -> Iterator[bytes]:
        rows, began = cycle(self._bodies), time.monotonic()
        for number in range(int(seconds * GROUPS)):
            time.sleep(max(0.0, began + number / GROUPS - time.monotonic()))
            yield "".join(f"{row}\n" for row in islice(rows, BULK // GROUPS)).encode()

    def _cpu(self) -> float:
        return sum(map(cpu_of, self._line.processes()))


def _answered(told: Told) -> int:
    """Return how many were answered. Raises RuntimeError if a request that was sent got no answer."""
    if told.failed > told.failures.get("never sent", 0) or told.refused:
        raise RuntimeError(f"requests were not answered: {told}")
    return told.good + told.late


def _figures(found: Found) -> dict[str, Any]:
    ways = {
        way: {
            "cpu_us": found.cpu_us(way),
            "less": found.less(way),
            "p50_ms": found.p50(way),
            "p99_ms": found.p99(way),
            "p99_slower_ms": found.slower(way),
        }
        for way in WAYS[1:]
    }
    return {
        "interactive_per_second": INTERACTIVE,
        "bulk_per_second": BULK,
        "alone_p99_ms": found.p99(ALONE),
        "ways": ways,
        "rounds": {way: [asdict(one) for one in rounds] for way, rounds in found.rounds.items()},
    }


def _print(found: Found) -> None:
    title = (
        f"{INTERACTIVE} interactive requests a second and {BULK} bulk rows a second, {ROUNDS} rounds of {SECONDS:.0f} s"
    )
    table = Table(title=title, title_justify="left")
    for column in ("bulk rows sent as", "CPU µs a row", "less", "interactive p50 ms", "p99 ms", "above one by one"):
        table.add_column(column, justify="left" if column == "bulk rows sent as" else "right")
    table.add_row(ALONE, "", "", f"{found.p50(ALONE):.2f}", f"{found.p99(ALONE):.2f}", "")
    for way in WAYS[1:]:
        less = "" if way == ONE_BY_ONE else f"{found.less(way):.0%}"
        slower, unsure = found.slower(way)
        above = "" if way == ONE_BY_ONE else f"{slower:+.2f} ± {unsure:.2f}"
        table.add_row(way, f"{found.cpu_us(way):,.0f}", less, f"{found.p50(way):.2f}", f"{found.p99(way):.2f}", above)
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
