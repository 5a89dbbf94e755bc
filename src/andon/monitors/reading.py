"""Reading: the feed becomes windows. The feed's position and the sums move in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from andon.decisions import Feed, FeedGroup, raw_records_of
from andon.kernel.db import Tx
from andon.monitors.detecting import Detecting, Found
from andon.monitors.sampling import SLOT, by_slot, counted_before, hour_start, sampled, slot_number, slot_start
from andon.monitors.store import windows as store
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import Sums, added
from andon.monitors.tallying import WindowKey, group_sums, slot_tally, whole_sums
from andon.monitors.watching import WatchedAutomation, Watching
from andon.monitors.whole import WholeDecision, read_all

CONSUMER = "monitors"
"""The name under which monitors read the feed."""

LOOKED_BACK = timedelta(days=30)
"""The span before the first run that monitors read in a new installation."""


class WindowReader:
    """Adds committed decisions to windows, a batch in each transaction."""

    def __init__(self, watching: Watching, detecting: Detecting) -> None:
        self._watching, self._detecting = watching, detecting
        self._feed: Feed | None = None

    def read(self, tx: Tx, now: datetime, limit: int = 5000) -> tuple[int, list[Found]]:
        """Add the next decisions to their windows; return their number and detections. Raises ConsumerBusy."""
        if self._feed is None:
            self._feed = Feed(CONSUMER, start=now - LOOKED_BACK)
        groups = self._feed.take_groups(tx, SLOT, limit)
        return sum(one.count for one in groups), self._add(tx, groups, now) if groups else []

    def _add(self, tx: Tx, groups: Sequence[FeedGroup], now: datetime) -> list[Found]:
        slots = by_slot(groups, slot_number(now))
        automations = sorted({automation for automation, _ in slots})
        numbers = [slot for _, slot in slots]
        counts = store.slot_counts(tx, automations, slot_start(min(numbers) - 1), slot_start(max(numbers)))
        before = {(automation, slot_number(at)): count for (automation, at), count in counts.items()}
        watched = {name: self._watching.one(tx, name) for name in automations}
        chosen = {key: sampled(some, counted_before(key, before)) for key, some in slots.items()}
        records = raw_records_of(tx, [key for some in chosen.values() for key in some])
        by_window: dict[WindowKey, list[FeedGroup]] = defaultdict(list)
        whole: dict[WindowKey, list[WholeDecision]] = defaultdict(list)
        for (automation, slot), some in slots.items():
            for one in some:
                by_window[_key(automation, slot, one)].append(one)
            for read in read_all(chosen[automation, slot], records):
                whole[_key(automation, slot, read.of)].append(read)
        self._write(tx, by_window, whole, watched)
        tallies = {key: slot_tally(some, watched[key[0]].latency_us) for key, some in slots.items()}
        store.add_slots(
            tx, {(name, slot_start(slot)): (one.decisions, one.met) for (name, slot), one in tallies.items()}
        )
        return self._detecting.observe(tx, whole)

    def _write(
        self,
        tx: Tx,
        by_window: dict[WindowKey, list[FeedGroup]],
        whole: dict[WindowKey, list[WholeDecision]],
        watched: dict[str, WatchedAutomation],
    ) -> None:
        stored = store.locked(tx, [(key.automation, key.arm, key.starts_at) for key in by_window])
        written = []
        for key, some in by_window.items():
            sums: Sums = group_sums(some)
            if key in whole:
                reference = self._watching.references.of(tx, key.model, key.version)
                sums |= whole_sums(whole[key], reference, watched[key.automation])
            before = stored.get((key.automation, key.arm, key.starts_at))
            body = sums if before is None else added(before, sums)
            written.append(
                StoredWindow(key.automation, key.arm, key.starts_at, 1, key.model, key.version, body["decisions"], body)
            )
        store.write(tx, written)


def _key(automation: str, slot: int, one: FeedGroup) -> WindowKey:
    return WindowKey(automation, one.arm, hour_start(slot), one.model, one.model_version)
