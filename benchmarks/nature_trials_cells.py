"""Rollouts and experiments in the worlds of `nature_arms`: who is rolled back, shown sound, or named the winner."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks.nature_arms import STEPS, Rivals, Shadowed, Stage
from benchmarks.nature_trials import Experimenting, ShadowTrial, Trial
from benchmarks.nature_worlds import HOUR

LOOKS: Final = 60
"""Looks at a trial during its run; some more follow until all is known."""

TAIL: Final = 10
AT_THE_MARGIN: Final = 1.5
"""The ratio of errors that the usual margin of 50% just does not allow."""


def rolled_back(rivals: Rivals, rng: Generator) -> bool:
    """Tell whether the candidate is ever rolled back."""
    return _ends(rivals, rng, lambda trial: trial.harmed)


def shown_sound(rivals: Rivals, rng: Generator) -> bool:
    """Tell whether the candidate is ever shown to be good enough for all traffic."""
    return _ends(rivals, rng, lambda trial: trial.sound)


def _ends(rivals: Rivals, rng: Generator, reached: Callable[[Trial], bool]) -> bool:
    cases = rivals.draw(rng)
    steps = [*sorted({one.share * 100 for one in rivals.stages}), 100.0]
    trial = Trial(steps, rivals.due, "subject" if rivals.accounts else "decision")
    edges = np.linspace(0, len(cases), LOOKS + 1).astype(int)
    for start, end in pairwise(edges):
        trial.decided(cases.chosen(slice(start, end)))
        trial.look(float(cases.at[end - 1]))
        if reached(trial):
            return True
    last = float(cases.at[-1])
    for at in np.linspace(last, last + 10 * max(*rivals.delays, rivals.due), TAIL + 1)[1:]:
        trial.look(float(at))
    return reached(trial)


def shadow_rolled_back(world: Shadowed, rng: Generator) -> bool:
    """Tell whether a shadow is ever rolled back."""
    cases = world.draw(rng)
    trial = ShadowTrial(world.due)
    edges = np.linspace(0, len(cases), LOOKS + 1).astype(int)
    for start, end in pairwise(edges):
        trial.decided(cases.chosen(slice(start, end)))
        trial.look(float(cases.at[end - 1]))
        if trial.harmed:
            return True
    trial.look(float(cases.at[-1]) + 10 * max(world.delay, world.due))
    return trial.harmed


@dataclass(frozen=True, slots=True)
class Experimented:
    """An experiment of two arms with their true rates and mean delays; everything is reviewed."""

    rates: tuple[float, float] = (0.03, 0.04)
    delays: tuple[float, float] = (HOUR, HOUR)
    due: float = 8 * HOUR
    thompson: bool = False
    decisions: int = 20_000
    looks: int = 32
    a_day: int = 5_000

    def _watched(self, rng: Generator, judged: Callable[[Experimenting], bool]) -> bool:
        found = Experimenting(self.due, thompson=self.thompson)
        each = self.decisions // self.looks
        tail = 10 * max(*self.delays, self.due) * self.a_day / each
        for look in range(self.looks):
            stage = (Stage(each / self.a_day, found.share),)
            ratio = self.rates[1] / self.rates[0]
            rivals = Rivals(ratio, self.rates[0], (1.0, 1.0), self.delays[::-1], stages=stage, a_day=self.a_day)
            cases = rivals.draw(rng)
            cases.at[:] += look * each / self.a_day
            found.decided(cases)
            found.look(float(cases.at[-1]))
            if judged(found):
                return True
        for at in np.linspace(0.0, tail, TAIL):
            found.look((self.looks + float(at)) * each / self.a_day)
            if judged(found):
                return True
        return False

    def names_the_worse(self, rng: Generator) -> bool:
        """Tell whether an arm that is no better is ever named better."""
        worse = int(self.rates[1] > self.rates[0])
        equal = self.rates[0] == self.rates[1]
        return self._watched(rng, lambda one: one.better() is not None if equal else one.better() == worse)

    def interval_misses(self, rng: Generator) -> bool:
        """Tell whether the interval of an arm ever misses its true rate."""

        def misses(one: Experimenting) -> bool:
            both = zip(one.intervals(), self.rates, strict=True)
            return any(found is not None and not found[0] <= rate <= found[1] for found, rate in both)

        return self._watched(rng, misses)


_EVERYTHING = (1.0, 1.0)


def _late(ratio: float, candidate: float, control: float, due: float) -> Rivals:
    return Rivals(ratio, 0.02, _EVERYTHING, (candidate, control), due, STEPS)


_SHADOWS: Mapping[str, Shadowed] = {
    "shadow, audits 2% to 20%, verdicts 5 d late, 4,000 a day": Shadowed((0.02, 0.2), (10, 10), 5.0, 6.0, 4_000),
    "shadow, audits 0.5% to 20%, verdicts 2 d late, 4,000 a day": Shadowed((0.005, 0.2), (10, 10), 2.0, 3.0, 4_000),
    "shadow, audits 20% to 2%, verdicts 5 d late, 1,000 a day": Shadowed((0.2, 0.02), (10, 10), 5.0, 6.0, 1_000),
}
_UNPROVEN = (Stage(8.0, 0.25),)
_SMALL = (Stage(40.0, 0.05),)
_RAISED = (Stage(8.0, 0.5, 0.02), Stage(8.0, 0.5, 0.2))
_ACCOUNTS = Rivals(error=0.02, stages=(Stage(4.0, 0.05), Stage(4.0, 0.25), Stage(8.0, 0.5)), accounts=4_000)

_HEALTHY: Mapping[str, Rivals] = {
    "same, reviews 40% not 10%": Rivals(reviews=(0.4, 0.1)),
    "same, reviews 10% not 40%": Rivals(reviews=(0.1, 0.4)),
    "same, not proven yet, share 25%": Rivals(reviews=(1.0, 0.3), stages=_UNPROVEN),
    "same, not proven yet, share 5%": Rivals(reviews=(1.0, 0.3), stages=_SMALL),
    "same, 1 d against 1 d": _late(1.0, 1.0, 1.0, 2.0),
    "same, 2.4 h against 1 d": _late(1.0, 0.1, 1.0, 2.0),
    "same, 12 h against 3 d": _late(1.0, 0.5, 3.0, 4.0),
    "same, audits raised from 2% to 20%": Rivals(reviews=(0.4, 0.1), delays=(2.0, 2.0), due=3.0, stages=_RAISED),
    "same, accounts that stay with their arm": _ACCOUNTS,
}
_MARGIN: Mapping[str, Rivals] = {
    "at the margin, reviews 10% not 40%": Rivals(AT_THE_MARGIN, reviews=(0.1, 0.4)),
    "at the margin, reviews 40% not 10%": Rivals(AT_THE_MARGIN, reviews=(0.4, 0.1)),
    "at the margin, not proven yet": Rivals(AT_THE_MARGIN, reviews=(1.0, 0.3), stages=_UNPROVEN),
    "twice the errors, reviews 2% not 40%": Rivals(2.0, reviews=(0.02, 0.4)),
    "at the margin, 1 d against 1 d": _late(AT_THE_MARGIN, 1.0, 1.0, 2.0),
    "at the margin, 1 d against 2.4 h": _late(AT_THE_MARGIN, 1.0, 0.1, 2.0),
    "at the margin, 2 d against 12 h": _late(AT_THE_MARGIN, 2.0, 0.5, 3.0),
    "three times the errors, 3 d against 2.4 h": _late(3.0, 3.0, 0.1, 4.0),
    "at the margin, audits raised from 2% to 20%": Rivals(
        AT_THE_MARGIN, reviews=(0.1, 0.4), delays=(2.0, 2.0), due=3.0, stages=_RAISED
    ),
    "at the margin, accounts that stay with their arm": Rivals(
        AT_THE_MARGIN, 0.02, stages=_ACCOUNTS.stages, accounts=4_000
    ),
}
_LATE_ARM = (HOUR, 2.0)

ROLLED_BACK: Mapping[str, Callable[[Generator], bool]] = {
    **{name: partial(rolled_back, one) for name, one in _HEALTHY.items()},
    **{name: partial(shadow_rolled_back, one) for name, one in _SHADOWS.items()},
}
SHOWN_SOUND: Mapping[str, Callable[[Generator], bool]] = {
    name: partial(shown_sound, one) for name, one in _MARGIN.items()
}
EXPERIMENTS: Mapping[str, Callable[[Generator], bool]] = {
    "equal arms, one is named better": Experimented(rates=(0.03, 0.03)).names_the_worse,
    "the worse arm, verdicts 2 d late, is named better": Experimented(delays=_LATE_ARM, due=3.0).names_the_worse,
    "the same, Thompson": Experimented(delays=_LATE_ARM, due=3.0, thompson=True).names_the_worse,
    "an arm's interval misses, prompt": Experimented().interval_misses,
    "an arm's interval misses, one arm 1 d late": Experimented(delays=(HOUR, 1.0), due=8.0).interval_misses,
    "an arm's interval misses, both 1 d late": Experimented(delays=(1.0, 1.0), due=8.0).interval_misses,
}
