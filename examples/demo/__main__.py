"""`script/demo [--once]`: from nothing to a running line, with its doors open until Ctrl-C."""

import argparse
import asyncio
import base64
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from benchmarks.line import Line, LineFailed, TooSlow, free_ports, memory_of
from examples.demo import display, stream
from examples.demo.receiver import CoreBanking
from rich.console import Console
from rich.live import Live
from rich.markup import escape

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".andon-demo"
PROJECT = "transfer-screening"
TRANSFERS = 10_000
SEED = 2
DRAIN_SECONDS = 120.0

console = Console(highlight=False)


def main() -> int:
    """Tell the whole story; what was started is stopped, however it ends."""
    arguments = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="stop after the summary instead of staying up")
    once = arguments.parse_args().once
    began = float(os.environ.get("ANDON_DEMO_BEGAN") or time.time())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _demo(began, once=once)
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 130
    except LineFailed as error:
        console.print(f"[red]The demo failed.[/] {escape(str(error))}")
        return 1


def _demo(began: float, *, once: bool) -> int:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    (bank_port,) = free_ports(1)
    folder = _project(bank_port)
    with (
        CoreBanking(secret, bank_port) as bank,
        Line(folder, environment={"CORE_BANKING_SECRET": secret}) as line,
        _undisturbed_end(),
    ):
        key = _prepare(line)
        progress = asyncio.run(_stream(line, key))
        summary = _settle(line, key, bank, progress, began)
        display.show_summary(console, summary)
        if not once:
            _stay(line, key)
    console.print(f"Stopped. What was recorded is in {folder.relative_to(ROOT)}.")
    return 0 if summary.succeeded else 1


def _project(bank_port: int) -> Path:
    """A fresh project from the template, whose actions go to the receiver of this demo."""
    with _phase("Writing a project (andon init)"):
        _remove(FOLDER)
        FOLDER.mkdir()
        Line(FOLDER).command("init", PROJECT)
        settings = FOLDER / PROJECT / "andon.toml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("127.0.0.1:8099", f"127.0.0.1:{bank_port}"), encoding="utf-8")
    return FOLDER / PROJECT


def _remove(folder: Path) -> None:
    """Take the project of an earlier demo away, its database too where that had to be put elsewhere."""
    database = folder / PROJECT / ".andon" / "postgres"
    if (folder / PROJECT).exists():
        Line(folder / PROJECT).command("stop")
    if database.is_symlink():
        shutil.rmtree(database.resolve(), ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)


def _prepare(line: Line) -> str:
    """Start everything, which trains the first model; gives a key that may do all."""
    with _phase("Training a model, starting PostgreSQL, gateway, worker and console (andon up)"):
        line.up()
        return line.key("demo", "admin")


async def _stream(line: Line, key: str) -> stream.Progress:
    """Send the transfers, with a live display."""
    bodies = stream.transfers(TRANSFERS, seed=SEED)
    progress = stream.Progress(expected=len(bodies))
    console.print(f"Sending {len(bodies):,} transfers over {stream.CONNECTIONS} connections")
    url = f"{line.url}/v1/automations/transfer-screening/decisions"
    sending = asyncio.create_task(stream.send(url, key, bodies, progress))
    with Live(display.live(progress), console=console, auto_refresh=False) as live:
        while not (await asyncio.wait([sending], timeout=0.2))[0]:
            live.update(display.live(progress), refresh=True)
        live.update(display.live(progress), refresh=True)
    await sending
    if not console.is_terminal:
        console.print()
    return progress


def _settle(line: Line, key: str, bank: CoreBanking, progress: stream.Progress, began: float) -> display.Summary:
    """Wait until all that follows from the decisions has happened, and count it."""
    reviews, opened = progress.outcomes["review"], 0
    expected = progress.answered - reviews

    def settled() -> bool:
        nonlocal opened
        opened = int(sum(line.metrics("andon_reviews_opened_total", key, port=line.worker).values()))
        status.update(
            f"Actions delivered: {len(bank.actions):,} of {expected:,}, reviews opened: {opened:,} of {reviews:,}"
        )
        return len(bank.actions) >= expected and opened >= reviews

    with console.status("Waiting for actions and reviews") as status, suppress(TooSlow):
        line.wait_until("all actions were delivered", settled, timeout=DRAIN_SECONDS)
    return display.Summary(
        progress=progress,
        reviews=opened,
        actions_expected=expected,
        actions_delivered=len(bank.actions),
        forged=bank.forged,
        cost=_cost(line, key),
        memory=line.memory() + memory_of(psutil.Process()),
        first_decision=(progress.first_answer or time.time()) - began,
    )


def _cost(line: Line, key: str) -> str:
    """The price of a decision as the gateway's /metrics has it, in words."""
    for labels, price in line.metrics("andon_decision_cost", key, port=line.gateway).items():
        currency = labels.removeprefix("currency=")
        return f"{price:.2g} {currency} of gateway CPU ({1 / price:,.0f} decisions for one {currency})"
    return "unknown"


def _stay(line: Line, key: str) -> None:
    """Stay up until somebody presses Ctrl-C or the line ends."""
    console.print(f"\nConsole   [bold]http://127.0.0.1:{line.console}[/]\nAPI       {line.url}/docs")
    console.print(f"Sign-in   [bold]{key}[/]", soft_wrap=True)
    console.print("\nCtrl-C stops everything.")
    line.wait()


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
