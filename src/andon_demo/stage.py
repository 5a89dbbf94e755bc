"""The stage of every story: its options, its phases on screen, and a line that stays up until Ctrl-C."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from andon_demo.line import Line

CALLER = "demo"

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """The tools of a story. `scratch` is a folder that is removed at its end, `began` the time of the command."""

    folder: Path
    scratch: Path
    began: float
    once: bool
    broker: str | None
    transfers: int


def prepare(line: Line) -> str:
    """Start everything, which trains the first model, and return a key with all permissions."""
    with phase("Training a model, starting PostgreSQL, gateway, worker and console (andon up)"):
        line.up()
        return line.key(CALLER, "admin")


def show_doors(line: Line, key: str) -> None:
    """Print the addresses of the line."""
    console.print(f"\nConsole   [bold]http://127.0.0.1:{line.console}[/]\nAPI       {line.url}/docs")
    console.print(f"Sign-in   [bold]{key}[/]", soft_wrap=True)


def stay(line: Line, key: str) -> None:
    """Stay up until somebody presses Ctrl-C or the line ends."""
    show_doors(line, key)
    console.print("\nCtrl-C stops everything.")
    line.wait()


def shown(folder: Path) -> str:
    """Return a folder relative to the current one, if it is inside."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


@contextmanager
def undisturbed_end() -> Iterator[None]:
    """Ignore Ctrl-C once the context ends, so that everything can be stopped."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Show what is being done, then how long it took."""
    since = time.monotonic()
    with console.status(name):
        yield
    console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - since:.1f} s[/]")
