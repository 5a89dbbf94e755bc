"""The whole system as the chaos suite runs it: `andon up`, a second gateway and worker, callers, a receiver, proxies.

    callers -> proxy -> gateway 1 (of `andon up`)        callers -> gateway 2 -> proxy -> PostgreSQL
    worker 1 (of `andon up`), worker 2 -> proxy -> PostgreSQL        workers -> proxy -> receiver
    senders -> a table, Kafka, NATS <- proxies <- workers

The second ones are restarted when they end, like a service manager's; their clocks can be set (with libfaketime).
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import nats
import psutil
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import text
from sqlalchemy.engine import make_url

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.brokers import Broker, kafka_broker, kafka_program, nats_program, nats_server
from andon_demo.line import Line, LineFailed, free_ports
from crash.events import Sender, ToKafka, ToNats, ToTable
from crash.kept import Clock, Kept
from crash.project import PARTITIONS, STREAM, TABLE, TOPIC, write_project
from crash.proxy import Proxy
from installed import InstalledLine
from packages import a_package
from receiver import SECRET, Receiver

LANES = ("andon_destination_breaker_open", "andon_retry_budget_remaining", "andon_deliveries_in_flight")
"""What a worker's metrics say of its lanes."""


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
        """Return the living processes of a role, always in the same order."""
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
        """Return what each worker reports of its delivery lanes."""
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
    """Run the whole system in a folder, for as long as the block lasts; the senders do not send yet."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        proxies = {"receiver": stack.enter_context(Proxy(int(receiver.url.rsplit(":", 1)[1].split("/")[0])))}
        brokers = _brokers(stack, folder, proxies)
        write_project(folder, proxies["receiver"].port, {name: proxies[name].port for name in brokers})
        environment = {"BANK_SECRET": SECRET, "PYTHONPATH": str(Path(__file__).parent.parent)}
        line = stack.enter_context(InstalledLine(folder, environment=environment))
        package = a_package(folder / "package")
        line.register(package)
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


def _senders(plant: Plant, seed: int, url: str) -> list[Sender]:
    """Return the senders of events; their places are made only now, after workers have looked for them."""
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
