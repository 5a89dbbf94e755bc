"""Monitors of an automation, where they differ from the defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from andon.authoring.errors import DeclarationInvalid

MONITORS = (
    "drift",
    "prediction-drift",
    "label-drift",
    "calibration",
    "performance",
    "label-free",
    "fairness",
    "service-level",
    "latency",
    "errors",
    "cost",
    "automatic-share",
    "override",
)
"""The monitors that watch every automation. `fairness` has nothing to watch until a field is declared."""

_LEVELS = ("warning", "critical")
_HOUR, _LONGEST_WINDOW = timedelta(hours=1), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A service level: at least `share` of the decisions are made without an error and within `latency`."""

    latency: timedelta = timedelta(seconds=1)
    share: float = 0.995

    def __post_init__(self) -> None:
        if not isinstance(self.latency, timedelta) or self.latency <= timedelta(0):
            raise DeclarationInvalid(f"ServiceLevel: latency must be a timedelta above zero, got {self.latency!r}")
        if not isinstance(self.share, float) or not 0 < self.share < 1:
            raise DeclarationInvalid(f"ServiceLevel: share must be between 0 and 1, got {self.share!r}")


@dataclass(frozen=True, slots=True)
class Fairness:
    """A field whose groups are compared: `Fairness("gender")`.

    A group's rate may differ from that of all others by `tolerance`.
    """

    field: str
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.field, str) or not self.field:
            raise DeclarationInvalid(f"Fairness: expected the name of a field, got {self.field!r}")
        if not isinstance(self.tolerance, float) or not 0 <= self.tolerance < 1:
            raise DeclarationInvalid(f"Fairness: tolerance must be between 0 and 1, got {self.tolerance!r}")


@dataclass(frozen=True, slots=True)
class Monitors:
    """Deviations from the default monitors: `Monitors(off=["cost"], levels={"drift": "critical"})`.

    `window` is how much of the past is compared with the reference. `false_alarms` is the probability that a monitor
    raises any alarm within 90 days if nothing changes. `ignore` names features that are not watched for drift.
    """

    service: ServiceLevel = ServiceLevel()
    fairness: Sequence[Fairness] = ()
    off: Sequence[str] = ()
    levels: Mapping[str, Literal["warning", "critical"]] = field(default_factory=dict)
    ignore: Sequence[str] = ()
    window: timedelta = timedelta(days=1)
    false_alarms: float = 0.05

    def __post_init__(self) -> None:
        if not isinstance(self.service, ServiceLevel):
            raise DeclarationInvalid(f"Monitors: service must be a ServiceLevel, got {self.service!r}")
        for name, kind in (("fairness", Fairness), ("off", str), ("ignore", str)):
            many = getattr(self, name)
            if not isinstance(many, list | tuple) or not all(isinstance(one, kind) for one in many):
                raise DeclarationInvalid(f"Monitors: {name} must be a list, each item a {kind.__name__}, got {many!r}")
        if not isinstance(self.levels, Mapping):
            raise DeclarationInvalid(f"Monitors: levels must be a dict from monitors to levels, got {self.levels!r}")
        unknown = [name for name in (*self.off, *self.levels) if name not in MONITORS]
        if unknown:
            raise DeclarationInvalid(f"Monitors: unknown monitor {unknown[0]!r}; expected one of {', '.join(MONITORS)}")
        wrong = [level for level in self.levels.values() if level not in _LEVELS]
        if wrong:
            raise DeclarationInvalid(f"Monitors: a level must be 'warning' or 'critical', got {wrong[0]!r}")
        if len({one.field for one in self.fairness}) != len(self.fairness):
            raise DeclarationInvalid("Monitors: a field occurs twice in fairness")
        self._check_window()

    def described(self) -> dict[str, Any]:
        """Describe them as JSON values, which are stored with the automation's version."""
        return {
            "service": {"latency_seconds": self.service.latency.total_seconds(), "share": self.service.share},
            "fairness": [{"field": one.field, "tolerance": one.tolerance} for one in self.fairness],
            "off": list(self.off),
            "levels": dict(self.levels),
            "ignore": list(self.ignore),
            "window_hours": self.window // _HOUR,
            "false_alarms": self.false_alarms,
        }

    @classmethod
    def from_description(cls, kept: Mapping[str, Any]) -> "Monitors":
        """Read what `described` wrote."""
        service = kept["service"]
        return cls(
            service=ServiceLevel(timedelta(seconds=service["latency_seconds"]), service["share"]),
            fairness=[Fairness(one["field"], one["tolerance"]) for one in kept["fairness"]],
            off=kept["off"],
            levels=kept["levels"],
            ignore=kept["ignore"],
            window=_HOUR * kept["window_hours"],
            false_alarms=kept["false_alarms"],
        )

    def _check_window(self) -> None:
        window = self.window
        if not isinstance(window, timedelta) or window % _HOUR or not _HOUR <= window <= _LONGEST_WINDOW:
            raise DeclarationInvalid(f"Monitors: window must be whole hours, from 1 hour to 30 days, got {window!r}")
        if not isinstance(self.false_alarms, float) or not 0 < self.false_alarms < 1:
            raise DeclarationInvalid(f"Monitors: false_alarms must be between 0 and 1, got {self.false_alarms!r}")


def monitors_of(given: Monitors | Sequence[ServiceLevel | Fairness] | None) -> Monitors | None:
    """Return the declared monitors, given a `Monitors` or a list of a service level and fields for fairness."""
    if given is None or isinstance(given, Monitors):
        return given
    if not isinstance(given, list | tuple) or not all(isinstance(one, ServiceLevel | Fairness) for one in given):
        raise DeclarationInvalid(
            f"monitors must be a Monitors(...), or a list of ServiceLevel(...) and Fairness(...), got {given!r}"
        )
    levels = [one for one in given if isinstance(one, ServiceLevel)]
    if len(levels) > 1:
        raise DeclarationInvalid("monitors: an automation has at most one ServiceLevel")
    fairness = [one for one in given if isinstance(one, Fairness)]
    return Monitors(service=levels[0] if levels else ServiceLevel(), fairness=fairness)
