"""The shape of a decision: the name, type, meaning and places of every field, declared here and nowhere else.

From these declarations `shaping.py` generates, at import, the code that writes the record, the ledger's row, the answer
and the summary for the outside, and that reads them back. The API's documents, Arrow, AsyncAPI and the console follow
them as well. A new field is a line here, an attribute of the domain, and, if it is a column, a migration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, Flag, auto
from typing import Annotated, Any, get_type_hints
from uuid import UUID

from andon.cord import LineState
from andon.decisions.domain import Draw, Fallback, LineRef, ModelRef, Risk, Stages
from andon.policies import Ruling
from andon.serving import Assignment, Prediction

RECORD_SHAPE = 3
"""The shape that records are written in. Older ones lack the fields `since` a later one, and stay as they are."""


class ColumnForm(Enum):
    """How a batch sends the values of a column."""

    OWN = auto()
    """As an array: each decision has its own value."""
    SHARED = auto()
    """Once for each combination: many decisions of a batch share them."""


class Shown(Flag):
    """The places where a field is shown."""

    NOWHERE = 0
    ANSWER = auto()
    """The answer to a caller: over HTTP, and in batches as JSON, NDJSON and Arrow."""
    LIST = auto()
    """Lists of decisions over HTTP."""
    WHOLE = auto()
    """The whole decision over HTTP."""
    OUTSIDE = auto()
    """The content of actions, results and reviews; described by AsyncAPI."""
    PAGE = auto()
    """The console's page of a decision, in short."""


OWN, SHARED = ColumnForm
ANSWER, LIST, WHOLE, OUTSIDE, PAGE = Shown
SEEN = LIST | WHOLE
EVERYWHERE = ANSWER | LIST | WHOLE | OUTSIDE


@dataclass(frozen=True, slots=True)
class Field:
    """One field, with its name and type from the class around it."""

    meaning: str
    record: str = ""
    """The path in the record; empty if the field is not in it."""
    column: ColumnForm | None = None
    shown: Shown = Shown.NOWHERE
    of: str = ""
    """An expression over the decision and its parts (`shaping.PARTS`), if the path in the record is not one."""
    once: bool = False
    """Whether a batch writes it once for all decisions that share it. Its value must then be hashable."""
    recorded: str = ""
    """An expression over `row` and `record`, if the field is neither a column nor in the record."""
    json: str = ""
    """The path in JSON; empty if that is the name."""
    since: int = 1
    """The first shape of records that has it."""
    before: Any = None
    """The value in the column of a decision whose record is older."""
    name: str = ""
    type: Any = None

    @property
    def title(self) -> str:
        """The name in words; values measured in microseconds are shown in milliseconds."""
        return self.name.removesuffix("_us").replace("_", " ").capitalize()

    @property
    def path(self) -> str:
        """The path in JSON."""
        return self.json or self.name


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """The columns of a decision in the ledger."""

    id: Annotated[
        UUID,
        Field(
            "The decision: a UUID of version 7, which begins with the moment of the request.",
            "id",
            OWN,
            EVERYWHERE,
            of="request.id",
        ),
    ]
    automation: Annotated[str, Field("The automation that decided.", "line.automation", SHARED, EVERYWHERE | PAGE)]
    automation_version: Annotated[
        int, Field("Its version.", "line.version", SHARED, EVERYWHERE | PAGE, of="line.automation_version")
    ]
    decided_at: Annotated[
        datetime,
        Field("When its batch was judged.", "decided_at", SHARED, EVERYWHERE, once=True, of="decision.decided_at"),
    ]
    outcome: Annotated[str, Field("The outcome that the policy chose.", "policy.outcome", SHARED, EVERYWHERE | PAGE)]
    rule: Annotated[str, Field("The rule that chose it.", "policy.rule", SHARED, EVERYWHERE)]
    score: Annotated[
        float | None, Field("The model's score; null without a prediction.", "prediction.score", OWN, EVERYWHERE | PAGE)
    ]
    label: Annotated[
        str | None,
        Field(
            "The label that the model predicted; null without a prediction.",
            "prediction.label",
            SHARED,
            EVERYWHERE | PAGE,
            since=2,
        ),
    ]
    confidence: Annotated[
        float | None,
        Field("The model's confidence; null without a prediction.", "prediction.confidence", OWN, EVERYWHERE | PAGE),
    ]
    certain: Annotated[
        bool,
        Field(
            "Whether the confidence reached the threshold of the risk gate.", "risk.certain", SHARED, EVERYWHERE | PAGE
        ),
    ]
    gate_revision: Annotated[
        int,
        Field(
            "The revision of the risk gate; 0 if the gate was computed from the model's own held-out evidence.",
            "risk.revision",
            SHARED,
            EVERYWHERE | PAGE,
            since=2,
            before=0,
        ),
    ]
    line_state: Annotated[
        LineState,
        Field(
            "The state of the line, which overrides the policy.",
            "line_state",
            SHARED,
            EVERYWHERE | PAGE,
            since=2,
            before=LineState.AUTOMATIC,
            once=True,
            of="judgement.state",
        ),
    ]
    model: Annotated[str, Field("The model.", "line.model.name", SHARED, LIST | OUTSIDE | PAGE, json="model.name")]
    model_version: Annotated[
        int,
        Field("The version of the model.", "line.model.version", SHARED, LIST | OUTSIDE | PAGE, json="model.version"),
    ]
    policy_version: Annotated[
        str, Field("The version of the policy.", "line.policy_version", SHARED, EVERYWHERE | PAGE)
    ]
    arm: Annotated[
        str,
        Field(
            "The arm: model, model version and policy version in one name, and the gate if it has one of its own.",
            "line.arm",
            SHARED,
            EVERYWHERE | PAGE,
            since=2,
        ),
    ]
    audit_probability: Annotated[
        float,
        Field(
            "The probability with which the decision was drawn for a blind audit.",
            "draw.probability",
            SHARED,
            SEEN | PAGE,
            since=2,
            before=0.0,
        ),
    ]
    audit_drawn: Annotated[
        bool, Field("Whether it was drawn.", "draw.drawn", SHARED, SEEN | PAGE, since=2, before=False)
    ]
    subject_hash: Annotated[
        bytes | None,
        Field(
            "The keyed hash of the subject, whose data this is; null if the automation names none, or the input "
            "has none.",
            "subject",
            OWN,
            SEEN | PAGE,
            since=2,
            of="decision.subject",
        ),
    ]
    caller: Annotated[
        str, Field("The key, stream or person that asked.", "caller", SHARED, WHOLE | PAGE, of="request.caller")
    ]
    correlation_id: Annotated[
        str,
        Field(
            "The id under which the caller, logs and traces know the request.",
            "correlation_id",
            OWN,
            EVERYWHERE,
            of="request.correlation_id",
        ),
    ]
    latency_us: Annotated[
        int,
        Field(
            "The microseconds from admission until the batch was sent to PostgreSQL.",
            column=OWN,
            shown=PAGE,
            of="(now - request.began_ns) // 1000",
        ),
    ]


