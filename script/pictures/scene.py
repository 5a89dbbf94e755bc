"""What is on the pictures: the demo's story of the rollouts, played to its end, with an experiment and an alert beside."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from examples.demo import project
from examples.demo.bank.line import bank_line
from examples.demo.playing import play_in_traffic
from examples.demo.rollout.acts import ACTS, PLANNED, RolloutStory
from examples.demo.stage import Stage


@contextmanager
def shown_line(stage: Stage) -> Iterator[tuple[str, str]]:
    """Play the story; give the console's address and a key that may see all. Raises LineFailed."""
    with bank_line(stage, project.write_rollout, PLANNED) as bank:
        asyncio.run(play_in_traffic(RolloutStory(bank.traffic, bank.people, line=bank.line, api=bank.api), ACTS))
        yield f"http://127.0.0.1:{bank.line.console}", bank.line.key("pictures", "admin")
