"""Playing a story: act after act, while its workers work, with a live display."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from andon_demo.line import TooSlow
from andon_demo.stage import console

LOOK = 0.25
"""Seconds between two checks of a condition."""

SHOWN_EVERY = 0.25


class Worker(Protocol):
    """Something that runs during the whole story."""

    async def run(self) -> None:
        """Work until stopped. Raises LineFailed."""
        ...

    def stop(self) -> None:
        """End `run` soon."""
        ...


@dataclass(slots=True, kw_only=True)
class Played:
    """A running story: the current act, the finished acts, and `seen`, facts by name for the final table."""

    act: str = ""
    seen: dict[str, Any] = field(default_factory=dict)
    done: list[tuple[str, float, str]] = field(default_factory=list)

    @property
    def workers(self) -> Sequence[Worker]:
        """The workers that run during all acts."""
        raise NotImplementedError

    @property
    def figures(self) -> RenderableType:
        """The current figures, as displayed."""
        raise NotImplementedError


P = TypeVar("P", bound=Played)


@dataclass(frozen=True, slots=True)
class Act(Generic[P]):
    """One act. `happened` returns a sentence about what happened, or None if it has not happened yet.

    `bound` is its time limit in seconds, and `begin` starts it.
    """

    name: str
    bound: float
    happened: Callable[[P], str | None]
    begin: Callable[[P], None] | None = None


async def play(story: P, acts: Sequence[Act[P]]) -> None:
    """Wait for act after act. Raises TooSlow, which names the act that did not happen."""
    for act in acts:
        story.act, began = act.name, time.monotonic()
        if act.begin is not None:
            await asyncio.to_thread(act.begin, story)
        while (told := await asyncio.to_thread(act.happened, story)) is None:
            if time.monotonic() - began > act.bound:
                raise TooSlow(f"This did not happen within {act.bound:.0f} s: {act.name}")
            await asyncio.sleep(LOOK)
        story.done.append((act.name, time.monotonic() - began, told))


async def play_in_traffic(story: P, acts: Sequence[Act[P]]) -> None:
    """Play the acts while the workers work, with a live display. Raises LineFailed."""
    with Live(live(story, len(acts)), console=console, auto_refresh=False) as display:
        playing = asyncio.create_task(play(story, acts))
        beside = [asyncio.create_task(worker.run()) for worker in story.workers]
        try:
            while not (await asyncio.wait([playing, *beside], timeout=SHOWN_EVERY, return_when="FIRST_COMPLETED"))[0]:
                display.update(live(story, len(acts)), refresh=True)
            await playing if playing.done() else await next(task for task in beside if task.done())
        finally:
            for worker in story.workers:
                worker.stop()
            await asyncio.gather(*beside, return_exceptions=True)
            playing.cancel()
            display.update(live(story, len(acts)), refresh=True)
    if not console.is_terminal:
        console.print()


def live(story: Played, acts: int) -> RenderableType:
    """Return the finished acts out of `acts`, and the current figures."""
    rows = [Text.assemble(("✓ ", "green"), name, (f"  {told}", "dim")) for name, _, told in story.done]
    if len(story.done) < acts:
        rows.append(Text.assemble(("… ", "yellow"), (story.act, "bold")))
    return Group(*rows, story.figures)
