"""The rollout story: automatic rollback of a bad model; replay, rollout and promotion of a good one."""

import asyncio

from andon_demo import project
from andon_demo.bank.line import bank_line
from andon_demo.playing import play_in_traffic
from andon_demo.rollout.acts import ACTS, PLANNED, RolloutStory
from andon_demo.rollout.display import show_end
from andon_demo.stage import Stage, console


def tell(stage: Stage) -> int:
    """Tell the whole story and return 0 if each act happened. Raises LineFailed for an act that did not."""
    with bank_line(stage, project.write_rollout, PLANNED) as bank:
        story = RolloutStory(bank.traffic, bank.people, line=bank.line, api=bank.api)
        asyncio.run(play_in_traffic(story, ACTS))
        show_end(console, story)
    return 0
