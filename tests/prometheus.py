"""A real Prometheus on loopback that scrapes what a test runs, and promtool. Debian's package `prometheus` brings both.

with Prometheus(folder, ["127.0.0.1:8080"], key=key) as prometheus:
    prometheus.wait_for("sum(up)", lambda found: found == {(): 1.0})
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpx
import pytest
import yaml

from andon_demo.line import free_ports, wait_for

SHIPPED = Path(__file__).parents[1] / "deploy" / "prometheus"
RULES = (SHIPPED / "recording.yml", SHIPPED / "alerts.yml")

Found: TypeAlias = Mapping[tuple[str, ...], float]
"""The answer of an instant query: values by the values of the labels, in the order of the labels' names."""


def promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run promtool with something on its standard input."""
    _need("promtool")
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, timeout=60, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Prometheus:
    """Scrapes the targets twice a second with an API key and evaluates the shipped rules, while it is entered."""

    def __init__(self, folder: Path, targets: Sequence[str], *, key: str) -> None:
        _need("prometheus")
        (self._port,) = free_ports(1)
        self._folder = folder
        (folder / "andon.key").write_text(key, encoding="utf-8")
        scrape = {
            "job_name": "andon",
            "authorization": {"type": "Bearer", "credentials_file": str(folder / "andon.key")},
            "static_configs": [{"targets": list(targets)}],
        }
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"},
            "rule_files": [str(_quick(rules, folder)) for rules in RULES],
            "scrape_configs": [scrape],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", trust_env=False)

    def query(self, expression: str) -> Found:
        """Return the present result of an expression. An expression that does not parse fails the test."""
        answer = self._get("query", query=expression)
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        return {
            tuple(value for name, value in sorted(one["metric"].items()) if name != "__name__"): float(one["value"][1])
            for one in answer["data"]["result"]
        }

    def problem(self, expression: str) -> str | None:
        """Return what is wrong with an expression, in Prometheus' words."""
        answer = self._get("format_query", query=expression)
        return None if answer["status"] == "success" else str(answer["error"])

    def labels(self) -> set[str]:
        """Return the name of every label that any series has."""
        return set(self._get("labels")["data"])

    def targets(self) -> Mapping[str, str]:
        """Return the last error of each target by its address; empty if it was scraped."""
        return {one["labels"]["instance"]: one["lastError"] for one in self._get("targets")["data"]["activeTargets"]}

    def wait_for(self, expression: str, holds: Callable[[Found], bool], *, within: float = 20) -> Found:
        """Return the expression's result once `holds` accepts it; fails the test when the time is up."""
        until = time.monotonic() + within
        while not holds(found := self.query(expression)):
            assert time.monotonic() < until, f"{expression} still gives {found}"
            time.sleep(0.1)
        return found

    def __enter__(self) -> Self:
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_for(self._port, self._process)
            self._wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait_until_ready(self) -> None:
        """Wait until it answers queries, which comes after it listens."""
        until = time.monotonic() + 20
        while self._http.get("/-/ready").status_code != 200:
            assert time.monotonic() < until, "Prometheus was not ready in time"
            time.sleep(0.05)

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._http.get(f"/api/v1/{path}", params=parameters).content)
        return answer


def _quick(rules: Path, folder: Path) -> Path:
    """Return the same rules, evaluated as often as the test's Prometheus does it."""
    content = yaml.safe_load(rules.read_text(encoding="utf-8"))
    for group in content["groups"]:
        group.pop("interval", None)
    (folder / rules.name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / rules.name


def _need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install prometheus)")
