"""Batches against a real gateway process: memory does not grow with the rows, whether the answers are read or not."""

import io
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pyarrow as pa
import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from automations import payment
from running import prepared

pytestmark = pytest.mark.long

BATCH = "/v1/automations/payments/decisions:batch"
AUTOMATION = """
from andon import Automation, Policy
from automations import Payment

POLICY = '''
outcomes: [release, pause, review]
rules:
  - {id: risky, when: 'prediction.score >= 0.8', then: pause, unproven: true, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'prediction.score < 0.3', then: release, unproven: true}
otherwise: review
'''
payments = Automation("payments", contract=Payment, model="fraud-risk", policy=Policy.yaml(POLICY))
"""
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    limits = {"ANDON_GATEWAY_RATE_PER_MINUTE": "6000000", "ANDON_GATEWAY_BURST": "200000"}
    with prepared("http://127.0.0.1:9", limits) as line:
        (line.folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
        line.up()
        yield line


@pytest.fixture(scope="module")
def client(line: Line) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
    with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=100) as client:
        yield client


@dataclass
class Memory:
    """The memory of one process that nobody else shares, looked at again and again, in bytes."""

    process: psutil.Process
    before: int = 0
    peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        self.before = self.peak = self._now()
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    @property
    def growth(self) -> int:
        return self.peak - self.before

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.peak = max(self.peak, self._now())

    def _now(self) -> int:
        return int(self.process.memory_info().rss)


def gateway_of(line: Line) -> psutil.Process:
    (gateway,) = line.running("gateway")
    return psutil.Process(gateway.pid)


def json_rows(rows: int) -> Iterator[bytes]:
    for n in range(rows):
        yield (b"," if n else b"[") + json.dumps(payment(n)).encode()
    yield b"]"


def ndjson_rows(rows: int) -> Iterator[bytes]:
    for n in range(0, rows, 50):
        yield b"".join(json.dumps(payment(m)).encode() + b"\n" for m in range(n, n + 50))


def arrow_rows(rows: int) -> Iterator[bytes]:
    sink = io.BytesIO()
    first = pa.RecordBatch.from_pylist([payment(n) for n in range(500)])
    with pa.ipc.new_stream(sink, first.schema) as writer:
        for n in range(0, rows, 500):
            writer.write_batch(pa.RecordBatch.from_pylist([payment(m) for m in range(n, n + 500)]))
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()


FORMATS = {
    "application/json": json_rows,
    "application/x-ndjson": ndjson_rows,
    "application/vnd.apache.arrow.stream": arrow_rows,
}


def ask(client: httpx.Client, media_type: str, rows: int, *, at_once: bool = False) -> int:
    """Send a batch as most clients do, all of it before reading the answer; return the number of released rows.

    `at_once`: the rows arrive faster than they can be decided, so that as many as possible are under way.
    """
    content = FORMATS[media_type](rows)
    with client.stream(
        "POST", BATCH, content=b"".join(content) if at_once else content, headers={"Content-Type": media_type}
    ) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == media_type
        if media_type == "application/vnd.apache.arrow.stream":
            answers = pa.ipc.open_stream(response.read()).read_all()
            return sum(outcome == "release" for outcome in answers.column("outcome").to_pylist())
        return sum(chunk.count(b'"outcome":"release"') for chunk in lines_of(response))


def lines_of(response: httpx.Response) -> Iterator[bytes]:
    left = b""
    for chunk in response.iter_bytes():
        whole, _, left = (left + chunk).rpartition(b"\n")
        yield whole
    yield left


@pytest.mark.timeout(300)
@pytest.mark.parametrize("media_type", FORMATS)
def test_a_batch_takes_no_more_memory_the_longer_it_is(
    line: Line, client: httpx.Client, media_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(client, media_type, 100_000, at_once=True) == 100_000  # what is loaded and filled once is there then
    growth = {}
    for rows in (10_000, 250_000):
        memory, began = Memory(gateway_of(line)), time.perf_counter()
        with memory.watched():
            assert ask(client, media_type, rows) == rows
        seconds = time.perf_counter() - began
        growth[rows] = memory.growth
        with capsys.disabled():
            sys.stdout.write(
                f"\n{media_type}: {rows} rows, {rows / seconds:,.0f}/s, +{memory.growth / MEGABYTE:.1f} MB\n"
            )
    assert growth[10_000] < 16 * MEGABYTE
    assert growth[250_000] < growth[10_000] + 4 * MEGABYTE


def test_a_caller_who_goes_away_ends_the_intake_and_what_was_decided_is_in_the_ledger(
    line: Line, client: httpx.Client
) -> None:
    before = recorded(line)
    sent = threading.Event()

    def until_gone() -> Iterator[bytes]:
        yield from ndjson_rows(2_000)
        sent.set()
        raise ConnectionAbortedError

    headers = {"Content-Type": "application/x-ndjson"}
    with pytest.raises(ConnectionAbortedError):
        client.post(BATCH, content=until_gone(), headers=headers)
    assert sent.is_set()
    count = settled(line)
    assert 0 < count - before <= 2_000


def settled(line: Line) -> int:
    """How many decisions there are once nothing is added any more and nothing is under way."""
    count = -1
    while (now := recorded(line)) != count:
        count = now
        time.sleep(0.3)
    return count


def recorded(line: Line) -> int:
    database = Database(postgres.url_of(config.load(Path(line.folder), {})))
    try:
        with database.begin() as tx:
            return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())
    finally:
        database.close()
