"""The drift story: an alarm, a shrinking gate, an automatic pull of the cord, labels by people, and recovery."""

import asyncio

from andon_demo import project
from andon_demo.bank.line import bank_line
from andon_demo.drift.acts import ACTS, PLANNED, Story
from andon_demo.drift.display import show_end
from andon_demo.playing import play_in_traffic
from andon_demo.stage import Stage, console


def tell(stage: Stage) -> int:
    """Tell the whole story and return 0 if each act happened. Raises LineFailed for an act that did not."""
    with bank_line(stage, project.write_drift, PLANNED) as bank:
        story = Story(bank.traffic, bank.people, line=bank.api)
        asyncio.run(play_in_traffic(story, ACTS))
        story.seen["measures"] = story.line.measured()
        show_end(console, story)
    return 0
