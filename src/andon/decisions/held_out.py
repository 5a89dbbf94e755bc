"""The held-out evidence of an arm: what its model, gate and policy together would have decided by themselves. Pure.

Each kept row goes through the judge twice, certain and uncertain of its prediction. So it is known from which gate on
the line decides on it without a person, and whether it would have been wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np

from andon import policies
from andon.authoring import EXPECTED, Automation, Request, Truth
from andon.decisions.controls import UNCONTROLLED, Gate
from andon.decisions.domain import HeldOutEvidence, Judgement
from andon.decisions.judging import Judge
from andon.decisions.predicting import Row
from andon.decisions.replay import NOBODY, AsRecorded
from andon.decisions.seeing import Seen
from andon.decisions.traffic import Arm
from andon.decisions.watched import GivenRows, WatchedInput
from andon.features import FeatureSet
from andon.gates import NOTHING
from andon.models import HeldOutRows, Manifest, RiskEvidence, evidence_under
from andon.policies import REVIEW, CompiledPolicy, Ruling
from andon.serving import Prediction

AT_ONCE = 1_000
"""The rows that are judged together; of the others only columns are in memory."""

IN_EVERY_REGION = 1.0
"""The confidence under which a decision counts that is automatic at any gate."""

_READ = ("input", "features")
_HOLD, _BREACHED = EXPECTED
_THRESHOLD = "risk.threshold"
_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

ReadRows: TypeAlias = Callable[[], HeldOutRows | None]
"""Reads the rows that a package keeps; None if it keeps none."""


def arm_evidence(automation: Automation, policy: CompiledPolicy, manifest: Manifest, rows: ReadRows) -> HeldOutEvidence:
    """Return the evidence with which an arm begins.

    A policy that acts on all certain predictions alike needs no rows: the model's own table is about the same
    decisions.
    """
    if automation.risk is None or not automation.predicts or acts_on_all(policy, manifest, automation.truth):
        return HeldOutEvidence(manifest.risk)
    if _THRESHOLD in policy.reads:
        because = (
            f"the policy reads {_THRESHOLD}, so what is automatic depends on more than whether the gate is reached"
        )
        return unproven(manifest.risk, because, _THRESHOLD)
    kept = rows()
    if kept is None or not len(kept):
        return without_rows(policy, manifest)
    judging = _Judging(automation, policy, kept)
    if judging.unjudged:
        named = sorted(judging.unjudged)
        because = f"the policy reads {', '.join(named)}, which the held-out rows of the model do not tell"
        return unproven(manifest.risk, because, *named)
    return judging.evidence(manifest.risk)


def without_rows(policy: CompiledPolicy, manifest: Manifest) -> HeldOutEvidence:
    """Return the evidence of an arm whose package keeps no rows, and whose policy does not act on all predictions."""
    read = [name for name in policy.reads if name.partition(".")[0] in _READ]
    by = f"by {', '.join(read)}" if read else "by itself"
    because = (
        f"the policy decides {by} which certain predictions go to people, and the package of the model keeps no "
        "held-out rows: train and pack it again"
    )
    return unproven(manifest.risk, because, *read)


def unproven(known: RiskEvidence, because: str, *unjudged: str) -> HeldOutEvidence:
    """Return evidence that proves nothing, with the thresholds of a model's own."""

    def emptied(one: RiskEvidence) -> RiskEvidence:
        table = tuple(row.model_copy(update={"rows": 0, "errors": 0}) for row in one.table)
        by_class = None if one.by_class is None else {name: emptied(each) for name, each in one.by_class.items()}
        return RiskEvidence(table=table, rows=0, by_class=by_class)

    return HeldOutEvidence(emptied(known), tuple(unjudged), because)


