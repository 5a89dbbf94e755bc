"""Gates in the worlds of `nature_worlds`: is a region ever proven whose true error is above the target?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

from andon.authoring import BlindAudit
from andon.proofs.sharing import WORTH_CHANGING
from benchmarks.nature_gate import Gate
from benchmarks.nature_worlds import (
    HOUR,
    Line,
    Verdicts,
    by_night,
    flat,
    rising,
    rising_by_night,
)

STEP = 50
"""Decisions between two looks at the gate."""

TAIL = 40
"""Looks at what becomes known after the last decision."""

SHARES = BlindAudit(0.05, least=0.02, most=0.3)


@dataclass(frozen=True, slots=True)
class Audits:
    """The shares of blind audits, one a day in turn; `adaptive` leaves the share to the platform, at each look."""

    shares: tuple[float, ...] = (0.05,)
    adaptive: bool = False

    def share_at(self, day: int) -> float:
        """Return the declared share of a day."""
        return self.shares[day % len(self.shares)]


@dataclass(frozen=True, slots=True)
class Watched:
    """A line with its audits. With `or_held_out`, what held-out rows prove counts as well."""

    line: Line
    audits: Audits = field(default_factory=Audits)
    or_held_out: bool = False

    def proves_falsely(self, rng: Generator) -> bool:
        """Tell whether any region in force during one run of the line has a true error above the target."""
        line, cases = self.line, self.line.draw(rng)
        gate = Gate(line.draw_held_out(rng), line.target, line.verdicts.due)
        if self.or_held_out and self._is_false(gate.held_out_region):
            return True
        day, share, automatic_today, yesterday = -1, self.audits.share_at(0), 0, 0
        for start in range(0, len(cases), STEP):
            some = cases.part(start, start + STEP)
            now = float(some.at[0])
            threshold = gate.region(now)
            if self._is_false(threshold):
                return True
            if int(now) != day:
                day, yesterday, automatic_today = int(now), automatic_today, 0
            share = self._share(gate, share, day, yesterday)
            automatic = np.zeros(len(some), bool) if threshold is None else (some.confidence >= threshold) & ~some.kept
            automatic_today += int(automatic.sum())
            gate.decided(some, automatic, ~automatic | (rng.random(len(some)) < share), share)
        return any(
            self._is_false(gate.region(float(at)))
            for at in np.linspace(float(cases.at[-1]), gate.last_known() + HOUR, TAIL)
        )

    def _share(self, gate: Gate, share: float, day: int, automatic_a_day: int) -> float:
        if not self.audits.adaptive:
            return self.audits.share_at(day)
        wanted = gate.share_wanted(SHARES, automatic_a_day)
        return wanted if abs(wanted - share) >= WORTH_CHANGING * share else share

    def _is_false(self, threshold: float | None) -> bool:
        return threshold is not None and self.line.error_above(threshold) > self.line.target


def _late(wrong: float, right: float, error: float, a_day: float, due: float, target: float = 0.05) -> Watched:
    verdicts = Verdicts(wrong_after=wrong, right_after=right, due=due)
    decisions, held_out = (15_000, (50, 150)) if target == 0.05 else (40_000, (300, 900))
    return Watched(Line(flat(error), target, verdicts, decisions, a_day, held_out=held_out))


def _grouped(size: int, error: float) -> Watched:
    return Watched(Line(flat(error), group=size))


_RISING = rising(0.01, 0.09)
"""At half of all decisions the mean is 3%, at all of them 5%: what reaches further is false at a target of 3%."""

_TARGET = 0.03
_MIXED = Line(_RISING, _TARGET)

FALSE_PROOFS: Mapping[str, Watched] = {
    "wrong after 1 d, right 2.4 h, 5.5%, 500 a day": _late(1.0, 0.1, 0.055, 500, 2.0),
    "wrong after 3 d, right 2.4 h, 5.5%, 500 a day": _late(3.0, 0.1, 0.055, 500, 5.0),
    "wrong after 7 d, right 2.4 h, 10%, 500 a day": _late(7.0, 0.1, 0.10, 500, 5.0),
    "wrong after 1 d, right 2.4 h, 7.5%, 500 a day": _late(1.0, 0.1, 0.075, 500, 2.0),
    "wrong after 1 d, right 2 h, 7.5%, 5,000 a day": _late(1.0, 2 * HOUR, 0.075, 5_000, 2.0),
    "wrong after 1 d, right 12 h, 5.5%, 5,000 a day": _late(1.0, 0.5, 0.055, 5_000, 2.0),
    "wrong after 8 h, right 2 h, 5.5%, 5,000 a day": _late(8 * HOUR, 2 * HOUR, 0.055, 5_000, 1.0),
    "wrong after 2 d, right 2 h, 1.5% at 1%, 2,000 a day": _late(2.0, 2 * HOUR, 0.015, 2_000, 3.0, target=0.01),
    "one in five wrong ones never answered, 6%": Watched(Line(flat(0.06), verdicts=Verdicts(unanswered=0.2))),
    "groups of 2, 5.5%": _grouped(2, 0.055),
    "groups of 5, 5.5%": _grouped(5, 0.055),
    "groups of 5, 10%": _grouped(5, 0.10),
    "groups of 20, 5.5%": _grouped(20, 0.055),
    "groups of 20, 15%": _grouped(20, 0.15),
    "groups of 5, many held-out rows, 5.5%": Watched(
        Line(flat(0.055), group=5, held_out=(400, 1_200)), or_held_out=True
    ),
    "policy keeps easy cases, 3% of all, 6% of the rest": Watched(
        Line(rising(0.0, 0.06), kept=0.5, kept_times=0.0, held_out=(400, 1_200)), or_held_out=True
    ),
    "audits 2% and 30% by turns": Watched(_MIXED, Audits((0.02, 0.02, 0.3))),
    "audits adaptive": Watched(_MIXED, Audits(adaptive=True)),
    "night 10%, day 1%, verdicts after 11 h": Watched(
        Line(by_night(0.01, 0.10), verdicts=Verdicts(11 * HOUR, 11 * HOUR, due=2.0))
    ),
    "rising error, nights worse, audits adaptive": Watched(
        replace(_MIXED, error=rising_by_night(0.01, 0.09, 1.8)), Audits(adaptive=True)
    ),
    "reviewers miss one error in five, as declared, 6%": Watched(Line(flat(0.06), verdicts=Verdicts(missed=0.2))),
    "independent, prompt, 5.05%": Watched(Line(flat(0.0505))),
    "independent, prompt, rising": Watched(_MIXED),
}
"""The worlds, by name. The audit of 3 December 2026 broke those with delays and groups."""
