"""Gates of `script/bench nature` where nothing is odd: their automatic share, and their speed after a break."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks.nature_gate import Gate
from benchmarks.nature_worlds import HOUR, Cases, Flags, Line, Verdicts, flat

STEP: Final = 100
PROMPT: Final = Verdicts(HOUR / 4, HOUR / 4, due=6 * HOUR)
"""Verdicts within a quarter of an hour, long before they are due."""

AUDITED: Final = 0.05
SHARES: Mapping[str, Line] = {
    "steep": Line(lambda u, _: 0.2 * u**4, 0.01, PROMPT, 20_000, held_out=(1_000, 1_000)),
    "quadratic": Line(lambda u, _: 0.05 * u**2, 0.01, PROMPT, 20_000, held_out=(1_000, 1_000)),
    "gentle": Line(lambda u, _: 0.002 + 0.018 * u, 0.01, PROMPT, 20_000, held_out=(1_000, 1_000)),
    "few held-out rows, 5%": Line(lambda u, _: 0.25 * u**2, 0.05, PROMPT, 20_000),
}
"""Lines whose cases are independent and whose verdicts are prompt."""


def automatic_share(line: Line, rng: Generator) -> float:
    """Return the part of the decisions that a line makes automatically, over its whole run."""
    cases, gate = line.draw(rng), Gate(line.draw_held_out(rng), line.target, line.verdicts.due)
    automatic = 0
    for start in range(0, len(cases), STEP):
        automatic += int(_decided(gate, cases.part(start, start + STEP), rng).sum())
    return automatic / len(cases)


def _decided(gate: Gate, some: Cases, rng: Generator, threshold: float | None = None) -> Flags:
    """Decide cases with what is proven now, or with a threshold. Return which were automatic."""
    proven = gate.region(float(some.at[0])) if threshold is None else threshold
    automatic = np.zeros(len(some), bool) if proven is None else some.confidence >= proven
    gate.decided(some, automatic, ~automatic | (rng.random(len(some)) < AUDITED), AUDITED)
    return automatic


@dataclass(frozen=True, slots=True)
class Break:
    """A line whose error jumps from one decision to the next, whatever the confidence; its target is 1%."""

    before: float
    after: float
    target: float = 0.01

    def wrong_until_closed(self, rng: Generator) -> tuple[float, float] | None:
        """Return the wrong automatic decisions until the region shrinks, and until the oracle alarms.

        None if the gate was not open when the break came.
        """
        held = Line(flat(self.before), self.target, PROMPT, held_out=(800, 1_600))
        gate = Gate(held.draw_held_out(rng), self.target, PROMPT.due)
        at = 0.0
        for _ in range(QUIET // STEP):
            _decided(gate, self._cases(rng, at, self.before), rng)
            at += STEP / A_DAY
        open_at = gate.region(at)
        if open_at is None:
            return None
        closed, wrong, oracle = None, 0, _Oracle(self.target, self.after)
        found: float | None = None
        while (closed is None or found is None) and wrong < MOST:
            some = self._cases(rng, at, self.after)
            automatic = some.confidence >= open_at
            looked = ~automatic | (rng.random(STEP) < AUDITED)
            gate.decided(some, automatic, looked, AUDITED)
            wrong += int(some.wrong[automatic].sum())
            at += STEP / A_DAY
            if found is None and oracle.alarms(some.wrong[automatic & looked]):
                found = float(wrong)
            now = gate.region(at)
            if closed is None and (now is None or now > open_at):
                closed = float(wrong)
        return float(MOST if closed is None else closed), float(MOST if found is None else found)

    def _cases(self, rng: Generator, at: float, error: float) -> Cases:
        some = Line(flat(error), self.target, PROMPT, STEP, A_DAY).draw(rng)
        # Verdicts are known at the next look, for the gate as for the oracle.
        return replace(
            some,
            at=at + np.arange(STEP) / A_DAY,
            subject=some.subject + round(at * A_DAY),
            answered_after=np.full(STEP, 1e-6),
        )


QUIET: Final = 40_000
"""Decisions before the break: two thousand audits."""

A_DAY: Final = 2_000
MOST: Final = 2_000

BREAKS: Mapping[str, Break] = {
    f"break from {before:.1%} to {after:.0%}": Break(before, after)
    for before in (0.003, 0.008)
    for after in (0.03, 0.05, 0.10)
}


class _Oracle:
    """A CUSUM of audits that knows the new error, with one false alarm in 2,500 labels at the target (Page 1954)."""

    def __init__(self, target: float, after: float) -> None:
        self._up, self._down = _increments(target, after)
        self._limit = _limit(target, after)
        self._sum = 0

    def alarms(self, wrong: Flags) -> bool:
        """Follow audits in their order. Tell whether the limit is reached."""
        for one in wrong.tolist():
            self._sum = max(self._sum + (self._up if one else -self._down), 0)
            if self._sum >= self._limit:
                return True
        return False


FALSE_ALARM: Final = 2_500
LATTICE: Final = 4
"""Steps of the lattice a right label moves down."""


def _increments(target: float, after: float) -> tuple[int, int]:
    """Return log-likelihood ratios of a wrong and a right label, in whole steps of a lattice."""
    up, down = np.log(after / target), -np.log((1 - after) / (1 - target))
    return round(up / down * LATTICE), LATTICE


@cache
def _limit(target: float, after: float) -> int:
    """Find the least limit with the wanted mean number of labels between false alarms, by its Markov chain."""
    up, down = _increments(target, after)
    low, high = up // 2, 12 * up
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _run_length(up, down, target, middle) >= FALSE_ALARM else (middle + 1, high)
    return low


def _run_length(up: int, down: int, target: float, limit: int) -> float:
    from scipy.sparse import eye, lil_matrix
    from scipy.sparse.linalg import spsolve

    moves = lil_matrix((limit, limit))
    for state in range(limit):
        moves[state, max(state - down, 0)] += 1.0 - target
        if state + up < limit:
            moves[state, state + up] += target
    return float(spsolve((eye(limit) - moves).tocsc(), np.ones(limit))[0])
