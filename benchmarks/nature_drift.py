"""The alarms of drift as the product raises them, for `script/bench nature`: the watch over features and scores.

A finding that is provisional is shown and raises the share of audits, but it is no alarm.
"""

import numpy as np

from andon.models.profile import profile_of
from andon.models.signature import FeatureKind, FeatureSpec
from andon.monitors.judges.drift import CLASSES_PART
from andon.statistics.drift_watch import DriftWatch as Watch
from andon.statistics.histograms import numeric, reference_of
from benchmarks.nature_features import Rows

FALSE_ALARMS = 0.05
DAY = 86_400.0
MONDAY = 1_767_571_200.0
"""The beginning of the first day, in seconds since 1970."""

CHUNK = 500
"""The decisions that the watch takes at a time: a worker gives it what came since it last looked, 100 or more."""


class DriftWatch:
    """Everything that watches features and scores of a line. `day` takes the rows of a day."""

    def __init__(self, history: Rows, a_day: int) -> None:  # noqa: ARG002 - the watch learns the pace itself
        specs = [FeatureSpec(f"feature_{at}", FeatureKind.NUMBER) for at in range(history.features.shape[1])]
        profile = profile_of(specs, history.features, history.scores)
        scores = profile.scores
        known = [numeric(name, one.edges, one.counts, one.missing) for name, one in profile.numeric.items()]
        self._known = reference_of([*known, numeric("score", scores.edges, scores.counts, scores.missing)])
        self._watch = Watch(self._known, false_alarm=FALSE_ALARMS * (1 - CLASSES_PART))
        self._seen = 0

    def day(self, rows: Rows, *, provisional: bool = False) -> int | None:
        """Follow a day. Return the place of the first alarm's decision in it; None without one.

        With `provisional`, findings that are only shown count as well.
        """
        cells = self._known.binning.cells(np.column_stack((rows.features, rows.scores)))
        times = MONDAY + rows.at * DAY
        found = []
        for start in range(0, len(cells), CHUNK):
            found += self._watch.observe(cells[start : start + CHUNK], times[start : start + CHUNK])
        before, self._seen = self._seen, self._seen + len(cells)
        places = [one.decision - before for one in found if provisional or not one.provisional]
        return max(min(places), 0) if places else None
