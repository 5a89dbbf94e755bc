"""The acts of the story. Each is a condition that is waited for, with a bound; none is a pause."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from benchmarks.line import TooSlow
from examples.demo.drift.api import LineApi
from examples.demo.drift.people import People
from examples.demo.drift.traffic import SEGMENT, Traffic

LOOK = 0.25
"""Seconds between two looks at a condition."""

CALM = 3_000
"""Decisions before the wave."""

AUDITED = 250
"""Blind verdicts before the wave."""

SHARE = 0.2
"""The share of blind audits that the owner asks for when the story begins."""

CAUGHT = 40
"""Frauds of the wave that people stop before the bank closes the hole."""

WHOLE: Mapping[str, Any] = {}
IN_SEGMENT = {"channel": SEGMENT}


@dataclass(slots=True)
class Story:
    """What is on, and what was seen of it: facts by name, which the table at the end shows."""

    line: LineApi
    traffic: Traffic
    people: People
    began: float = field(default_factory=time.monotonic)
    act: str = ""
    seen: dict[str, Any] = field(default_factory=dict)
    wave_at: datetime | None = None
    done: list[tuple[str, float, str]] = field(default_factory=list)

    @property
    def since_wave(self) -> int:
        """Decisions since the wave began."""
        return self.traffic.decided - self.traffic.tallies["calm"].decided


@dataclass(frozen=True, slots=True)
class Act:
    """One act: `happened` looks whether it has, and says in a sentence what did; None if not yet."""

    name: str
    bound: float
    happened: Callable[[Story], str | None]
    begin: Callable[[Story], None] | None = None


async def play(story: Story) -> None:
    """Wait for act after act. Raises TooSlow, which names the act that did not happen."""
    for act in ACTS:
        story.act, began = act.name, time.monotonic()
        if act.begin is not None:
            await asyncio.to_thread(act.begin, story)
        while (told := await asyncio.to_thread(act.happened, story)) is None:
            if time.monotonic() - began > act.bound:
                raise TooSlow(f"{act.bound:.0f} s went by and this did not happen: {act.name}")
            await asyncio.sleep(LOOK)
        story.done.append((act.name, time.monotonic() - began, told))


def _audit_more(story: Story) -> None:
    story.line.audit(SHARE, "the story looks closely")


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
    for now, before in _revisions(story, IN_SEGMENT) + _revisions(story, WHOLE):
        if now["threshold"] > before and _after(now["at"], story.wave_at):
            story.seen["narrow"] = now
            return f"revision {now['revision']}: {_sentence(now)}"
    return None


def _held(story: Story) -> str | None:
    for one in story.line.held():
        if one["segment"] == IN_SEGMENT and one["state"] == "supervised":
            story.seen["held"] = story.since_wave
            return f"every transfer by {SEGMENT} goes to a person: {one['reason']}"
    return None


def _caught(story: Story) -> str | None:
    stopped = story.people.frauds["review"]
    return f"people stopped {stopped} frauds; the bank closes the hole" if stopped >= CAUGHT else None


def _end_wave(story: Story) -> None:
    story.traffic.part = "calm again"


def _widened(story: Story) -> str | None:
    for now, before in _revisions(story, IN_SEGMENT):
        if now["threshold"] < before and _after(now["at"], story.wave_at):
            return f"revision {now['revision']}: {_sentence(now)}"
    return None


def _release(story: Story) -> None:
    story.line.release(IN_SEGMENT, "the hole is closed, and labels prove it", story.line.checklist())


def _automatic(story: Story) -> str | None:
    if story.line.held():
        return None
    before = story.seen.setdefault("segment", _automatic_in(story))
    after = _automatic_in(story)
    return f"{after - before} transfers by {SEGMENT} were automatic again" if after - before >= 10 else None


ACTS = (
    Act("The line decides, and people audit it blindly", 60, _calm, _audit_more),
    Act("The fraud pattern changes: an alarm", 45, _alarmed, _begin_wave),
    Act("The risk gate shrinks", 45, _narrowed),
    Act("The cord pulls itself, for the segment concerned", 45, _held),
    Act("People see what the line would have let through", 45, _caught),
    Act("The hole is closed, people label, and the gate widens", 90, _widened, _end_wave),
    Act("The cord is released: automatic again", 30, _automatic, _release),
)


def _automatic_in(story: Story) -> int:
    tally = story.traffic.tallies["calm again"]
    return tally.segment.total() - tally.segment["review"]


def _revisions(story: Story, segment: Mapping[str, Any]) -> list[tuple[dict[str, Any], float]]:
    """The gate revisions of a segment, the newest first, each with the threshold before it; a first one had the whole line's."""
    found = story.line.gates()
    whole = [one for one in found if not one["segment"]]
    own = [one for one in found if one["segment"] == segment]
    pairs = list(zip(own, [one["threshold"] for one in own[1:]], strict=False))
    if segment and own and whole:
        earlier = [one for one in whole if one["revision"] < own[-1]["revision"]]
        pairs += [(own[-1], earlier[0]["threshold"])] if earlier else []
    return pairs


def _sentence(revision: Mapping[str, Any]) -> str:
    return str(revision["evidence"].get("sentence", revision["reason"]))


def _after(at: str, moment: datetime | None) -> bool:
    return moment is not None and datetime.fromisoformat(at) >= moment
