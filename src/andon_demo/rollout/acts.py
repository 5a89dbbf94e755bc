"""The acts of the rollout story. Each waits for a condition, for a limited time; none is a fixed pause."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from andon_demo import project
from andon_demo.bank.api import MODEL, LineApi
from andon_demo.bank.story import BankStory
from andon_demo.line import Line
from andon_demo.playing import Act

PLANNED = {"busy": 60_000}
"""Transfers made before the story begins; it uses as many as it needs."""

CALM = 1_000
"""Decisions before the first rollout."""

REHEARSED = 1_000
"""The newest decisions that the good model decides again before it gets any traffic."""

AFTER = 200
"""Decisions that prove the promoted model to be deciding."""

BAD, GOOD = 2, 3
"""The model versions, in the order of their registration."""


@dataclass(slots=True, kw_only=True)
class RolloutStory(BankStory):
    """The state of this story, the line with its commands, and its API."""

    line: Line
    api: LineApi

    def begin(self, version: int, reason: str) -> None:
        """Roll out a model version."""
        self.seen[f"began {version}"] = self.traffic.decided
        self.seen[f"rollout {version}"] = self.api.start_rollout(version, reason)

    def rollout(self, version: int) -> Mapping[str, Any]:
        """Return the current state of a model version's rollout."""
        return self.api.rollout(self.seen[f"rollout {version}"])

    def since(self, version: int) -> int:
        """Return the number of decisions since a model version's rollout began."""
        decided: int = self.traffic.decided - self.seen[f"began {version}"]
        return decided


def _calm(story: RolloutStory) -> str | None:
    tally = story.traffic.tally
    if tally.decided < CALM:
        return None
    return f"{tally.automatic / tally.decided:.0%} of {tally.decided:,} automatic by version 1"


def _register_bad(story: RolloutStory) -> None:
    story.line.command("models", "register", "--from-script", project.LEAKY, "--reason", "better than ever on paper")


def _registered_bad(story: RolloutStory) -> str | None:
    return (
        f"version {BAD} has a ROC AUC of {story.api.auc(BAD):.3f} on held-out rows; version 1 has "
        f"{story.api.auc(1):.3f}"
    )


def _roll_out_bad(story: RolloutStory) -> None:
    story.begin(BAD, "the figures look excellent")


def _ended(story: RolloutStory) -> str | None:
    found = story.rollout(BAD)
    if found["state"] != "rolled_back":
        return None
    story.seen["ended"] = story.since(BAD)
    return f"after {story.since(BAD):,} decisions: {found['why']}"


def _register_good(story: RolloutStory) -> None:
    story.line.command("models", "register", "--from-script", project.MORE, "--reason", "trained on twice the data")


def _rehearsed(story: RolloutStory) -> str | None:
    written = story.line.folder / "replay.json"
    order = (
        "replay",
        project.AUTOMATION,
        "--last",
        str(REHEARSED),
        "--model",
        f"{MODEL}@{GOOD}",
        "--json",
        str(written),
    )
    story.line.command(*order)
    found = json.loads(written.read_text(encoding="utf-8"))
    before, after = (found["automatic"][f"share_{side}"] for side in ("before", "after"))
    return (
        f"of {found['decisions']:,} decisions {found['flipped']:,} come out differently; "
        f"{before:.1%} are automatic now, {after:.1%} with version {GOOD}"
    )


def _roll_out_good(story: RolloutStory) -> None:
    story.begin(GOOD, "the replay shows no more mistakes than before")


def _promoted(story: RolloutStory) -> str | None:
    found = story.rollout(GOOD)
    if found["state"] != "promoted":
        return None
    answered = story.traffic.versions[GOOD]
    story.seen.update(promoted=story.since(GOOD), answered=answered.decided, errors=answered.errors)
    return f"after {story.since(GOOD):,} decisions: {found['why']}"


def _decides(story: RolloutStory) -> str | None:
    decided = story.traffic.versions[GOOD].decided - story.seen.setdefault("then", story.traffic.versions[GOOD].decided)
    return f"{decided:,} further transfers were decided by version {GOOD}" if decided >= AFTER else None


ACTS: Sequence[Act[RolloutStory]] = (
    Act("The line decides with version 1", 120, _calm),
    Act("A model that is better on paper is registered", 90, _registered_bad, _register_bad),
    Act("It is rolled out, and rolled back automatically", 240, _ended, _roll_out_bad),
    Act("A good model is registered, and past decisions are replayed with it", 120, _rehearsed, _register_good),
    Act("It is rolled out step by step, and promoted automatically", 300, _promoted, _roll_out_good),
    Act("It decides all traffic", 60, _decides),
)
