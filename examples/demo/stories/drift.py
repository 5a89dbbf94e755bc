"""The story of the drift: an alarm, a gate that shrinks, a cord that pulls itself, people who label, and a line that recovers."""

import asyncio

from benchmarks.line import Line
from examples.demo import project
from examples.demo.bank import traffic
from examples.demo.bank.api import LineApi
from examples.demo.bank.people import People
from examples.demo.bank.traffic import Traffic
from examples.demo.drift.acts import ACTS, PLANNED, Story
from examples.demo.drift.display import show_end
from examples.demo.playing import play_in_traffic
from examples.demo.stage import Stage, console, phase, prepare, show_doors, shown, stay, undisturbed_end

SEED = 2


def tell(stage: Stage) -> int:
    """Tell the whole story; 0 if each act happened. Raises LineFailed for the act that did not."""
    with phase("Writing a project (andon init)"):
        folder = project.write_drift(stage.folder)
    with phase("Simulating the bank"):
        parts = traffic.planned(SEED, PLANNED)
    with (
        Line(folder, environment={"CORE_BANKING_SECRET": "whsec_bm9ib2R5IGlzIHNlbnQgYW55dGhpbmc="}) as line,
        undisturbed_end(),
    ):
        key = prepare(line)
        show_doors(line, key)
        reviewer = line.key("reviewer", "reviewer")
        sent = Traffic(line.url, key, project.AUTOMATION, parts)
        api = LineApi(line.gateway, key, project.AUTOMATION)
        story = Story(sent, People(line.url, reviewer, sent), line=api)
        asyncio.run(play_in_traffic(story, ACTS))
        story.seen["measures"] = story.line.measured()
        show_end(console, story)
        if not stage.once:
            stay(line, key)
    console.print(f"Stopped. What was recorded is in {shown(folder)}.")
    return 0
