"""A benchmark that is ended in the middle leaves no process of its own behind."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[3]


def test_what_a_benchmark_started_ends_with_it() -> None:
    command = [sys.executable, "-m", "benchmarks", "bulk"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as benchmark:
        family = _family_with(benchmark, "gateway")
        benchmark.terminate()
        ended_with = benchmark.wait(60)
    left = psutil.wait_procs(family, timeout=10)[1]
    for process in left:
        process.kill()
    assert (ended_with, left) == (143, [])


def _family_with(benchmark: "subprocess.Popen[bytes]", role: str) -> list[psutil.Process]:
    """Return all that it started, once one of them has this role, without PostgreSQL, which ends by itself."""
    until = time.monotonic() + 60
    while time.monotonic() < until and benchmark.poll() is None:
        family = psutil.Process(benchmark.pid).children(recursive=True)
        if any(_role(process) == role for process in family):
            return [process for process in family if _role(process) != "postgres"]
        time.sleep(0.05)
    raise AssertionError(f"no {role} was started")


def _role(process: psutil.Process) -> str:
    try:
        return "postgres" if "postgres" in process.name() else process.cmdline()[-1]
    except (psutil.NoSuchProcess, IndexError):
        return ""
