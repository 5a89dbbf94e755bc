"""A process's holding of a budget, in memory: predictions are paid from a reserved block. Pure; whole pico-units.

The invariant: what predictions used and what those under way may still use is never more than what was granted, `used +
bound <= granted`, as long as none costs more than its ceiling. One that does lowers the free amount before anything
else is allowed, and the budget's cushion covers what the grant does not.
"""

from collections import deque

from andon.spending.domain import PICO, PurseClaim

DEFAULT_CPU_US = 50_000
"""The CPU time that a prediction is taken to cost at most while nothing is known."""

TRIAL = 16
"""Batches after which what was measured is believed; begun anew for each model version that appears."""

MARGIN = 2
"""A ceiling is so many times the dearest that was seen lately."""

LATELY = 1000
"""Batches after which what was seen before the last so many is forgotten."""

BURST = 1024
"""The number of predictions that a block covers even after a quiet time: as many as a gateway admits at once."""

AHEAD = 4
"""A block is so many times what was used since the last renewal."""


class Ceiling:
    """The highest cost of one prediction: learned from batches, twice the dearest of the last thousand or two."""

    def __init__(self, default: int) -> None:
        self._default = max(1, default)
        self._versions: set[int] = set()
        self._trial = TRIAL
        self._batches = 0
        self._before = 0
        self._dearest = 0
        self.each = self._default

    def learn(self, version: int, decisions: int, cost: int) -> None:
        """Learn from a batch of `decisions` predictions that cost `cost` together."""
        if version not in self._versions:
            self._versions.add(version)
            self._trial = TRIAL
        if self._trial:
            self._trial -= 1
        self._batches += 1
        if self._batches == LATELY:
            self._batches, self._before, self._dearest = 0, self._dearest, 0
        self._dearest = max(self._dearest, -(-cost // decisions))
        seen = MARGIN * max(self._dearest, self._before, 1)
        self.each = max(seen, self._default) if self._trial else seen


class Wallet:
    """A block of one period. `granted` never exceeds the database's figure, so memory errs on the safe side."""

    def __init__(self) -> None:
        self.granted = 0
        self.used = 0
        self.bound = 0
        self.outstanding = 0
        self.given = 0
        self._under_way: deque[list[int]] = deque()

    @property
    def free(self) -> int:
        """What the next predictions may be paid from; below 0 after one that cost more than it might."""
        return self.granted - self.used - self.bound

    @property
    def is_low(self) -> bool:
        """Whether half of what the last renewal gave is gone."""
        return self.free * 2 < self.given

    def allow(self, n: int, each: int) -> int:
        """Return how many of `n` predictions are paid at a ceiling of `each`.

        So much is bound until they are settled.
        """
        allowed = min(n, max(0, self.free // each))
        if allowed:
            self.bound += allowed * each
            self.outstanding += allowed
            if self._under_way and self._under_way[-1][1] == each:
                self._under_way[-1][0] += allowed
            else:
                self._under_way.append([allowed, each])
        return allowed

    def settle(self, decisions: int, cost: int) -> None:
        """Settle the true cost of allowed predictions. Their identity does not matter: the oldest are settled first."""
        self.used += cost
        while decisions and self._under_way:
            oldest = self._under_way[0]
            ended = min(decisions, oldest[0])
            self.bound -= ended * oldest[1]
            self.outstanding -= ended
            decisions -= ended
            oldest[0] -= ended
            if not oldest[0]:
                self._under_way.popleft()

    def adopt(self, granted: int) -> None:
        """Hold what the database says, in nano-units."""
        self.granted = granted * PICO

    def lower(self, granted: int) -> int:
        """Lower the holding before the database does.

        Return what is kept, which may be more because of bound amounts.
        """
        kept = max(granted, -(-(self.used + self.bound) // PICO))
        self.granted = min(self.granted, kept * PICO)
        return kept

    def claim(self, each: int, want: int) -> PurseClaim:
        """Return the claim of a renewal, in nano-units, each rounded up; `want` is in pico-units."""
        return PurseClaim(*(-(-picos // PICO) for picos in (self.used, self.bound, want, each)))


class Account:
    """One automation's budget in a process: the wallet of the present period, and earlier ones with work under way."""

    def __init__(self, default: int) -> None:
        self.ceiling = Ceiling(default)
        self.wallet = Wallet()
        self.leaving: list[Wallet] = []
        self.asked_in_vain = 0
        self._used_before = 0

    def allow(self, n: int) -> int:
        """Return how many of `n` predictions are paid."""
        allowed = self.wallet.allow(n, self.ceiling.each)
        self.asked_in_vain += n - allowed
        return allowed

    def settle(self, version: int, decisions: int, cost: int) -> None:
        """Settle what allowed predictions cost, those of a past period first, from its wallet."""
        self.ceiling.learn(version, decisions, cost)
        for wallet in self.leaving:
            ended = min(decisions, wallet.outstanding)
            if ended:
                part = cost * ended // decisions
                wallet.settle(ended, part)
                decisions, cost = decisions - ended, cost - part
        ended = min(decisions, self.wallet.outstanding)
        if ended:  # what began before there was a budget is not charged
            self.wallet.settle(ended, cost * ended // decisions)

    def turn(self) -> Wallet:
        """Begin a new wallet; the old one leaves when nothing of it is under way any more."""
        left = self.wallet
        self.leaving.append(left)
        self.wallet, self._used_before = Wallet(), 0
        return left

    def want(self) -> int:
        """Return the amount that should be free, in pico-units: for a burst, and several times the recent demand."""
        each = self.ceiling.each
        asked = self.wallet.used - self._used_before + self.wallet.bound + self.asked_in_vain * each
        self._used_before, self.asked_in_vain = self.wallet.used, 0
        return max(BURST * each, AHEAD * asked)
