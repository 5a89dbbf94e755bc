"""The alarms of drift as versions until bd64bca5 run them, for `script/bench nature --against`."""

from andon.statistics.detectors import DriftDetector
from andon.statistics.levels import PERIOD_WINDOWS, detector_level, window_level

from andon.models.profile import profile_of
from andon.models.signature import FeatureKind, FeatureSpec
from andon.monitors.judges.drift import _dispersion
from andon.statistics.histograms import Histograms, numeric, reference_of
from andon.statistics.shifts import compare
from benchmarks.nature_features import Rows
from benchmarks.nature_worlds import Floats

FIRST = 14


class DriftWatch:
    """Everything that watches features and scores of a line. `day` takes the rows of a day."""

    def __init__(self, history: Rows, a_day: int) -> None:
        names = [f"feature_{at}" for at in range(history.features.shape[1])]
        specs = [FeatureSpec(name=name, kind=FeatureKind.NUMBER) for name in names]
        profile = profile_of(specs, history.features, history.scores)
        features = [numeric(n, p.edges, p.counts, p.missing) for n, p in profile.numeric.items()]
        scores = profile.scores
        volume = 1_000
        while volume < a_day:
            volume *= 2
        self._sides = [
            _Side(reference_of(features), volume * 90, 1.0),
            _Side(reference_of([numeric("score", scores.edges, scores.counts, scores.missing)]), volume * 90, 0.5),
        ]

    def day(self, rows: Rows, *, provisional: bool = False) -> int | None:  # noqa: ARG002 - none was provisional
        """Follow a day. Return the place of the first alarm's decision in it; None without an alarm."""
        found = [self._sides[0].day(rows.features), self._sides[1].day(rows.scores[:, None])]
        return min((one for one in found if one is not None), default=None)


class _Side:
    def __init__(self, known: Histograms, volume: int, part: float) -> None:
        self._known, self._part = known, part
        self._detector = DriftDetector(known, false_alarm=detector_level(), decisions=volume)
        self._first: list[Histograms] = []
        self._dispersion = _dispersion(known, [])
        self._seen = 0

    def day(self, matrix: Floats) -> int | None:
        cells = self._known.binning.cells(matrix)
        found = self._detector.update(cells)
        before, self._seen = self._seen, self._seen + len(matrix)
        if found:
            return max(min(one.decision for one in found) - before, 0)
        window = self._known.binning.count_cells(cells)
        compared = compare(self._known, window, self._dispersion)
        if len(self._first) < FIRST:
            self._first.append(window)
            self._dispersion = _dispersion(self._known, self._first)
        alarmed = bool((compared.adjusted <= window_level(PERIOD_WINDOWS) * self._part).any())
        return len(matrix) - 1 if alarmed else None
