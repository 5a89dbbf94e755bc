"""A story that takes place in the traffic of the bank."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from andon_demo.bank.people import People
from andon_demo.bank.traffic import Traffic
from andon_demo.playing import Played, Worker


@dataclass(slots=True)
class BankStory(Played):
    """A running story, with the transfers that arrive and the people who work."""

    traffic: Traffic
    people: People

    @property
    def workers(self) -> Sequence[Worker]:
        """The traffic and the people."""
        return self.traffic, self.people

    @property
    def figures(self) -> RenderableType:
        """The numbers of decisions, errors and verdicts so far."""
        tally, people = self.traffic.tally, self.people
        return Text.assemble(
            (f"{self.traffic.decided:,}", "bold"),
            " decided   ",
            (f"{tally.automatic / max(tally.decided, 1):.0%}", "bold"),
            " automatic in this part   errors ",
            (f"{tally.errors:,}", "bold red" if tally.errors else "bold"),
            "   verdicts ",
            (f"{people.given.total():,}", "bold green"),
            f"   waiting {self.traffic.waiting}",
        )