def acts_on_all(policy: CompiledPolicy, manifest: Manifest, truth: Truth | None) -> bool:
    """Return whether a policy makes each certain prediction automatic, as its class says, and no uncertain one."""
    classes = manifest.signature.classes
    many = len(classes) > 2 and "prediction.probabilities" in policy.reads
    if many or _THRESHOLD in policy.reads or any(name.partition(".")[0] in _READ for name in policy.reads):
        return False
    alone, meanings = policies.rules_alone(policy.table), _meanings(policy, classes, truth)
    for confidence in {1.0, *(row.threshold for row in manifest.risk.table)}:
        rest = (1.0 - confidence) / (len(classes) - 1)
        for label in classes:
            facts = _facts(_prediction(classes, [confidence if name == label else rest for name in classes], label))
            certain, uncertain = (
                policy.evaluate({}, {}, facts, {"certain": sure, "target": 0.0}) for sure in (True, False)
            )
            acts = _acted_on(certain, label, meanings, alone) == label
            if not acts or _acted_on(uncertain, label, meanings, alone) is not None or uncertain.rule in alone:
                return False
    return True


def _meanings(policy: CompiledPolicy, classes: Sequence[str], truth: Truth | None) -> Mapping[str, str | None]:
    """Return the class of each outcome that has one; where no truth is declared, classes that are outcomes."""
    if truth is not None:
        return truth.outcomes
    return {name: name for name in classes} if set(classes) <= set(policy.table.outcomes) else {}


def _acted_on(ruling: Ruling, label: str, meanings: Mapping[str, str | None], alone: frozenset[str]) -> str | None:
    """Return the class on which a ruling acts: that of its outcome, or the predicted one if the outcome has none.

    None if a person decides, or a rule that asks no model.
    """
    if ruling.outcome == REVIEW or ruling.rule in alone:
        return None
    return meanings.get(ruling.outcome) or label


def _prediction(classes: Sequence[str], probabilities: Sequence[float], label: str) -> Prediction:
    by_class = dict(zip(classes, probabilities, strict=True))
    score = probabilities[1] if len(classes) == 2 else by_class[label]
    return Prediction(score, label, by_class[label], by_class)


def _facts(one: Prediction) -> Mapping[str, Any]:
    return {
        "score": one.score,
        "label": one.label,
        "confidence": one.confidence,
        "probabilities": one.probabilities,
    }


@dataclass(slots=True)
class _Regions:
    """The rows as they count: the confidence from which each is automatic (NaN: never), and whether it is wrong."""

    confidence: list[float] = field(default_factory=list)
    wrong: list[bool] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)


