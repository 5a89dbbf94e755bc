"""Truth: which class each outcome corresponds to, and when it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from andon.authoring.errors import DeclarationInvalid
from andon.authoring.fallback import BY_REVIEW
from andon.authoring.triggers import Trigger


@dataclass(frozen=True, slots=True)
class Truth:
    """The meaning of outcomes: the true class that each implies, and when labels are mature.

        Truth({"pause": "fraud", "release": "honest"}, matures=timedelta(days=30), unreported="honest")

    `outcomes` maps outcomes of the policy to classes of the model. An outcome that does not determine the class maps to
    None, or is omitted. A label is mature `matures` after its decision; zero means immediately. `unreported` is the
    class assumed at maturity if nothing was reported. It is assumed only for decisions whose outcome corresponds to
    that class: a paused transfer cannot be reported as fraud, so silence proves nothing about it. `reported` lists
    streams of events that report the truth: their `read` builds `{"decision_id": ..., "value": ...}` from an event.
    `untrained` lists classes for which no model was trained yet; labels may still name them.
    """

    outcomes: Mapping[str, str | None]
    matures: timedelta = timedelta(0)
    unreported: str | None = None
    reported: Trigger | Sequence[Trigger] = ()
    untrained: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.outcomes, Mapping):
            raise DeclarationInvalid(f"Truth: outcomes must be a dict from outcomes to classes, got {self.outcomes!r}")
        for outcome, value in self.outcomes.items():
            if not isinstance(outcome, str) or not isinstance(value, str | None):
                raise DeclarationInvalid(
                    f"Truth: expected an outcome and a class (or None) as text, got {outcome!r}: {value!r}"
                )
        if BY_REVIEW in self.outcomes:
            raise DeclarationInvalid(f"Truth: the outcome {BY_REVIEW!r} asks a person, so it corresponds to no class")
        if not self.classes:
            raise DeclarationInvalid("Truth: at least one outcome must correspond to a class")
        if not isinstance(self.matures, timedelta) or self.matures < timedelta(0):
            raise DeclarationInvalid(f"Truth: matures must be a timedelta of zero or more, got {self.matures!r}")
        self._check_reported()
        if isinstance(self.untrained, str) or not set(self.untrained) <= set(self.classes):
            raise DeclarationInvalid(
                f"Truth: untrained must be a list of classes of the outcomes ({', '.join(self.classes)}), got "
                f"{self.untrained!r}"
            )
        if self.unreported is None:
            return
        if self.unreported not in self.classes:
            raise DeclarationInvalid(
                f"Truth: unreported must be a class of one of the outcomes ({', '.join(self.classes)}), got "
                f"{self.unreported!r}"
            )
        if not self.matures:
            raise DeclarationInvalid("Truth: unreported needs matures, after which nothing more is expected")

    @property
    def streams(self) -> tuple[Trigger, ...]:
        """The streams that report labels."""
        return (self.reported,) if isinstance(self.reported, Trigger) else tuple(self.reported)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that outcomes correspond to, each once, in order."""
        return tuple(dict.fromkeys(value for value in self.outcomes.values() if value is not None))

    def _check_reported(self) -> None:
        for trigger in self.streams:
            if not isinstance(trigger, Trigger):
                raise DeclarationInvalid(
                    f"Truth: reported must be a source of events, such as kafka('chargebacks'), got {trigger!r}"
                )
            if trigger.source in ("http", "schedule", "imap", "graph_mail", "gmail"):
                raise DeclarationInvalid(
                    f"Truth: {trigger.source} brings no labels; kafka, nats, table, files and folder_moves do, "
                    "and POST /v1/labels"
                )
