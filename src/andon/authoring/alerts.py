"""A builder's declarations about alerts: rules that pull the cord, and drills that test them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from andon.authoring.errors import DeclarationInvalid
from andon.authoring.monitors import MONITORS

AlertLevelName = Literal["warning", "critical"]
HeldStateName = Literal["supervised", "stopped"]

OTHER_ALERTS = ("gate", "budget", "deliveries", "expectations")
"""Alerts that do not come from a monitor."""

_CRITICAL = ("errors", "performance", "service-level", "gate", "budget")
"""Monitors and other origins that raise critical alerts by default."""

LONGEST_ITEM = 200
"""The most characters in an item of a checklist."""


@dataclass(frozen=True, slots=True)
class CordRule:
    """A rule that pulls the cord: `CordRule("performance", level="critical", state="supervised")`.

    An alert of `monitor` at `level` or above puts the line into `state`. With `segment`, only the alert's segment is
    held, if the alert names one; otherwise the whole line is.
    """

    monitor: str
    level: AlertLevelName = "critical"
    state: HeldStateName = "supervised"
    segment: bool = True

    def __post_init__(self) -> None:
        if self.monitor not in (*MONITORS, *OTHER_ALERTS):
            names = ", ".join((*MONITORS, *OTHER_ALERTS))
            raise DeclarationInvalid(f"CordRule: monitor must be one of {names}, got {self.monitor!r}")
        for name, value, known in (
            ("level", self.level, get_args(AlertLevelName)),
            ("state", self.state, get_args(HeldStateName)),
        ):
            if value not in known:
                raise DeclarationInvalid(f"CordRule: {name} must be one of {', '.join(known)}, got {value!r}")
        if not isinstance(self.segment, bool):
            raise DeclarationInvalid(f"CordRule: segment must be True or False, got {self.segment!r}")


def check_reachable(rule: CordRule, levels: Mapping[str, str]) -> None:
    """Raise DeclarationInvalid for a rule that would never pull. `levels` are the declared levels of monitors."""
    own = "critical" if rule.monitor in _CRITICAL else "warning"
    if rule.level == "critical" and levels.get(rule.monitor, own) == "warning":
        remedy = f", or declare Monitors(levels={{{rule.monitor!r}: 'critical'}})" if rule.monitor in MONITORS else ""
        never = f"alerts of {rule.monitor} are warnings, so the rule would never pull"
        raise DeclarationInvalid(f"CordRule: {never}: use level='warning'{remedy}")


@dataclass(frozen=True, slots=True)
class CordDrill:
    """A regular drill: a made-up alert pulls the cord of a segment that no input belongs to."""

    every: timedelta

    def __post_init__(self) -> None:
        if not isinstance(self.every, timedelta) or self.every < timedelta(hours=1):
            raise DeclarationInvalid(f"CordDrill: every must be a timedelta of at least an hour, got {self.every!r}")


def checked_checklist(automation: str, items: Sequence[str]) -> tuple[str, ...]:
    """Return a checklist whose items are short, distinct texts. Raises DeclarationInvalid."""
    for item in items:
        if not item.strip() or len(item) > LONGEST_ITEM:
            raise DeclarationInvalid(
                f"Automation {automation!r}: an item of the checklist must be a text of at most {LONGEST_ITEM} "
                "characters, "
                f"got {item!r}"
            )
    if len({item.strip().casefold() for item in items}) != len(items):
        raise DeclarationInvalid(f"Automation {automation!r}: an item occurs twice in the checklist")
    return tuple(item.strip() for item in items)
