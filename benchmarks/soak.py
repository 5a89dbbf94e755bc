"""A long mixed load on `andon up`: is every answer in the ledger, does nothing fail, and does memory stay flat?

Decisions, repeats under a key, bad inputs, requests that are decided later, batches, a split with two versions and a
shadow, an isolated version, webhooks; metrics are scraped every 5 s, and the split or the champion changes every
minute. Goals: no failed request; as many decisions in the ledger as answers; the resident memory of Andon's processes
at the end within 5% of that at minute ten, or, in a run of less than 20 minutes, of that after a sixth of it.
PostgreSQL is shown and not judged: its memory grows until its shared buffers, which are bounded, are
full.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon.models import FeatureKind, FeatureSpec, PythonModel, pack
from andon_demo.line import Line, memory_of
from benchmarks.amounts import amounts
from benchmarks.soak_traffic import Counted, press

HERE = Path(__file__).parent
GOAL = 0.05
LOOK_SECONDS = 5.0
WINDOW_SECONDS = 30.0
"""Memory at a moment is the median over this many seconds before it."""

ISOLATED = "isolated"
"""The largest of the processes that isolated models run in."""

JUDGED = ("gateway", "worker", "console", ISOLATED, "up")
SECRET = "whsec_" + "c29hay1zb2FrLXNvYWstc29hay1zb2FrLXNvYWs="


@dataclass(frozen=True, slots=True)
class Look:
    """Memory of each kind of process, in MB, at one moment in seconds: resident, and proportional."""

    at: float
    rss: dict[str, float]
    pss: dict[str, float]


@dataclass(frozen=True, slots=True)
class Soaked:
    """The findings of a run. `reference_at` is the second to which the end is compared."""

    seconds: float
    reference_at: float
    looks: Sequence[Look]
    counted: Counted
    in_ledger: int
    shadows: int

    def rss(self, part: str, at: float) -> float:
        """Return the median memory of a part in the time before a moment."""
        held = [look.rss[part] for look in self.looks if at - WINDOW_SECONDS <= look.at <= at and part in look.rss]
        return round(statistics.median(held), 1) if held else 0.0

    def growth(self) -> dict[str, float]:
        """Return the growth of each process's memory at the end, as a share; `all` is the sum of Andon's."""
        parts = [part for part in JUDGED if self.rss(part, self.reference_at)]
        before = {part: self.rss(part, self.reference_at) for part in parts}
        after = {part: self.rss(part, self.looks[-1].at) for part in parts}
        shares = {part: after[part] / before[part] - 1 for part in parts}
        return {
            name: round(share, 4)
            for name, share in {**shares, "all": sum(after.values()) / sum(before.values()) - 1}.items()
        }

    def missed(self) -> list[str]:
        """Return the missed goals."""
        grown = [f"{part} holds {share:+.1%}" for part, share in self.growth().items() if share > GOAL]
        failures, answers = self.counted.failures, self.counted.recorded
        return [
            *grown,
            *([f"requests failed: {dict(failures)}"] if failures else []),
            *([f"{self.in_ledger} decisions in the ledger, {answers} answers"] if self.in_ledger != answers else []),
        ]


def main() -> int:
    """Run, print, and with --check say whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench soak", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=60.0, help="how long")
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "project"
        shutil.copytree(HERE / "soak-project", folder, ignore=shutil.ignore_patterns("__pycache__"))
        soaked = _soaked(folder, options.minutes * 60)
    _print(soaked)
    print(json.dumps({"benchmark": "soak", **_figures(soaked)}))
    return 1 if options.check and soaked.missed() else 0


def _soaked(folder: Path, seconds: float) -> Soaked:
    with _bank() as url, Line(folder, environment={"BANK_SECRET": SECRET}) as line:
        settings = (folder / "andon.toml").read_text(encoding="utf-8").replace("http://127.0.0.1:1/", url)
        (folder / "andon.toml").write_text(settings, encoding="utf-8")
        _register(line)
        line.up(timeout=300)
        keys = {role: line.key(role, role).split()[-1] for role in ("caller", "admin")}
        counted, looks, ended = Counted(), list[Look](), threading.Event()
        began = time.monotonic()
        watching = threading.Thread(target=_watch, args=(line, looks, began, seconds, ended))
        watching.start()
        try:
            asyncio.run(press(line.url, line.worker, keys, seconds, counted))
            looks.append(_look(line, time.monotonic() - began))
        finally:
            ended.set()
            watching.join()
        if counted.failures:
            print("\n".join(_complaints(line)), file=sys.stderr)
        in_ledger, shadows = _recorded(folder)
        reference = 600.0 if seconds >= 1200 else seconds / 6
        return Soaked(seconds, reference, looks, counted, in_ledger, shadows)


def _complaints(line: Line) -> list[str]:
    """Return the first errors of the log, which explain wrong answers."""
    said = line.log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [one for one in said if '"level": "error"' in one][:20]


