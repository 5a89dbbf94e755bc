"""The metrics of streams."""

from datetime import datetime

from andon.kernel.clock import Clock
from andon.kernel.metrics import Metrics, Readings
from andon.streams.domain import StreamKey
from andon.streams.progress import Moved

_STREAM = ("automation", "stream")


class StreamMetrics:
    """Counts the work of streams, and shows their progress."""

    def __init__(self, metrics: Metrics) -> None:
        self._stands: dict[StreamKey, tuple[int, datetime | None, int]] = {}
        self.events = metrics.batch_counter(
            "andon_stream_events_total",
            "Events taken from a stream, by result: decided, repeated, left_out, dead.",
            (*_STREAM, "result"),
        )
        self.messages_lost = metrics.batch_counter(
            "andon_stream_lost_total", "Messages that a source removed before they were read.", _STREAM
        )
        self.failures = metrics.batch_counter(
            "andon_stream_failures_total", "Failed attempts to read or decide a stream, which are repeated.", _STREAM
        )

    def moved(self, key: StreamKey, moved: Moved) -> None:
        """Count a recorded batch."""
        counter = self.events
        counter.add((*key, "decided"), moved.decided)
        counter.add((*key, "repeated"), moved.repeated)
        counter.add((*key, "left_out"), moved.left_out)
        counter.add((*key, "dead"), moved.dead)

    def stands(self, key: StreamKey, lag: int, watermark: datetime | None, partitions: int) -> None:
        """Show the progress of the partitions that this process reads. Counters begin at zero."""
        if key not in self._stands:
            self.moved(key, Moved(0, 0, 0, 0))
            self.failures.add(key, 0)
            self.messages_lost.add(key, 0)
        self._stands[key] = lag, watermark, partitions

    def failed(self, key: StreamKey) -> None:
        """Count a failure of reading or deciding, which is retried."""
        self.failures.add(key)

    def lost(self, key: StreamKey, messages: int) -> None:
        """Count messages that the source removed before they were read."""
        self.messages_lost.add(key, messages)

    def show(self, metrics: Metrics, clock: Clock) -> None:
        """Include the progress of streams in scrapes; for a process that reads some."""
        metrics.gauges_of(
            "andon_stream_lag",
            "Approximate number of messages not yet read in the partitions that this process reads.",
            lambda: [(key, stand[0]) for key, stand in self._stands.copy().items()],
            labels=("automation", "stream"),
        )
        metrics.gauges_of(
            "andon_stream_watermark_age_seconds",
            "Age of the newest decided event, in the partition where it is oldest.",
            lambda: self._ages(clock.now()),
            labels=("automation", "stream"),
        )
        metrics.gauges_of(
            "andon_stream_partitions",
            "Partitions that this process reads.",
            lambda: [(key, stand[2]) for key, stand in self._stands.copy().items()],
            labels=("automation", "stream"),
        )

    def _ages(self, now: datetime) -> Readings:
        for key, (_, watermark, _) in self._stands.copy().items():
            if watermark is not None:
                yield key, (now - watermark).total_seconds()
