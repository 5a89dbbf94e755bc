"""Features that recorded decisions lack, computed from recorded inputs by the definitions and the code used online."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from andon import decisions
from andon.authoring import Automation, Lookup
from andon.decisions import AutomationVersion, RecordedDecision, Seen
from andon.features import FeatureSet, History
from andon.replays.errors import FeatureUnknowable


def lacking_features(automation: Automation, deployed: Sequence[AutomationVersion]) -> frozenset[str]:
    """Return the features that an automation declares and that one of these versions lacked or defined otherwise.

    Raises FeatureUnknowable for one that no history can give.
    """
    described = decisions.describe_features(automation)
    then = [list(version.description["features"]) for version in deployed]
    lacking = [
        feature
        for feature, description in zip(automation.features, described, strict=True)
        if any(description not in known for known in then)
    ]
    unknowable = [name for feature in lacking if isinstance(feature, Lookup) for name in feature.names]
    if unknowable:
        raise FeatureUnknowable(
            f"{', '.join(unknowable)} cannot be replayed: the table of a look-up keeps no history, so nobody knows "
            "what it would have returned then. Release the look-up (`andon release`), let the line decide with it "
            "for a while, then replay the decisions made since"
        )
    return frozenset(name for feature in lacking for name in feature.names)


def reach_of(automation: Automation) -> timedelta:
    """Return how far back a decision's features may reach."""
    longest = FeatureSet(automation.name, automation.features).longest
    return timedelta(seconds=longest) + automation.lateness if longest else timedelta(0)


class Recomputing:
    """The features that decisions would have seen, computed in the order of their requests."""

    def __init__(self, automation: Automation, names: frozenset[str]) -> None:
        self._history = History(automation)
        self._names = names

    def seen(
        self, records: Sequence[RecordedDecision], inputs: Sequence[Mapping[str, Any] | str]
    ) -> Mapping[UUID, Seen]:
        """Return the features of these decisions: the recorded ones, and those that are computed now."""
        pairs = [(record, given) for record, given in zip(records, inputs, strict=True) if not isinstance(given, str)]
        pairs.sort(key=lambda pair: pair[0].asked_at)  # ids give the order only to the millisecond
        ones = [record for record, _ in pairs]
        computed = self._history.compute(
            [given for _, given in pairs],
            [one.happened_at or one.asked_at for one in ones],
            asked=[one.arrived_at or one.asked_at for one in ones],
            seen=[one.features for one in ones],
        )
        return dict(self._merged(ones, computed.rows, computed.failures))

    def _merged(
        self, records: Sequence[RecordedDecision], rows: Sequence[Mapping[str, Any]], failures: Mapping[int, Exception]
    ) -> Iterator[tuple[UUID, Seen]]:
        for number, (record, row) in enumerate(zip(records, rows, strict=True)):
            anew = {name: row[name] for name in self._names if name in row}
            failed = failures.get(number)
            yield record.id, Seen({**record.features, **anew}, record.feature_error if failed is None else str(failed))
