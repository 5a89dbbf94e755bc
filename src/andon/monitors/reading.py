"""Reading: the feed becomes windows. The position of the feed and what was added up move in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from andon.decisions import Feed, FeedOutline, raw_records_of
from andon.kernel.db import Tx
from andon.monitors.detecting import Detecting, Found
from andon.monitors.sampling import by_slot, counted_before, hour_start, sampled, slot_number, slot_start
from andon.monitors.store import windows as store
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import Sums, added
from andon.monitors.tallying import WindowKey, outlines_sums, slot_tally, whole_sums
from andon.monitors.watching import WatchedAutomation, Watching
from andon.monitors.whole import WholeDecision, read_all

CONSUMER = "monitors"
"""The name under which monitors read the feed."""

LOOKED_BACK = timedelta(days=30)
"""How far before its first run a new installation of monitors reads."""


class WindowReader:
    """Adds committed decisions to windows, a batch in each transaction."""

    def __init__(self, watching: Watching, detecting: Detecting) -> None:
        self._watching, self._detecting = watching, detecting
        self._feed: Feed | None = None

    def read(self, tx: Tx, now: datetime, limit: int = 5000) -> tuple[int, list[Found]]:
        """Add the next decisions to their windows; how many there were, and what detectors found. Raises ConsumerBusy."""
        if self._feed is None:
            self._feed = Feed(CONSUMER, start=now - LOOKED_BACK)
        outlines = self._feed.take_outlines(tx, limit)
        return len(outlines), self._add(tx, outlines, now) if outlines else []

    def _add(self, tx: Tx, outlines: Sequence[FeedOutline], now: datetime) -> list[Found]:
        groups = by_slot(outlines, slot_number(now))
        automations = sorted({automation for automation, _ in groups})
        slots = [slot for _, slot in groups]
        counts = store.slot_counts(tx, automations, slot_start(min(slots) - 1), slot_start(max(slots)))
        before = {(automation, slot_number(at)): count for (automation, at), count in counts.items()}
        watched = {name: self._watching.one(tx, name) for name in automations}
        chosen = {key: sampled(group, counted_before(key, before)) for key, group in groups.items()}
        records = raw_records_of(tx, [one.key for some in chosen.values() for one in some])
        by_window: dict[WindowKey, list[FeedOutline]] = defaultdict(list)
        whole: dict[WindowKey, list[WholeDecision]] = defaultdict(list)
        for (automation, slot), group in groups.items():
            for one in group:
                by_window[_key(automation, slot, one)].append(one)
            for read in read_all(chosen[automation, slot], records):
                whole[_key(automation, slot, read.outline)].append(read)
        self._write(tx, by_window, whole, watched)
        tallies = {key: slot_tally(group, watched[key[0]].latency_us) for key, group in groups.items()}
        store.add_slots(
            tx, {(name, slot_start(slot)): (one.decisions, one.met) for (name, slot), one in tallies.items()}
        )
        return self._detecting.observe(tx, whole)

    def _write(
        self,
        tx: Tx,
        by_window: dict[WindowKey, list[FeedOutline]],
        whole: dict[WindowKey, list[WholeDecision]],
        watched: dict[str, WatchedAutomation],
    ) -> None:
        stored = store.locked(tx, [(key.automation, key.arm, key.starts_at) for key in by_window])
        written = []
        for key, group in by_window.items():
            sums: Sums = outlines_sums(group)
            if key in whole:
                reference = self._watching.references.of(tx, key.model, key.version)
                sums |= whole_sums(whole[key], reference, watched[key.automation].fields)
            before = stored.get((key.automation, key.arm, key.starts_at))
            body = sums if before is None else added(before, sums)
            written.append(
                StoredWindow(key.automation, key.arm, key.starts_at, 1, key.model, key.version, body["decisions"], body)
            )
        store.write(tx, written)


def _key(automation: str, slot: int, one: FeedOutline) -> WindowKey:
    return WindowKey(automation, one.arm, hour_start(slot), one.model, one.model_version)
