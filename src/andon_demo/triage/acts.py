"""The acts of the mail story. Each waits for a condition, for a limited time; none is a fixed pause."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from andon_demo.legacy import LegacyBank
from andon_demo.line import Line
from andon_demo.playing import Act, Played, Worker
from andon_demo.postoffice import MailCatcher
from andon_demo.triage import writing
from andon_demo.triage.reviewers import Reviewers
from andon_demo.triage.specialists import Specialists
from andon_demo.triage.traffic import MailTraffic

CALM = 150
"""Mails before the new product."""

ANSWERED = 5
"""Customers whose card is blocked and who have received their answer."""

NEW = 75
"""Mails about the new product that people have labelled before the model is retrained."""

LATELY = 100
"""The newest mails, whose automatic part must be within the target."""

AGAIN = 10
"""Mails about the new product that are routed without a person after that."""

TARGET = 0.05


@dataclass(slots=True)
class TriageStory(Played):
    """The state of this story: the workers, the line with its API, and the systems around it."""

    traffic: MailTraffic
    specialists: Specialists
    reviewers: Reviewers
    line: Line
    cards: LegacyBank
    catcher: MailCatcher

    @property
    def workers(self) -> Sequence[Worker]:
        """The customers and the people of the bank."""
        return self.traffic, self.specialists, self.reviewers

    @property
    def figures(self) -> RenderableType:
        """The decisions so far, and the work of people."""
        tally = self.traffic.tally()
        return Text.assemble(
            (f"{tally.decided:,}", "bold"),
            f" of {len(self.traffic.sent):,} mails decided   ",
            (f"{tally.share:.0%}", "bold"),
            " automatic   wrong desk ",
            (f"{tally.errors:,}", "bold red" if tally.errors else "bold"),
            "   verdicts ",
            (f"{self.reviewers.given:,}", "bold green"),
            f"   cards blocked {len(self.cards.blocks)}   answers sent {len(self.catcher.caught)}",
        )


def _calm(story: TriageStory) -> str | None:
    tally = story.traffic.tally()
    if tally.decided < CALM:
        return None
    return f"{tally.share:.0%} of {tally.decided:,} automatic, {tally.error:.1%} of these to a wrong desk"


def _answered(story: TriageStory) -> str | None:
    sent = len(story.catcher.caught)
    if sent < ANSWERED:
        return None
    return f"{len(story.cards.blocks)} cards blocked by the robot, {sent} answers approved by a person and sent"


def _launch(story: TriageStory) -> None:
    story.seen["launched"] = len(story.traffic.decided)
    story.traffic.new_product = True


def _labelled(story: TriageStory) -> str | None:
    tally = story.traffic.tally(story.seen["launched"])
    if tally.new < NEW:
        return None
    return (
        f"{tally.new - tally.new_automatic} of its {tally.new} mails went to people; {tally.share:.0%} of all are "
        f"automatic, {tally.error:.1%} of these to a wrong desk"
    )


def _train(story: TriageStory) -> None:
    story.line.command(
        "features",
        "dataset",
        "--automation",
        writing.AUTOMATION,
        "--from",
        "2000-01-01",
        "--labels",
        "--output",
        "labelled.parquet",
    )
    story.line.command(
        "models",
        "register",
        "--from-script",
        "train.py",
        "--alias",
        "champion",
        "--reason",
        "learned the new product",
        timeout=600,
    )
    story.seen["trained"] = len(story.traffic.decided)


def _knows(story: TriageStory) -> str | None:
    tally = story.traffic.tally(story.seen["trained"])
    if tally.new_right < AGAIN:
        return None
    return f"{tally.new_right} of {tally.new} mails about it were routed to its desk without a person"


def _back(story: TriageStory) -> str | None:
    tally = story.traffic.tally(max(story.seen["trained"], len(story.traffic.decided) - LATELY))
    if tally.decided < LATELY or tally.error > TARGET:
        return None
    return f"of the last {tally.decided} mails {tally.share:.0%} automatic, {tally.error:.1%} of these to a wrong desk"


def _close(story: TriageStory) -> None:
    story.traffic.closed = True


def _all_done(story: TriageStory) -> str | None:
    (begun, ended), decided = story.traffic.ledger.procedures(), len(story.traffic.decided)
    if decided < len(story.traffic.sent) or ended < begun:
        return None
    return f"{decided:,} mails arrived, and each was decided once; all {begun} procedures ended"


ACTS: Sequence[Act[TriageStory]] = (
    Act("Mails arrive, and each is sent to a team or shown to a person", 240, _calm),
    Act("A robot blocks lost cards; answers are drafted, approved and sent", 480, _answered),
    Act("A new product, unknown to the model", 420, _labelled, _launch),
    Act("Retrained on the work of people, the model knows the product", 420, _knows, _train),
    Act("The automatic part is within its target", 240, _back),
    Act("No more mails arrive; the robot and the people finish the rest", 600, _all_done, _close),
)
