"""Rules that pull the cord, and drills that try them: what a builder declares about alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from andon.authoring.errors import DeclarationInvalid

AlertLevelName = Literal["warning", "critical"]
HeldStateName = Literal["supervised", "stopped"]

LONGEST_ITEM = 200
"""Characters in an item of a checklist."""


@dataclass(frozen=True, slots=True)
class CordRule:
    """A rule that pulls the cord: `CordRule("performance", level="critical", state="supervised")`.

    An alert of `monitor` at `level` or above makes the line `state`. With `segment` only the segment that the alert
    names is
    held, where it names one; without it the whole line is.
    """

    monitor: str
    level: AlertLevelName = "critical"
    state: HeldStateName = "supervised"
    segment: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str) or not self.monitor.strip():
            raise DeclarationInvalid(f"CordRule: monitor is the name of a monitor, not {self.monitor!r}")
        for name, value, known in (
            ("level", self.level, get_args(AlertLevelName)),
            ("state", self.state, get_args(HeldStateName)),
        ):
            if value not in known:
                raise DeclarationInvalid(f"CordRule: {name} is one of {', '.join(known)}, not {value!r}")
        if not isinstance(self.segment, bool):
            raise DeclarationInvalid(f"CordRule: segment is True or False, not {self.segment!r}")


@dataclass(frozen=True, slots=True)
class CordDrill:
    """A drill every so often: an alert made up for it pulls the cord of a segment that no input belongs to."""

    every: timedelta

    def __post_init__(self) -> None:
        if not isinstance(self.every, timedelta) or self.every < timedelta(hours=1):
            raise DeclarationInvalid(f"CordDrill: every is a timedelta of an hour or more, not {self.every!r}")


def checked_checklist(automation: str, items: Sequence[str]) -> tuple[str, ...]:
    """A checklist whose items are short texts, each once. Raises DeclarationInvalid."""
    for item in items:
        if not item.strip() or len(item) > LONGEST_ITEM:
            raise DeclarationInvalid(
                f"Automation {automation!r}: an item of the checklist is a text of at most {LONGEST_ITEM} characters, "
                f"not {item!r}"
            )
    if len({item.strip().casefold() for item in items}) != len(items):
        raise DeclarationInvalid(f"Automation {automation!r}: an item is twice in the checklist")
    return tuple(item.strip() for item in items)