class _Judging:
    """Judges kept rows by one policy, or finds what it reads and they do not tell (`unjudged`)."""

    def __init__(self, automation: Automation, policy: CompiledPolicy, rows: HeldOutRows) -> None:
        self._automation, self._policy, self._rows = automation, policy, rows
        self._alone = policies.rules_alone(policy.table)
        self._meanings = _meanings(policy, rows.classes, automation.truth)
        self._judge = Judge(automation.name, policy, when_stopped=automation.when_stopped)
        self._given = GivenRows(automation.contract, rows.columns)
        self._best = rows.probabilities.argmax(axis=1)
        self._regions = _Regions()
        read = [name.split(".", 1) for name in policy.reads]
        wanted = {name for root, name in read if root == "features"}
        expecting = bool(wanted & {_HOLD, _BREACHED})
        wanted = (wanted - {_HOLD, _BREACHED}) | ({one.name for one in automation.expect} if expecting else set())
        self._wanted = wanted & set(automation.feature_names)
        self._expected = FeatureSet(automation.name, (), expect=automation.expect) if expecting else None
        inputs = {name for root, name in read if root == "input"}
        inputs |= {one.name for one in automation.expect} - self._wanted if expecting else set()
        self.unjudged: set[str] = {f"input.{name}" for name in inputs if name not in self._given.names}
        self._computed = [
            one
            for one in automation.features
            if isinstance(one, Request) and not one.moment and one.name in self._wanted
        ]
        self._judge_all()

    def evidence(self, known: RiskEvidence) -> HeldOutEvidence:
        """Return the judged rows by the thresholds of the model's own evidence."""
        found, measuring = self._regions, self._rows.measuring
        table = evidence_under(
            known,
            self._rows.classes,
            np.array(found.confidence, dtype=np.float64),
            self._best,
            np.array(found.wrong, dtype=np.bool_),
            measuring,
        )
        return HeldOutEvidence(table, alone=int((np.array(found.alone, dtype=np.bool_) & measuring).sum()))

    def _judge_all(self) -> None:
        for first in range(0, len(self._rows), AT_ONCE):
            if self.unjudged:
                return
            places = range(first, min(first + AT_ONCE, len(self._rows)))
            inputs = self._given.inputs(places)
            seen = self._seen(places, inputs)
            predicted = [self._predicted(place) for place in places]
            judged = [self._judged(gate, inputs, seen, predicted) for gate in (0.0, NOTHING)]
            for place, prediction, certain, uncertain in zip(places, predicted, *judged, strict=True):
                self._count(prediction, self._rows.labels[place], certain.ruling, uncertain.ruling)

    def _seen(self, places: range, inputs: Sequence[Row]) -> list[Seen]:
        """Return the features that the policy reads: computed from the inputs, or as the rows keep them."""
        rows: list[dict[str, Any]] = [{} for _ in places]
        errors: dict[int, str] = {}
        computed = set()
        for feature in self._computed:
            touched = set[str]()
            watched = [WatchedInput(given, self._given.absent, touched) for given in inputs]
            done = FeatureSet(self._automation.name, [feature]).compute(watched, (), {})
            if touched:
                if feature.name not in self._rows.columns:
                    self.unjudged |= {f"input.{name} (for features.{feature.name})" for name in touched}
                continue
            computed.add(feature.name)
            errors |= {number: str(failed) for number, failed in done.failures.items()}
            for row, found in zip(rows, done.rows, strict=True):
                row.update(found)
        tried = {feature.name for feature in self._computed}
        for name in sorted(self._wanted - computed):
            column = self._rows.columns.get(name)
            if column is None:
                self.unjudged |= set() if name in tried else {f"features.{name}"}
                continue
            for row, place in zip(rows, places, strict=True):
                row[name] = column[place]
        self._expect(inputs, rows)
        return [Seen(row, errors.get(number)) for number, row in enumerate(rows)]

    def _expect(self, inputs: Sequence[Row], rows: Sequence[dict[str, Any]]) -> None:
        """Add the features that say whether values are as expected."""
        if self._expected is not None and not self.unjudged:
            values = [{**given, **row} for given, row in zip(inputs, rows, strict=True)]
            for row, found in zip(rows, self._expected.compute(values, (), {}).rows, strict=True):
                row.update(found)

    def _predicted(self, place: int) -> Prediction:
        classes = self._rows.classes
        return _prediction(classes, self._rows.probabilities[place].tolist(), classes[self._best[place]])

    def _judged(
        self, threshold: float, inputs: Sequence[Row], seen: Sequence[Seen], predicted: Sequence[Prediction]
    ) -> list[Judgement]:
        async def ask(arm: Arm, rows: Sequence[Row], within: float) -> Sequence[Prediction]:
            del arm, rows, within
            return [one for one, s in zip(predicted, seen, strict=True) if s.error is None]

        risk = self._automation.risk
        arm = Arm(NOBODY, AsRecorded(), Gate(threshold, 1.0 if risk is None else risk.target))
        return self._judge.judge_now(arm, inputs, seen, UNCONTROLLED, now=_MOMENT, ask=ask)

    def _count(self, prediction: Prediction, true: str, certain: Ruling, uncertain: Ruling) -> None:
        """Count a row in the regions in which the line decides by itself.

        A decision without the gate counts in each of them. It is wrong if it is, certain or not; where only the
        uncertain one is automatic, a right one counts nowhere, so that it makes no region look better.
        """
        label, meanings, alone = prediction.label, self._meanings, self._alone
        when, unless = (_acted_on(one, label, meanings, alone) for one in (certain, uncertain))
        wrong = any(one is not None and one != true for one in (when, unless))
        confidence = np.nan
        if unless is not None and (when is not None or wrong):
            confidence = IN_EVERY_REGION
        elif when is not None:
            confidence = prediction.confidence
        self._regions.confidence.append(confidence)
        self._regions.wrong.append(wrong)
        self._regions.alone.append(certain.outcome != REVIEW and certain.rule in self._alone)