def _watch(line: Line, looks: list[Look], began: float, seconds: float, ended: threading.Event) -> None:
    """Sample memory every few seconds, and print it ten times."""
    told = 0
    while not ended.wait(LOOK_SECONDS):
        looks.append(_look(line, time.monotonic() - began))
        tenth = int(looks[-1].at / seconds * 10)
        if tenth > told:
            told = tenth
            print(f"{looks[-1].at / 60:5.1f} min  {_told(looks[-1].rss)}", file=sys.stderr, flush=True)


def _look(line: Line, at: float) -> Look:
    rss: dict[str, float] = {}
    pss: dict[str, float] = {}
    for process in line.processes():
        with suppress(psutil.NoSuchProcess):
            part = _part_of(process.cmdline())
            held, shared = process.memory_info().rss / 1e6, memory_of(process) / 1e6
            if part == ISOLATED:  # their number follows the load
                rss[part], pss[part] = max(rss.get(part, 0.0), held), max(pss.get(part, 0.0), shared)
            else:
                rss[part], pss[part] = rss.get(part, 0.0) + held, pss.get(part, 0.0) + shared
    return Look(at, rss, pss)


def _part_of(command: Sequence[str]) -> str:
    if "postgres" in " ".join(command[:1]):
        return "postgresql"
    if command[-1:] in (["gateway"], ["worker"], ["console"], ["up"]):
        return command[-1]
    return ISOLATED


def _register(line: Line) -> None:
    """Register three versions of one model and an isolated one, like a person."""
    for seed in (1, 2, 3):
        package = amounts(line.folder / f"package-{seed}", name="soak-model", seed=seed)
        alias = ["--alias", "champion"] if seed == 1 else []
        line.command("models", "register", str(package), "--reason", "soak", *alias)
    rng = np.random.default_rng(1)
    rows = {"x": rng.normal(size=200)}
    labels = np.where(rows["x"] > 0, "yes", "no").tolist()
    isolated = pack(
        line.folder / "package-isolated",
        name="soak-isolated",
        model=PythonModel("waiting_model:Waiting", code=[HERE / "scaling-model/waiting_model.py"]),
        features=[FeatureSpec("x", FeatureKind.NUMBER)],
        classes=("no", "yes"),
        training=({"x": rows["x"][:100]}, labels[:100]),
        held_out=({"x": rows["x"][100:]}, labels[100:]),
        split="the first half",
    )
    options = ["--alias", "champion", "--trust", "--reason", "soak"]
    line.command("models", "register", str(isolated), *options, timeout=600)


def _recorded(folder: Path) -> tuple[int, int]:
    """Count the decisions in the ledger, and the predictions of shadows."""
    database = Database(postgres.url_of(config.load(folder, {})), pool_size=1)
    try:
        with database.begin() as tx:
            counts = [tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in _TABLES]
    finally:
        database.close()
    return counts[0], counts[1]


_TABLES = ("decisions", "shadow_predictions")


@contextmanager
def _bank() -> Iterator[str]:
    """Accept every webhook."""

    class Taking(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _told(of: dict[str, float]) -> str:
    return "  ".join(f"{part} {of[part]:.1f}" for part in (*JUDGED, "postgresql") if part in of) + " MB"


def _print(soaked: Soaked) -> None:
    print(f"{soaked.seconds / 60:g} minutes; resident memory in MB (PSS in brackets)")
    parts = [part for part in (*JUDGED, "postgresql") if part in soaked.looks[-1].rss]
    print("minute  " + "".join(f"{part:>16}" for part in parts))
    for tenth in range(1, 13):
        at = soaked.seconds * tenth / 12
        look = min(soaked.looks, key=lambda one: abs(one.at - at))
        held = [f"{look.rss.get(part, 0):.1f} ({look.pss.get(part, 0):.1f})" for part in parts]
        print(f"{look.at / 60:6.1f}  " + "".join(f"{one:>16}" for one in held))
    counted = soaked.counted
    print(f"requests: {dict(counted.asked)}; {counted.scraped} scrapes of at most {counted.longest_scrape:,} bytes")
    print(
        f"{counted.recorded:,} answers, {soaked.in_ledger:,} decisions in the ledger, {soaked.shadows:,} shadow "
        "predictions"
    )
    for words, times in counted.failures.most_common(5):
        print(f"failed {times} times: {words}")
    growth = ", ".join(f"{part} {share:+.1%}" for part, share in soaked.growth().items())
    print(f"at the end against minute {soaked.reference_at / 60:.1f}: {growth}")


def _figures(soaked: Soaked) -> dict[str, object]:
    parts = soaked.looks[-1].rss
    return {
        "minutes": soaked.seconds / 60,
        "compared_with_minute": round(soaked.reference_at / 60, 2),
        "rss_mb": {
            part: [soaked.rss(part, soaked.reference_at), soaked.rss(part, soaked.looks[-1].at)] for part in parts
        },
        "growth": soaked.growth(),
        "asked": dict(soaked.counted.asked),
        "failed": soaked.counted.failures.total(),
        "answers": soaked.counted.recorded,
        "in_ledger": soaked.in_ledger,
        "shadow_predictions": soaked.shadows,
        "goal": GOAL,
        "missed": soaked.missed(),
    }


if __name__ == "__main__":
    sys.exit(main())
