"""The story of the drift: an alarm, a gate that shrinks, a cord that pulls itself, people who label, and a line that recovers."""

import asyncio

from benchmarks.line import Line
from examples.demo import project
from examples.demo.drift import traffic
from examples.demo.drift.acts import Story, play
from examples.demo.drift.api import LineApi
from examples.demo.drift.display import live, show_end
from examples.demo.drift.people import People
from examples.demo.drift.traffic import Traffic
from examples.demo.stage import Stage, console, phase, prepare, show_doors, shown, stay, undisturbed_end
from rich.live import Live

SEED = 2
SHOWN_EVERY = 0.25


def tell(stage: Stage) -> int:
    """Tell the whole story; 0 if each act happened. Raises LineFailed for the act that did not."""
    with phase("Writing a project (andon init)"):
        folder = project.write_drift(stage.folder)
    with phase("Simulating the bank"):
        parts = traffic.planned(SEED)
    with (
        Line(folder, environment={"CORE_BANKING_SECRET": "whsec_bm9ib2R5IGlzIHNlbnQgYW55dGhpbmc="}) as line,
        undisturbed_end(),
    ):
        key = prepare(line)
        show_doors(line, key)
        reviewer = line.key("reviewer", "reviewer")
        sent = Traffic(line.url, key, project.AUTOMATION, parts)
        story = Story(LineApi(line.gateway, key, project.AUTOMATION), sent, People(line.url, reviewer, sent))
        asyncio.run(_play(story))
        story.seen["measures"] = story.line.measured()
        show_end(console, story)
        if not stage.once:
            stay(line, key)
    console.print(f"Stopped. What was recorded is in {shown(folder)}.")
    return 0


async def _play(story: Story) -> None:
    """Play the acts while transfers come and people work; show how it stands meanwhile."""
    with Live(live(story), console=console, auto_refresh=False) as display:
        playing = asyncio.create_task(play(story))
        beside = [asyncio.create_task(story.traffic.run()), asyncio.create_task(story.people.run())]
        try:
            while not (await asyncio.wait([playing, *beside], timeout=SHOWN_EVERY, return_when="FIRST_COMPLETED"))[0]:
                display.update(live(story), refresh=True)
            await playing if playing.done() else await next(task for task in beside if task.done())
        finally:
            story.traffic.stop()
            story.people.stop()
            await asyncio.gather(*beside, return_exceptions=True)
            playing.cancel()
            display.update(live(story), refresh=True)
    if not console.is_terminal:
        console.print()