class Recorded:
    """The parts of the record that are not columns, or only in part; never instantiated, only declared."""

    asked_at: Annotated[datetime, Field("When it was requested.", "asked_at", of="request.asked_at")]
    happened_at: Annotated[
        datetime | None, Field("When the event happened, if known.", "happened_at", of="request.happened_at")
    ]
    arrived_at: Annotated[
        datetime | None,
        Field(
            "When the event arrived in the log from which it was read.",
            "arrived_at",
            of="UNSET if request.arrived_at is None else request.arrived_at",
        ),
    ]
    traceparent: Annotated[
        str | None, Field("The trace of the request.", "traceparent", shown=WHOLE, of="request.traceparent")
    ]
    idempotency_key: Annotated[
        str | None,
        Field(
            "The caller's own key for the request.",
            "idempotency_key",
            of="None if request.idempotency is None else request.idempotency.key",
        ),
    ]
    input: Annotated[
        Any, Field("The input, exactly as it was sent.", "input", shown=WHOLE | OUTSIDE, of="from_json(request.raw)")
    ]
    features: Annotated[
        Mapping[str, Any], Field("The features as seen.", "features", shown=WHOLE, of="decision.features")
    ]
    prediction: Annotated[
        Prediction | None, Field("The model's prediction.", "prediction", shown=WHOLE, of="judgement.prediction")
    ]
    fallback: Annotated[
        Fallback | None,
        Field("What answered instead of the version.", "fallback", shown=WHOLE, of="judgement.fallback"),
    ]
    risk: Annotated[
        Risk,
        Field(
            "Whether the prediction was certain enough, and the bounds in force.",
            "risk",
            shown=WHOLE,
            once=True,
            of="judgement.risk",
        ),
    ]
    policy: Annotated[
        Ruling,
        Field(
            "What the policy chose; `error` if a condition could not be evaluated or nothing could be predicted.",
            "policy",
            shown=WHOLE,
            once=True,
            of="judgement.ruling",
        ),
    ]
    reasons: Annotated[
        tuple[str, ...], Field("The reason codes of the rule.", "policy.reasons", shown=ANSWER | WHOLE | OUTSIDE)
    ]
    model_used: Annotated[
        ModelRef, Field("The model version that predicted.", "line.model", shown=ANSWER | WHOLE, json="model")
    ]
    line: Annotated[LineRef, Field("The exact versions that decided.", "line", once=True, of="decision.line")]
    assignment: Annotated[
        Assignment,
        Field("The version chosen to answer, and why.", "assignment", shown=WHOLE, once=True, of="decision.assignment"),
    ]
    stages_us: Annotated[
        Stages,
        Field(
            "The microseconds of each stage of the batch, and its size.",
            "stages_us",
            shown=WHOLE,
            once=True,
            of="decision.stages_us",
        ),
    ]
    draw: Annotated[Draw, Field("The draw for a blind audit.", "draw", since=2, once=True, of="decision.draw")]
    deliveries: Annotated[
        Mapping[str, str],
        Field(
            "The deliveries that it sets off: the SHA-256 of each, by its id. Absent if there are none.",
            "deliveries",
            since=3,
            of="UNSET",
        ),
    ]
    latency_ms: Annotated[
        float,
        Field(
            "The milliseconds until it was recorded; in an answer, until it was answered.",
            recorded="row.latency_us / 1000",
            shown=ANSWER | SEEN,
        ),
    ]
    decided_by: Annotated[str, Field("Who decided.", of="'policy'", recorded="'policy'", shown=OUTSIDE)]


def _declared(shape: type) -> dict[str, Field]:
    """Return the fields of a class, each with its name and type."""
    hints = get_type_hints(shape, include_extras=True)
    return {
        name: replace(declared.__metadata__[0], name=name, type=declared.__origin__) for name, declared in hints.items()
    }


COLUMNS = _declared(DecisionRow)
"""The fields that are columns, in their order."""

FIELDS = COLUMNS | _declared(Recorded)
"""All fields."""


def shown(where: Shown) -> list[Field]:
    """Return the fields that are shown in a place."""
    return [field for field in FIELDS.values() if where in field.shown]
