"""The time that a line spent in each state, from its pulls and releases. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon.cord import LineState, LineStateChange


@dataclass(frozen=True, slots=True)
class StateTimes:
    """The time of the whole line in each state. During `in_part`, a part of the line was held more than the line."""

    times: Mapping[LineState, timedelta]
    in_part: timedelta

    @property
    def total(self) -> timedelta:
        """The whole time."""
        return sum(self.times.values(), timedelta())

    @property
    def held(self) -> timedelta:
        """The time in which the whole line was not automatic."""
        return self.total - self.times[LineState.AUTOMATIC]

    def share(self, state: LineState) -> float | None:
        """Return the share of the time in a state; None for an empty span."""
        return self.times[state] / self.total if self.total else None


def times_of(states: Sequence[LineStateChange], since: datetime, until: datetime) -> StateTimes:
    """Add up the time between `since` and `until`, given all changes of a line, oldest first."""
    times, in_part = dict.fromkeys(LineState, timedelta()), timedelta()
    held: dict[str, LineState] = {}
    moment = since
    for one in [*states, None]:
        end = until if one is None else min(max(one.at, since), until)
        whole = held.get("{}", LineState.AUTOMATIC)
        times[whole] += end - moment
        if any(state.severity > whole.severity for state in held.values()):
            in_part += end - moment
        moment = end
        if one is not None:
            held[json.dumps(one.segment, sort_keys=True)] = one.after
    return StateTimes(times, in_part)
