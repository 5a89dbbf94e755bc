"""The gate in force: which revision of an arm holds at a moment for a segment and a predicted class. Pure.

Nothing here depends on a worker being alive: what widens beyond held-out evidence expires, what narrows does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from andon.gates.domain import NOTHING, GateRevision, GateSegment, Origin

LAPSE = timedelta(days=30)
"""The time after the last live proof of an arm for which held-out evidence alone is trusted.

An arm without any live proof never lapses.
"""

Value: TypeAlias = str | int | float | bool
Part: TypeAlias = tuple[Value | None, str]
"""A value of the field by which an arm has gates (None: the whole line), and a predicted class ('': all)."""

WHOLE: Part = (None, "")


def part_of(revision: GateRevision) -> Part:
    """Return the part of the line that a revision concerns."""
    return next(iter(revision.segment.values()), None), revision.predicted


def segment_of_part(field: str | None, part: Part) -> GateSegment:
    """Return the segment of a part."""
    return {} if field is None or part[0] is None else {field: part[0]}


@dataclass(frozen=True, slots=True)
class ArmRevisions:
    """Revisions of one arm that may hold: the newest of each series and origin, and all unexpired ones by people."""

    held_out: Mapping[str, GateRevision]
    """Revisions from held-out evidence, by predicted class."""
    live: Mapping[Part, GateRevision]
    people: Sequence[GateRevision]
    own: GateRevision | None = None
    """A candidate's own gate, which replaces earlier narrowings of the whole line by people."""

    @classmethod
    def of(cls, revisions: Iterable[GateRevision]) -> "ArmRevisions":
        """Sort revisions of one arm; older ones of a series are passed over."""
        held_out, live, people = dict[str, GateRevision](), dict[Part, GateRevision](), list[GateRevision]()
        for one in sorted(revisions, key=lambda one: one.revision):
            match one.origin:
                case Origin.HELD_OUT:
                    held_out[one.predicted] = one
                case Origin.LIVE:
                    live[part_of(one)] = one
                case Origin.PERSON:
                    people.append(one)
        return cls(held_out, live, people)

    def with_own(self, own: GateRevision) -> "ArmRevisions":
        """Return what may hold of a candidate that has these versions and a gate of its own."""
        people = [one for one in self.people if part_of(one) != WHOLE or one.revision > own.revision]
        return replace(self, people=people, own=own)

    @property
    def parts(self) -> set[Part]:
        """Every part of the line that may have a gate of its own."""
        known = [*self.live.values(), *self.people]
        values = {None, *(part_of(one)[0] for one in known if self.field in one.segment)}
        return {(value, predicted) for value in values for predicted in {"", *self.classes}}

    @property
    def classes(self) -> set[str]:
        """The predicted classes that have gates of their own, as the newest declaration says."""
        whole = self.held_out.get("")
        declared = () if whole is None else whole.evidence.get("classes", ())
        return {name for name in declared if name in self.held_out}

    @property
    def field(self) -> str | None:
        """The field by which there are gates, as the newest declaration says."""
        whole = self.held_out.get("")
        return None if whole is None else whole.evidence.get("by")

    def value_of(self, text: str | None) -> Value | None:
        """Return the known value that a text stands for, as a person types it; the text itself if none is known."""
        known = {str(value).lower(): value for value, _ in self.parts if value is not None}
        return None if text is None else known.get(text.lower(), text)

    def moments(self, part: Part, now: datetime) -> list[datetime]:
        """Return the moments after `now` at which another revision may hold for a part."""
        value, predicted = part
        own = (self.live.get(one) for one in {(value, predicted), (value, ""), (None, predicted), WHOLE})
        ends = [one.expires_at for one in (*own, *self.people) if one is not None and one.expires_at is not None]
        if self.live:
            ends.append(self._lapses_at)
        return sorted({end for end in ends if end > now})

    def in_force(self, part: Part, now: datetime) -> GateRevision | None:
        """Return the revision that holds: what is proven, unless a person or a candidate asks for more confidence.

        None if there is none.
        """
        proven = self.proven(part, now)
        if proven is None:
            return None
        own = [] if self.own is None else [self.own]
        return max([proven, *own, *self._narrowed(part, now)], key=lambda one: (one.threshold, one.revision))

    def proven(self, part: Part, now: datetime) -> GateRevision | None:
        """Return the proven revision of a part, regardless of narrowings by people; None if nothing was ever proven.

        For a part without a proof of its own, the proof of the whole line counts. Where live proofs stopped long ago,
        nothing is proven: the threshold is then one that no confidence reaches.
        """
        value, predicted = part
        held_out = self.held_out.get(predicted if predicted in self.classes else "")
        if held_out is None:
            return None
        if self.has_lapsed(now):
            return replace(max(self.live.values(), key=lambda one: one.revision), threshold=NOTHING)
        for own in dict.fromkeys(((value, held_out.predicted), (None, held_out.predicted))):
            live = self.standing(own, now)
            if live is not None:
                return live
        return held_out

    def standing(self, part: Part, now: datetime) -> GateRevision | None:
        """Return the live revision of exactly this part, if it holds beside held-out evidence."""
        live, held_out = self.live.get(part), self.held_out.get(part[1])
        return live if live is not None and held_out is not None and _stands(live, held_out, now) else None

    def without_renewal(self, part: Part, now: datetime) -> GateRevision | None:
        """Return what will hold for a part once everything that expires has, unless it is renewed."""
        moments = [moment for moment in self.moments(part, now) if not self.live or moment < self._lapses_at]
        return self.in_force(part, max([now, *moments]))

    def has_lapsed(self, now: datetime) -> bool:
        """Return whether live proofs had begun and stopped so long ago that nothing is trusted any more."""
        return bool(self.live) and now >= self._lapses_at

    @property
    def _lapses_at(self) -> datetime:
        return max(one.at for one in self.live.values()) + LAPSE

    def narrowing(self, part: Part, now: datetime) -> GateRevision | None:
        """Return the newest unexpired narrowing by a person of exactly this part."""
        return next((one for one in self._narrowed(part, now) if part_of(one) == part), None)

    def _narrowed(self, part: Part, now: datetime) -> list[GateRevision]:
        """Return the newest unexpired narrowing by a person of each series that a part belongs to."""
        value, predicted = part
        newest: dict[Part, GateRevision] = {}
        for one in sorted(self.people, key=lambda one: one.revision):
            own = part_of(one)
            held_out = self.held_out.get(one.predicted if one.predicted in self.classes else "")
            since = 0 if held_out is None else held_out.revision
            if own[0] in (None, value) and own[1] in ("", predicted) and one.revision > since and one.holds(now):
                newest[own] = one
        return list(newest.values())


def _stands(live: GateRevision, held_out: GateRevision, now: datetime) -> bool:
    """Return whether a live revision holds beside held-out evidence: always if narrower, until it expires if wider.

    A wider one proves nothing about a target that was declared after it.
    """
    if live.threshold >= held_out.threshold:
        return True
    return live.revision > held_out.revision and live.expires_at is not None and now < live.expires_at
