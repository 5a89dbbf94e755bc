"""Overload of a gateway: whether requests are refused unread, and the count of those refused."""

from time import perf_counter_ns

from andon.gateway.dependencies import Gateway

SHEDDING_NS = 1_000_000
"""Nanoseconds for which overload is assumed to last before the next check."""

ROOM_NS = 200_000
"""Nanoseconds for which there is assumed to be capacity before the next check."""

CROWDED = 0.25
"""Share of `max_in_flight` and of the longest wait; below both, parked connections are served again."""


class GatewayOverload:
    """The `Overload` of one gateway, computed from its admission and from the expected wait of its decider."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._admission, self._metrics = gateway.admission, gateway.metrics
        self._longest_wait = gateway.settings.gateway.wait_seconds
        self._sheds = False
        self._look_at = 0

    @property
    def shedding(self) -> bool:
        """Whether one more request is refused unread because of load. The result is reused for a moment."""
        now = perf_counter_ns()
        if now >= self._look_at:
            self._sheds = self._admission.full or self._gateway.decider.expected_wait > self._longest_wait
            self._look_at = now + (SHEDDING_NS if self._sheds else ROOM_NS)
        return self._sheds

    @property
    def crowded(self) -> bool:
        """Whether parked connections stay parked."""
        waits_long = self._gateway.decider.expected_wait > CROWDED * self._longest_wait
        return self._admission.share > CROWDED or waits_long

    def tally(self, automation: str, times: int) -> None:
        """Count requests refused unread. A name that is not deployed counts as unknown."""
        label = self._gateway.label_of(automation)
        self._metrics.requests.add((label, "503"), times)
        self._metrics.refused.add((label, "queue"), times)
