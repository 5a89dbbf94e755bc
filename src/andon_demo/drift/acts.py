"""The acts of the story. Each waits for a condition, for a limited time; none is a fixed pause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from andon_demo.bank.api import LineApi
from andon_demo.bank.story import BankStory
from andon_demo.bank.traffic import SEGMENT
from andon_demo.playing import Act
from andon_demo.stage import CALLER

PLANNED = {"calm": 8_000, "wave": 8_000, "calm again": 20_000}
"""Transfers of each part, made before the story begins; it uses as many as it needs."""

CALM = 1_500
"""Decisions before the wave."""

AUDITED = 60
"""Blind verdicts before the wave."""

SHARE = 0.1
"""The share of blind audits that the owner sets when the story begins."""

CAUGHT = 5
"""Frauds that people stop before the bank closes the hole. Later labels prove the gate again."""

AGAIN = 100
"""Automatic decisions that show a line to be automatic again."""

WHOLE: Mapping[str, Any] = {}
IN_SEGMENT = {"channel": SEGMENT}


@dataclass(slots=True, kw_only=True)
class Story(BankStory):
    """The state of this story, and the API of its line."""

    line: LineApi
    wave_at: datetime | None = None

    @property
    def since_wave(self) -> int:
        """Decisions since the wave began."""
        return self.traffic.decided - self.traffic.tallies["calm"].decided


def _audit_more(story: Story) -> None:
    story.line.audit(SHARE, "the story needs more labels")


def _calm(story: Story) -> str | None:
    tally, audits = story.traffic.tally, story.people.given["audit"]
    if tally.decided < CALM or audits < AUDITED:
        return None
    return f"{tally.automatic / tally.decided:.0%} of {tally.decided:,} automatic, {audits:,} audited blindly"


def _begin_wave(story: Story) -> None:
    story.traffic.part = "wave"
    story.wave_at = datetime.now(UTC)


def _alarmed(story: Story) -> str | None:
    new = [one for one in story.line.alerts() if _after(one["raised_at"], story.wave_at)]
    if not new:
        return None
    first = min(new, key=lambda one: datetime.fromisoformat(one["raised_at"]))
    story.seen["alarm"] = story.since_wave
    return f"{first['level']}, after {story.since_wave:,} decisions: {first['message']}"


def _narrowed(story: Story) -> str | None:
    for now, before in _revisions(story, WHOLE):
        if now["threshold"] > before and _after(now["at"], story.wave_at):
            story.seen["narrow"] = now
            return f"revision {now['revision']}: {_sentence(now)}"
    return None


def _held(story: Story) -> str | None:
    for one in story.line.held():
        if one["segment"] == WHOLE and one["by"] != CALLER:
            story.seen["held"] = story.since_wave
            return f"{one['state']} by {one['by']}: {one['reason']}"
    return None


def _traced(story: Story) -> str | None:
    stopped = story.people.stopped
    if stopped.total() < CAUGHT or stopped[SEGMENT] < stopped.total() / 2:
        return None
    story.line.pull(IN_SEGMENT, f"{stopped[SEGMENT]} of {stopped.total()} frauds arrived by {SEGMENT}")
    return f"{stopped[SEGMENT]} of {stopped.total()} frauds stopped by people arrived by {SEGMENT}, which is now held"


def _end_wave(story: Story) -> None:
    story.traffic.part = "calm again"
    story.seen["before"] = story.people.given["review"]


def _widened(story: Story) -> str | None:
    for now, before in _revisions(story, WHOLE):
        if now["threshold"] < before and _after(now["at"], story.wave_at):
            labels = story.people.given["review"] - story.seen["before"]
            return f"{labels:,} verdicts later, revision {now['revision']}: {_sentence(now)}"
    return None


def _release_line(story: Story) -> None:
    story.line.release(WHOLE, "the hole is closed, and labels prove it", story.line.checklist())
    story.seen["then"] = story.traffic.tally.automatic


def _automatic_but_segment(story: Story) -> str | None:
    held, tally = story.line.held(), story.traffic.tally
    automatic = tally.automatic - story.seen["then"]
    if [one["segment"] for one in held] != [IN_SEGMENT] or automatic < AGAIN:
        return None
    return f"{automatic} transfers were automatic again; those by {SEGMENT} still go to people"


def _release_segment(story: Story) -> None:
    story.line.release(IN_SEGMENT, f"no fraud by {SEGMENT} since the hole was closed", [])
    story.seen["segment"] = _automatic_in(story)


def _automatic(story: Story) -> str | None:
    new = _automatic_in(story) - story.seen["segment"]
    return f"{new} transfers by {SEGMENT} were automatic" if not story.line.held() and new >= AGAIN // 10 else None


ACTS: Sequence[Act[Story]] = (
    Act("The line decides, and people audit it blindly", 240, _calm, _audit_more),
    Act("The fraud pattern changes: an alarm", 120, _alarmed, _begin_wave),
    Act("The risk gate shrinks", 120, _narrowed),
    Act("The cord is pulled automatically: people decide", 60, _held),
    Act("People find the affected segment", 240, _traced),
    Act("The hole is closed, people label, and the gate widens", 480, _widened, _end_wave),
    Act("The cord of the line is released", 60, _automatic_but_segment, _release_line),
    Act("The segment is released: automatic again", 60, _automatic, _release_segment),
)


def _automatic_in(story: Story) -> int:
    tally = story.traffic.tallies["calm again"]
    return tally.segment.total() - tally.segment["review"]


def _revisions(story: Story, segment: Mapping[str, Any]) -> list[tuple[dict[str, Any], float]]:
    """Return the gate revisions of a segment, newest first, each with the threshold before it."""
    found = [one for one in story.line.gates() if one["segment"] == segment]
    return list(zip(found, [one["threshold"] for one in found[1:]], strict=False))


def _sentence(revision: Mapping[str, Any]) -> str:
    return str(revision["evidence"].get("sentence", revision["reason"]))


def _after(at: str, moment: datetime | None) -> bool:
    return moment is not None and datetime.fromisoformat(at) >= moment
