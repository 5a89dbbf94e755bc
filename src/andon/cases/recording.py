"""A case made of a recorded decision: its input, features, prediction and gate as they were, and what was decided."""

from andon.cases.domain import CasePrediction, CaseRisk, DecisionCase, ExpectedDecision, FiledCase, ScoreBounds
from andon.cases.errors import CaseUnsuitable
from andon.cases.files import file_of
from andon.cord import LineState
from andon.decisions import DecisionRecord

ROOM = 0.05
"""How far from the recorded one the score of another model may lie, as it is written; people edit it."""


def case_of(record: DecisionRecord, name: str) -> FiledCase:
    """The case of a decision. Raises CaseUnsuitable for one that no policy made of a prediction, CasesInvalid for its name."""
    row, told = record.row, record.record
    if told["prediction"] is None or told["fallback"] is not None or told["policy"]["error"] is not None:
        raise CaseUnsuitable(f"Decision {row.id} was made without a prediction of the model that was to answer")
    if row.line_state is not LineState.AUTOMATIC:
        raise CaseUnsuitable(f"Decision {row.id} was made while the line was {row.line_state}, not by the policy alone")
    said, score = told["prediction"], float(told["prediction"]["score"])
    case = DecisionCase(
        name=name.strip(),
        input=told["input"],
        features=told["features"],
        prediction=CasePrediction(
            score=score, label=said["label"], confidence=said["confidence"], probabilities=said["probabilities"]
        ),
        risk=CaseRisk(threshold=told["risk"]["threshold"], target=told["risk"]["target"]),
        expect=ExpectedDecision(
            outcome=row.outcome,
            rule=row.rule,
            reasons=list(told["policy"]["reasons"]),
            score=ScoreBounds(at_least=max(0.0, round(score - ROOM, 6)), at_most=min(1.0, round(score + ROOM, 6))),
        ),
    )
    return FiledCase(row.automation, file_of(row.automation, case.name), case)
