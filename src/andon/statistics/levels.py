"""Levels: the division of the false-alarm probability among everything that watches the features of a line.

An unchanged line of a thousand decisions a day raises any alarm of drift within ninety days with a probability of at
most FALSE_ALARM. Detectors have most of it, for PERIOD_DECISIONS decisions; a line of more decisions a day has a
shorter period.
"""

FALSE_ALARM = 0.05
PERIOD_DECISIONS = 90_000
PERIOD_WINDOWS = 90
WINDOWS_PART = 0.06
"""The part that comparisons of windows have."""


def detector_level(false_alarm: float = FALSE_ALARM) -> float:
    """Return the probability of a false alarm that the detector of a line may use in a period."""
    return false_alarm * (1 - WINDOWS_PART)


def window_level(windows: int = PERIOD_WINDOWS, false_alarm: float = FALSE_ALARM) -> float:
    """Return the level of one comparison if a period has this many windows; compare it with `Comparison.adjusted`."""
    return false_alarm * WINDOWS_PART / max(windows, 1)
