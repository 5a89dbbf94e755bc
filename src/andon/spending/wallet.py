"""A process's holding of a budget, in memory: a reserved block pays for predictions. Pure; integers in pico-units.

The invariant is `used + bound <= granted`: what predictions used, and what those under way may still use, never exceeds
the grant, as long as none costs more than its ceiling. One that does lowers the free amount before anything else is
allowed, and the budget's cushion covers what the grant does not.
"""

from collections import deque

from andon.spending.domain import PICO, PurseClaim

DEFAULT_CPU_US = 50_000
"""The assumed most CPU time of a prediction while nothing is measured."""

TRIAL = 16
"""Batches after which measurements alone set the ceiling. Each new model version begins the count anew."""

MARGIN = 2
"""A ceiling is this many times the highest recent cost."""

LATELY = 1000
"""Batches in a span of measurements. Costs before the last full span are forgotten."""

BURST = 1024
"""Predictions that a block covers even after a quiet time: as many as a gateway admits at once."""

AHEAD = 4
"""A block is this many times what was used since the last renewal."""


class Ceiling:
    """The most that one prediction is assumed to cost: twice the highest cost in the last 1000 to 2000 batches."""

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
    """A block of one period. `granted` never exceeds the figure in the database, so memory errs on the safe side."""

    def __init__(self) -> None:
        self.granted = 0
        self.used = 0
        self.bound = 0
        self.outstanding = 0
        self.given = 0
        self._under_way: deque[list[int]] = deque()

    @property
    def free(self) -> int:
        """The amount for the next predictions; below 0 after one that cost more than its ceiling."""
        return self.granted - self.used - self.bound

    @property
    def is_low(self) -> bool:
        """Whether more than half of what the last renewal gave is used or bound."""
        return self.free * 2 < self.given

    def allow(self, n: int, each: int) -> int:
        """Return how many of `n` predictions are paid at a ceiling of `each`.

        Their ceilings stay bound until they are settled.
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
        """Settle the true cost of allowed predictions. Whichever they are, the bounds of the oldest are freed first."""
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
        """Set the grant to the figure in the database, which is in nano-units."""
        self.granted = granted * PICO

    def lower(self, granted: int) -> int:
        """Lower the grant in memory before the database row is lowered.

        Return the grant that is kept, in nano-units, which is more if used and bound amounts need more.
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
        """Settle the cost of allowed predictions. Those of past periods come first, from their wallets."""
        self.ceiling.learn(version, decisions, cost)
        for wallet in self.leaving:
            ended = min(decisions, wallet.outstanding)
            if ended:
                part = cost * ended // decisions
                wallet.settle(ended, part)
                decisions, cost = decisions - ended, cost - part
        ended = min(decisions, self.wallet.outstanding)
        if ended:  # work that began before there was a budget is not charged
            self.wallet.settle(ended, cost * ended // decisions)

    def turn(self) -> Wallet:
        """Begin a new wallet. The old one is kept until none of its work is under way. Return the old one."""
        left = self.wallet
        self.leaving.append(left)
        self.wallet, self._used_before = Wallet(), 0
        return left

    def want(self) -> int:
        """Return the amount that should be free, in pico-units: enough for a burst, and AHEAD times the recent use."""
        each = self.ceiling.each
        asked = self.wallet.used - self._used_before + self.wallet.bound + self.asked_in_vain * each
        self._used_before, self.asked_in_vain = self.wallet.used, 0
        return max(BURST * each, AHEAD * asked)
