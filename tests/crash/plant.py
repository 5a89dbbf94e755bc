"""The whole system as the chaos suite runs it: `andon up`, a second gateway and a second worker, callers, a receiver, proxies.

    callers -> proxy -> gateway 1 (of `andon up`)        callers -> gateway 2 -> proxy -> PostgreSQL
    worker 1 (of `andon up`), worker 2 -> proxy -> PostgreSQL        workers -> proxy -> receiver
    senders -> a table, Kafka, NATS <- proxies <- workers

The second ones are restarted when they end, as a service manager would; their clocks can be set (with libfaketime).
"""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import nats
import psutil
from benchmarks.brokers import Broker, kafka_broker, kafka_program, nats_program, nats_server
from benchmarks.line import ANDON, Line, LineFailed, free_ports
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import text
from sqlalchemy.engine import make_url

from andon.kernel import config, postgres
from andon.kernel.db import Database
from crash.events import Sender, ToKafka, ToNats, ToTable
from crash.proxy import Proxy
from packages import a_package
from receiver import SECRET, Receiver

FAKETIME = next(
    (str(file) for place in ("/usr/lib", "/usr/local/lib") for file in Path(place).glob("**/libfaketimeMT.so.1")), None
)
"""The library that sets a process's clock; none if it is not installed."""

AUTOMATION = """
from datetime import timedelta
from typing import Any

from andon import Automation, Policy, Procedure, Retry, Review, kafka, nats, procedure, run_procedure, table, webhook
from automations import POLICY, Payment, an_automation
from pydantic import BaseModel

BANK = webhook("bank")


class Decided(BaseModel):
    id: str
    input: dict[str, Any]


def refuse_sanctioned(country: str) -> str:
    if country == "KP":
        raise ValueError("sanctioned")
    return country


@procedure("hold-payment")
async def hold_payment(p: Procedure, decision: Decided) -> str:
    "Hold it for a moment and lift that; what is sanctioned fails after it was held, so that the hold is undone."
    payment = {"id": decision.id, "procedure": str(p.id)}

    async def let_go() -> None:
        await p.deliver(BANK, payment, event="let-go")

    await p.deliver(BANK, payment, event="hold", compensate=let_go)
    await p.step(refuse_sanctioned, decision.input["country"], retry=Retry(attempts=1))
    await p.sleep(timedelta(seconds=1))
    await p.deliver(BANK, payment, event="lift")
    return "lifted"


SAME = {
    "contract": Payment,
    "subject": "account",
    "features": an_automation().features,
    "model": "fraud-risk",
    "policy": Policy.yaml(POLICY),
    "review": Review(queue="fraud"),
}
TOLD = {"pause": BANK, "release": BANK}
events = Automation("events", **SAME, actions=TOLD, trigger=(TRIGGERS))

# An eighth of the accounts: procedures for more are as much as two cores can do, and who starts anew would wait for them.
WATCHED = (
    POLICY.replace("outcomes: [", "outcomes: [hold, ")
    .replace("lists:", "lists:\\n  watched: [a0, a1, a2, a3, a4, a5]")
    .replace("rules:", "rules:\\n  - {id: watched, when: 'input.account in lists.watched', then: hold}")
)
held = {"hold": run_procedure(hold_payment), **TOLD}
payments = Automation("payments", **SAME | {"policy": Policy.yaml(WATCHED)}, actions=held, procedures=[hold_payment])
"""

TABLE = """
CREATE TABLE incoming (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event text UNIQUE, at timestamptz NOT NULL,
    account text, amount float8, country text, payment_id text
)
"""

TOPIC, STREAM, PARTITIONS = "payments", "PAYMENTS", 4
"""Where events are sent to; the topic has so many partitions, and all accounts of one are in one."""

SETTINGS = """
[gateway]
timeout_seconds = 5

[destinations.bank]
url = "{url}"
secret_env = "BANK_SECRET"
allow_private = true
max_attempts = 1000
timeout_seconds = 2
"""

CONNECTIONS = {
    "kafka": '[connections.kafka]\nkind = "kafka"\nservers = ["127.0.0.1:{port}"]\n',
    "nats": '[connections.nats]\nkind = "nats"\nservers = ["nats://127.0.0.1:{port}"]\n',
}
TRIGGERS = {
    "table": 'table("incoming", at="at", key="account")',
    "kafka": f'kafka("{TOPIC}")',
    "nats": f'nats("{STREAM}")',
}


