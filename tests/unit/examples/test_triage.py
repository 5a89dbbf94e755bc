"""The story of the mails: what it counts, what it shows at its end, and when it has failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from andon_demo.legacy import LegacyBank
from andon_demo.mails import NEW_TEAM, BankMail, Mails
from andon_demo.postoffice import CaughtMail
from andon_demo.triage.acts import ACTS, TriageStory
from andon_demo.triage.display import show_end, succeeded
from andon_demo.triage.ledger import DecidedMail
from andon_demo.triage.traffic import MailTraffic

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LAUNCHED, TRAINED = 300, 400


@dataclass
class Ledger:
    """Stands in for the database."""

    by_mail: dict[str, DecidedMail] = field(default_factory=dict)
    repeated: int = 0
    begun: int = 1
    ended: int = 1

    def procedures(self) -> tuple[int, int]:
        return self.begun, self.ended

    def read(self) -> Mapping[str, DecidedMail]:
        return self.by_mail

    def dead(self) -> int:
        return 0


@dataclass
class People:
    """Stand in for those who work in the story."""

    moved: int = 2
    given: int = 3
    approved: int = 1
    by_hand: int = 0
    left: int = 0
    arrived: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Catcher:
    """Stands in for the server that catches mails."""

    caught: list[CaughtMail] = field(default_factory=list)


def answer_to(mail: BankMail) -> CaughtMail:
    message = EmailMessage()
    message["In-Reply-To"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    return CaughtMail((mail.sender.address,), message)


def decided(mail: BankMail, outcome: str, rule: str = "a") -> DecidedMail:
    return DecidedMail(f"decision of {mail.message_id}", mail.message_id, outcome, rule)


@pytest.fixture
def story() -> TriageStory:
    """Return a story in which people decide orders to machines and the untrained, and the model all else rightly."""
    ledger = Ledger()
    traffic = MailTraffic(mailbox=None, ledger=ledger)  # type: ignore[arg-type]
    for number, mail in enumerate(Mails(2).take(500, new_product_from=LAUNCHED)):
        truth, untrained = mail.truth, mail.truth.team == NEW_TEAM and number < TRAINED
        one = decided(mail, "review" if truth.injection or untrained else truth.team)
        traffic.sent[mail.message_id], traffic.sent_at[mail.message_id] = mail, NOW
        ledger.by_mail[mail.message_id] = one
        traffic.decided.append(one)
    people: Any = People(arrived=dict.fromkeys(traffic.sent, NOW))
    first = next(iter(traffic.sent.values()))
    cards, catcher = LegacyBank(), Catcher([answer_to(first)])
    cards.block({"card": "4111111100004711", "reason": "lost", "reference": "a"}, "robot1")
    found = TriageStory(traffic, people, people, None, cards, catcher)  # type: ignore[arg-type]
    found.seen |= {"launched": LAUNCHED, "trained": TRAINED}
    return found


def wrongly(story: TriageStory, number: int, outcome: str, rule: str = "a") -> None:
    """Have another outcome for a mail."""
    mail = story.traffic.sent[story.traffic.decided[number].message_id]
    story.traffic.decided[number] = decided(mail, outcome, rule)


def test_each_part_is_counted_by_itself(story: TriageStory) -> None:
    before, untrained, trained = (
        story.traffic.tally(*part) for part in ((0, LAUNCHED), (LAUNCHED, TRAINED), (TRAINED, None))
    )
    assert (before.decided, untrained.decided, trained.decided) == (LAUNCHED, 100, 100)
    assert (before.new, untrained.new_automatic) == (0, 0)
    assert untrained.new > 10
    assert trained.new == trained.new_automatic == trained.new_right > 10
    assert before.errors + untrained.errors + trained.errors == 0
    number = next(at for at in range(TRAINED, 500) if story.traffic.decided[at].outcome == NEW_TEAM)
    wrongly(story, number, "spam")
    again = story.traffic.tally(TRAINED)
    assert (again.errors, again.new_automatic - again.new_right) == (1, 1)


def test_a_card_to_block_is_a_mail_for_cards(story: TriageStory) -> None:
    number = next(
        at for at, one in enumerate(story.traffic.decided) if story.traffic.sent[one.message_id].truth.team == "cards"
    )
    wrongly(story, number, "block-card")
    assert story.traffic.tally().errors == 0


def test_the_end_shows_the_parts_and_the_results(story: TriageStory) -> None:
    written = StringIO()
    show_end(Console(width=160, file=written), story)
    text = written.getvalue()
    assert "How the line recovered" in text
    assert "500 of 500; 0 twice, 0 not readable" in text
    assert "1 of 1 by the robot, each once: yes" in text
    assert "1 sent, to 1 mails; 1 approved" in text


def test_a_story_has_succeeded_that_lost_and_doubled_nothing(story: TriageStory) -> None:
    assert succeeded(story)


def test_a_lost_mail_is_a_failure(story: TriageStory) -> None:
    story.traffic.decided.pop()
    assert not succeeded(story)
    assert ACTS[-1].happened(story) is None


def test_a_story_with_a_card_left_to_block_has_not_ended(story: TriageStory) -> None:
    assert ACTS[-1].happened(story) is not None
    story.traffic.ledger.begun = 2  # type: ignore[attr-defined]
    assert ACTS[-1].happened(story) is None
    assert not succeeded(story)


def test_a_mail_that_was_decided_twice_is_a_failure(story: TriageStory) -> None:
    story.traffic.ledger.repeated = 1
    assert not succeeded(story)


def test_a_card_that_was_blocked_twice_is_a_failure(story: TriageStory) -> None:
    story.cards.block({"card": "4111111100004711", "reason": "lost", "reference": "a"}, "robot1")
    assert not succeeded(story)


def test_an_answer_that_was_sent_twice_or_is_not_marked_is_a_failure(story: TriageStory) -> None:
    (answer,) = story.catcher.caught
    story.catcher.caught.append(answer)
    assert not succeeded(story)
    story.catcher.caught[:] = [answer]
    del answer.message["Auto-Submitted"]
    assert not succeeded(story)


def test_an_order_to_a_machine_that_was_followed_is_a_failure(story: TriageStory) -> None:
    number = next(
        at for at, one in enumerate(story.traffic.decided) if story.traffic.sent[one.message_id].truth.injection
    )
    wrongly(story, number, "payments")
    assert not succeeded(story)
