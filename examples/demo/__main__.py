"""`script/demo [--once] [--broker nats|kafka]`: from nothing to a running line, with its doors open until Ctrl-C."""

import argparse
import asyncio
import base64
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from benchmarks.line import Line, LineFailed, TooSlow, free_ports, memory_of
from examples.demo import display, intakes, project, stream
from examples.demo.comparison import MEASURED, Comparison, Way
from examples.demo.customers import Customers
from examples.demo.intakes import Intake
from examples.demo.ledger import Ledger
from examples.demo.receiver import CoreBanking
from examples.demo.stream import Progress, Transfer
from rich.console import Console
from rich.live import Live
from rich.markup import escape

FOLDER = Path(__file__).parents[2] / ".andon-demo"
TRANSFERS = 10_000
SEED = 2
DRAIN_SECONDS = 120.0
CALLER = "demo"

console = Console(highlight=False)


def main() -> int:
    """Tell the whole story; what was started is stopped, however it ends."""
    arguments = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="stop after the summary instead of staying up")
    arguments.add_argument(
        "--broker",
        choices=[name for name in intakes.KINDS if name != "table"],
        help="bring the events by this broker, which is started too, instead of a table in the database",
    )
    arguments.add_argument("--transfers", type=int, default=TRANSFERS, help=f"how many; {TRANSFERS:,} if left out")
    arguments.add_argument(
        "--folder", type=Path, default=FOLDER, help=f"where the project is written anew; {FOLDER.name} if left out"
    )
    given = arguments.parse_args()
    began = float(os.environ.get("ANDON_DEMO_BEGAN") or time.time())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="andon-demo-", dir="/tmp") as scratch:
            return _demo(given, began, Path(scratch))
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 130
    except LineFailed as error:
        console.print(f"[red]The demo failed.[/] {escape(str(error))}")
        return 1


def _demo(given: argparse.Namespace, began: float, scratch: Path) -> int:
    kind = given.broker or "table"
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    (bank_port,) = free_ports(1)
    with intakes.opened(kind, scratch) as intake:
        with _phase("Writing a project (andon init)"):
            folder = project.write(given.folder, intake, bank_port)
        with (
            CoreBanking(secret, bank_port) as bank,
            Line(folder, environment={"CORE_BANKING_SECRET": secret}) as line,
            _undisturbed_end(),
        ):
            key = _prepare(line)
            with Ledger(folder) as ledger:
                for place in (project.PLACE, project.TWIN_PLACE):
                    intake.prepare(place, ledger.url)
                transfers = stream.transfers(given.transfers, seed=SEED)
                progress = asyncio.run(_stream(line, ledger, intake, key, transfers, intakes.KINDS[kind]))
                summary = _settle(line, ledger, intake, key, bank, progress, began)
                ways = _compare(Comparison(line, ledger, intake, key, CALLER), transfers, progress)
                display.show_summary(console, summary, intakes.KINDS[kind])
                display.show_comparison(console, ways, ledger.settings.cost)
            if not given.once:
                _stay(line, key)
    console.print(f"Stopped. What was recorded is in {_shown(folder)}.")
    return 0 if summary.succeeded else 1


def _prepare(line: Line) -> str:
    """Start everything, which trains the first model; gives a key that may do all."""
    with _phase("Training a model, starting PostgreSQL, gateway, worker and console (andon up)"):
        line.up()
        return line.key(CALLER, "admin")


async def _stream(
    line: Line, ledger: Ledger, intake: Intake, key: str, transfers: list[Transfer], kind: str
) -> Progress:
    """Send the transfers, with a live display, until the last of them is decided."""
    calls = sum(transfer.urgent for transfer in transfers)
    progress = Progress(calls, len(transfers) - calls)
    console.print(
        f"Deciding {len(transfers):,} transfers: {progress.calls:,} urgent ones called over {stream.CONNECTIONS} connections, "
        f"{progress.events:,} as events from {kind}, {stream.PER_SECOND:,.0f} a second"
    )
    sending = asyncio.create_task(_send(line, ledger, intake, key, transfers, progress))
    with Live(display.live(progress), console=console, auto_refresh=False) as live:
        while not (await asyncio.wait([sending], timeout=0.2))[0]:
            live.update(display.live(progress), refresh=True)
        live.update(display.live(progress), refresh=True)
    await sending
    if not console.is_terminal:
        console.print()
    return progress


