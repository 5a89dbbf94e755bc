"""Reading: the tally of the stream that adds committed decisions to windows, and lets detectors follow the sample."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from andon.decisions import DecisionBatch, FeedGroup
from andon.kernel.db import Tx
from andon.monitors.detecting import Detecting
from andon.monitors.judging import WindowJudge
from andon.monitors.sampling import by_slot, counted_before, hour_start, sampled, slot_number, slot_start
from andon.monitors.store import windows as store
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import Sums, added
from andon.monitors.tallying import WholeDecision, WindowKey, group_sums, read_all, slot_tally, whole_sums
from andon.monitors.watching import WatchedAutomation, Watching


class WindowTally:
    """Adds decisions to windows: all of them by their columns, a sample by their records."""

    name = "monitors"

    def __init__(self, watching: Watching, detecting: Detecting, judge: WindowJudge) -> None:
        self._watching, self._detecting, self._judge = watching, detecting, judge

    def count(self, tx: Tx, batch: DecisionBatch, now: datetime) -> None:
        """Add decisions to their windows, and write the changes that detectors find in them."""
        slots = by_slot(batch.groups, slot_number(now))
        automations = sorted({automation for automation, _ in slots})
        numbers = [slot for _, slot in slots]
        counts = store.slot_counts(tx, automations, slot_start(min(numbers) - 1), slot_start(max(numbers)))
        before = {(automation, slot_number(at)): count for (automation, at), count in counts.items()}
        watched = {name: self._watching.one(tx, name) for name in automations}
        chosen = {key: sampled(some, counted_before(key, before)) for key, some in slots.items()}
        batch.items([key for some in chosen.values() for key in some])  # in one query
        by_window: dict[WindowKey, list[FeedGroup]] = defaultdict(list)
        whole: dict[WindowKey, list[WholeDecision]] = defaultdict(list)
        for (automation, slot), some in slots.items():
            for one in some:
                by_window[_key(automation, slot, one)].append(one)
            for read in read_all(chosen[automation, slot], batch.items(chosen[automation, slot])):
                whole[_key(automation, slot, read.of)].append(read)
        self._write(tx, by_window, whole, watched)
        tallies = {key: slot_tally(some, watched[key[0]].latency_us) for key, some in slots.items()}
        store.add_slots(
            tx, {(name, slot_start(slot)): (one.decisions, one.met) for (name, slot), one in tallies.items()}
        )
        self._judge.detected(tx, self._detecting.observe(tx, whole), now)

    def _write(
        self,
        tx: Tx,
        by_window: Mapping[WindowKey, list[FeedGroup]],
        whole: Mapping[WindowKey, list[WholeDecision]],
        watched: Mapping[str, WatchedAutomation],
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