LANES = ("andon_destination_breaker_open", "andon_retry_budget_remaining", "andon_deliveries_in_flight")
"""What a worker's metrics say of its lanes."""


class Clock:
    """The clock of a process, by how much it is wrong."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: float) -> None:
        """Jump."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+.1f}")
        draft.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """With which a process is started that goes by it."""
        if FAKETIME is None:
            return {}
        return {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


class Kept:
    """A process that is started again whenever it ends."""

    def __init__(self, role: str, folder: Path, environment: dict[str, str]) -> None:
        self.role = role
        self.starts = 0
        self._folder, self._environment = folder, environment
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    @property
    def process(self) -> psutil.Process | None:
        """It, while it lives."""
        with suppress(psutil.NoSuchProcess):
            if self._process is not None and self._process.poll() is None:
                return psutil.Process(self._process.pid)
        return None

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
        self._thread.join()

    def _keep(self) -> None:
        with (self._folder / f"{self.role}-2.log").open("ab") as log:
            while not self._stopping.is_set():
                self.starts += 1
                self._process = subprocess.Popen(
                    [ANDON, self.role],
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
                self._process.wait()
                self._stopping.wait(0.2)


@dataclass
class Plant:
    """All parts, running."""

    line: Line
    receiver: Receiver
    token: str
    ports: tuple[int, int]
    """Where the callers ask: gateway 1 through its proxy, and gateway 2."""
    workers: tuple[int, int]
    """Where the workers tell their metrics."""
    proxies: dict[str, Proxy]
    second: dict[str, Kept]
    clocks: dict[str, Clock]
    brokers: dict[str, Broker]
    senders: list[Sender] = field(default_factory=list)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Its database, past all proxies."""
        database = Database(postgres.url_of(config.load(self.line.folder, {})))
        try:
            yield database
        finally:
            database.close()

    def found(self, role: str) -> Sequence[psutil.Process]:
        """The processes of a role that live now, always in the same order."""
        try:
            if role in self.brokers:
                process = self.brokers[role].process
                return [] if process is None else [psutil.Process(process.pid)]
            if role in self.second:
                one = self.second[role].process
                return [] if one is None else [one]
            if role in ("gateway", "worker"):
                return self.line.running(role)
            if role == "up":
                return self.line.processes()[:1]
            (file,) = (self.line.folder / ".andon").glob("**/postmaster.pid")
            postmaster = psutil.Process(int(file.read_text().splitlines()[0]))
            return [postmaster] if role == "postmaster" else sorted(postmaster.children(), key=lambda p: p.pid)
        except (psutil.NoSuchProcess, ValueError, OSError, IndexError):
            return []

    def lanes(self) -> list[str]:
        """What each worker says of the lanes in which it delivers."""
        said, key = [], self.line.key("onlooker", "viewer").split()[-1]
        for number, port in enumerate(self.workers, start=1):
            for name in LANES:
                try:
                    said.append(f"worker {number}: {name} {self.line.metrics(name, key, port=port)}")
                except (OSError, LineFailed) as error:
                    said.append(f"worker {number} does not tell: {error}")
        return said

    @property
    def logs(self) -> list[Path]:
        """What all processes said."""
        return [self.line.log, *self.line.folder.glob("*-2.log")]


@contextmanager
def running(folder: Path, seed: int) -> Iterator[Plant]:
    """The whole system in a folder, for as long as the block lasts; the senders do not send yet."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        proxies = {"receiver": stack.enter_context(Proxy(int(receiver.url.rsplit(":", 1)[1].split("/")[0])))}
        brokers = _brokers(stack, folder, proxies)
        _write_project(folder, proxies, brokers)
        environment = {"BANK_SECRET": SECRET, "PYTHONPATH": str(Path(__file__).parent.parent)}
        line = stack.enter_context(Line(folder, environment=environment))
        package = a_package(folder / "package")
        line.command("models", "register", str(package), "--alias", "champion", "--reason", "test")
        line.up()
        url = make_url(postgres.url_of(config.load(folder, {})))
        proxies["gateway"] = stack.enter_context(Proxy(line.gateway))
        proxies["database"] = stack.enter_context(Proxy(url.port or 5432))
        proxied = url.set(port=proxies["database"].port).render_as_string(hide_password=False)
        clocks = {name: Clock(folder / f"{name}.clock") for name in ("gateway 2", "worker 2")}
        gateway, worker, console = free_ports(3)
        second = {}
        for role in ("gateway", "worker"):
            own = {
                **os.environ,
                **environment,
                **clocks[f"{role} 2"].environment,
                "ANDON_DATABASE_URL": proxied,
                "ANDON_GATEWAY_PORT": str(gateway),
                "ANDON_GATEWAY_GRPC_PORT": "0",
                "ANDON_WORKER_PORT": str(worker),
                "ANDON_CONSOLE_PORT": str(console),
            }
            second[f"{role} 2"] = Kept(role, folder, own)
            stack.callback(second[f"{role} 2"].stop)
        ports = (proxies["gateway"].port, gateway)
        token = line.key("bank", "caller").split()[-1]
        for port in (gateway, worker):
            _wait_until_ready(port)
        plant = Plant(line, receiver, token, ports, (line.worker, worker), proxies, second, clocks, brokers)
        plant.senders += _senders(plant, seed, url.render_as_string(hide_password=False))
        yield plant


def _wait_until_ready(port: int, *, within: float = 60.0) -> None:
    """Until a process says that it takes work."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        with closing(HTTPConnection("127.0.0.1", port, timeout=2)) as connection, suppress(OSError, HTTPException):
            connection.request("GET", "/readyz")
            with connection.getresponse() as response:
                if response.status == 200:
                    return
        time.sleep(0.1)
    raise AssertionError(f"nothing is ready on port {port} after {within:.0f} s")


def _brokers(stack: ExitStack, folder: Path, proxies: dict[str, Proxy]) -> dict[str, Broker]:
    """Those that are installed, each behind a proxy. Kafka tells its clients to come through it."""
    brokers: dict[str, Broker] = {}
    for name, program in (("kafka", kafka_program), ("nats", nats_program)):
        if program() is None:
            print(f"No {name} here: its events are left out")
            continue
        place = folder / name
        place.mkdir()
        proxy = stack.enter_context(Proxy(0))
        opened = kafka_broker(place, advertised=proxy.port) if name == "kafka" else nats_server(place)
        brokers[name] = stack.enter_context(opened)
        proxy.target = brokers[name].port
        proxies[name] = proxy
    return brokers


def _write_project(folder: Path, proxies: dict[str, Proxy], brokers: dict[str, Broker]) -> None:
    triggers = ", ".join(trigger for name, trigger in TRIGGERS.items() if name == "table" or name in brokers)
    (folder / "automation.py").write_text(AUTOMATION.replace("TRIGGERS", f"{triggers},"), encoding="utf-8")
    connections = "".join(CONNECTIONS[name].format(port=proxies[name].port) for name in brokers)
    settings = SETTINGS.format(url=f"http://127.0.0.1:{proxies['receiver'].port}/hook")
    (folder / "andon.toml").write_text(settings + connections, encoding="utf-8")


def _senders(plant: Plant, seed: int, url: str) -> list[Sender]:
    """Who sends events; where they send to is made only now, when workers have looked for it already."""
    with plant.database() as database, database.begin() as tx:
        tx.execute(text(TABLE))
    senders: list[Sender] = [ToTable(seed, url)]
    if (kafka := plant.brokers.get("kafka")) is not None:
        admin = AdminClient({"bootstrap.servers": kafka.address, "log_level": 0})
        for made in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]).values():
            made.result(20)
        senders.append(ToKafka(seed, kafka.address, TOPIC))
    if (nats_broker := plant.brokers.get("nats")) is not None:
        asyncio.run(_make_stream(nats_broker.address))
        senders.append(ToNats(seed, nats_broker.address, STREAM))
    return senders


async def _make_stream(address: str) -> None:
    client = await nats.connect(f"nats://{address}")
    await client.jetstream().add_stream(name=STREAM, subjects=[f"{STREAM}.>"])
    await client.close()
