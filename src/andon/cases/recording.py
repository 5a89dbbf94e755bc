"""Cases from recorded decisions: the input, features, prediction and gate at that time, and the decision."""

from andon.cases.domain import CasePrediction, CaseRisk, DecisionCase, ExpectedDecision, FiledCase, ScoreBounds
from andon.cases.errors import CaseUnsuitable
from andon.cases.files import file_of
from andon.cord import LineState
from andon.decisions import DecisionRecord

ROOM = 0.05
"""How far another model's score may be from the recorded one. People edit the bounds in the file."""


def case_of(record: DecisionRecord, name: str) -> FiledCase:
    """Make a case from a decision.

    Raises CaseUnsuitable for a decision without a prediction or not made by its policy, CasesInvalid for the name.
    """
    row, recorded = record.row, record.record
    if recorded["prediction"] is None or recorded["fallback"] is not None or recorded["policy"]["error"] is not None:
        raise CaseUnsuitable(f"Decision {row.id} was made without a prediction of the model that was to answer")
    if row.line_state is not LineState.AUTOMATIC:
        raise CaseUnsuitable(f"Decision {row.id} was made while the line was {row.line_state}, not by the policy alone")
    prediction = recorded["prediction"]
    score = float(prediction["score"])
    case = DecisionCase(
        name=name.strip(),
        input=recorded["input"],
        features=recorded["features"],
        prediction=CasePrediction(
            score=score,
            label=prediction["label"],
            confidence=prediction["confidence"],
            probabilities=prediction["probabilities"],
        ),
        risk=CaseRisk(threshold=recorded["risk"]["threshold"], target=recorded["risk"]["target"]),
        expect=ExpectedDecision(
            outcome=row.outcome,
            rule=row.rule,
            reasons=list(recorded["policy"]["reasons"]),
            score=ScoreBounds(at_least=max(0.0, round(score - ROOM, 6)), at_most=min(1.0, round(score + ROOM, 6))),
        ),
    )
    return FiledCase(row.automation, file_of(row.automation, case.name), case)