async def _send(
    line: Line, ledger: Ledger, intake: Intake, key: str, transfers: list[Transfer], progress: Progress
) -> None:
    url = f"{line.url}/v1/automations/{project.AUTOMATION}/decisions"

    async def follow() -> None:
        """Until all events are decided, or it takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while True:
                    progress.decided, otherwise = await asyncio.to_thread(ledger.done, project.AUTOMATION)
                    if progress.decided + otherwise >= progress.events:
                        return
                    await asyncio.sleep(0.1)

    following = asyncio.create_task(follow())
    async with intake.sending(project.PLACE, ledger.url) as events:
        await stream.send(url, key, transfers, progress, events)
    await following
    progress.ended = time.monotonic()


def _settle(
    line: Line, ledger: Ledger, intake: Intake, key: str, bank: CoreBanking, progress: Progress, began: float
) -> display.Summary:
    """Wait until all that follows from the decisions has happened, and count it."""
    summary = display.Summary(
        progress=progress,
        events=ledger.outcomes(project.AUTOMATION, intake.stream(project.PLACE)),
        memory=line.memory() + memory_of(psutil.Process()),
        first_decision=(progress.first_answer or time.time()) - began,
    )

    customers = Customers(line.url, key)

    def settled() -> bool:
        customers.answer(list(bank.asked))
        summary.actions_delivered, summary.forged = len(bank.actions), bank.forged
        summary.procedures_ended, summary.customers_asked = len(bank.ended), customers.answered
        summary.reviews = int(sum(line.metrics("andon_reviews_opened_total", key, port=line.worker).values()))
        status.update(
            f"Actions delivered: {summary.actions_delivered:,} of {summary.actions_expected:,}, "
            f"paused transfers ended: {summary.procedures_ended:,} of {summary.outcomes['pause']:,}, "
            f"reviews opened: {summary.reviews:,} of {summary.outcomes['review']:,}"
        )
        return summary.settled

    with console.status("Waiting for actions and reviews") as status, suppress(TooSlow):
        line.wait_until("all actions were delivered", settled, timeout=DRAIN_SECONDS)
    return summary


def _compare(comparison: Comparison, transfers: list[Transfer], progress: Progress) -> list[Way]:
    """The two paths, and deciding one by one."""
    measured = transfers[:MEASURED]
    with _phase("Measuring what a decision costs by each path, and one by one"):
        return [comparison.called(measured), comparison.streamed(measured), comparison.plain(progress.told)]


def _stay(line: Line, key: str) -> None:
    """Stay up until somebody presses Ctrl-C or the line ends."""
    console.print(f"\nConsole   [bold]http://127.0.0.1:{line.console}[/]\nAPI       {line.url}/docs")
    console.print(f"Sign-in   [bold]{key}[/]", soft_wrap=True)
    console.print("\nCtrl-C stops everything.")
    line.wait()


def _shown(folder: Path) -> str:
    """As it is seen from the checkout."""
    return str(folder.relative_to(FOLDER.parent) if folder.is_relative_to(FOLDER.parent) else folder)


@contextmanager
def _undisturbed_end() -> Iterator[None]:
    """Whatever ends the context, a further Ctrl-C does not keep us from stopping what runs."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _phase(name: str) -> Iterator[None]:
    since = time.monotonic()
    with console.status(name):
        yield
    console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - since:.1f} s[/]")


if __name__ == "__main__":
    sys.exit(main())
