"""The inputs that a window sees by the definition of tiles, for tests that compare it with the windows."""

from collections.abc import Iterable

from andon.features.domain import steps_of


class Tiling:
    """The tiles of these spans, in seconds."""

    def __init__(self, spans: Iterable[int]) -> None:
        self._series = steps_of(spans, 0)

    def width(self, span: int) -> int:
        """How wide the tiles are when only this span, and longer ones, look at them."""
        return next(step.width for steps in self._series for step in steps if span <= step.longest)

    def narrowest(self, span: int) -> int:
        """How wide they are at first."""
        return next(steps[0].width for steps in self._series if span <= steps[-1].longest)

    def sees(self, spans: Iterable[int], span: int, now: float, moment: float) -> bool:
        """Return whether the span sees at `now` an input of a moment: directly, by its tile, or by a shorter span."""
        start = moment // self.narrowest(span) * self.narrowest(span)
        alike = [one for one in spans if one <= span and self.narrowest(one) == self.narrowest(span)]
        return start <= now and any(now - one < start // self.width(one) * self.width(one) for one in alike)
