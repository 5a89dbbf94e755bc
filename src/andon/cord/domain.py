"""Line states: how much a line may decide by itself, regardless of its policy. Pure values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from pydantic_core import to_jsonable_python

from andon.cord.errors import CordInvalid
from andon.kernel import reasons
from andon.kernel.errors import Fault

Scalar: TypeAlias = str | int | float | bool
"""The JSON value of a contract's field."""

Segment: TypeAlias = Mapping[str, Scalar]
"""A part of a line: the inputs whose fields equal these values. The empty segment is the whole line."""


DRILL_FIELD = "andon.drill"
"""The field by which drills name a segment of their own. No contract has it, so no input belongs to such a segment."""


class LineState(StrEnum):
    """The state of a line, which names its decider: the policy, a person, or only the fallback outcome."""

    AUTOMATIC = "automatic"
    SUPERVISED = "supervised"
    STOPPED = "stopped"

    __hash__ = str.__hash__
    """The hash of a string, for speed: records of a batch are grouped by state."""

    @property
    def severity(self) -> int:
        """Return 0 for automatic, 1 for supervised, 2 for stopped."""
        return _SEVERITY[self]


_SEVERITY = {LineState.AUTOMATIC: 0, LineState.SUPERVISED: 1, LineState.STOPPED: 2}


@dataclass(frozen=True, slots=True)
class LineStateChange:
    """One pull or release of the cord: a segment's state before and after, the actor and the reason."""

    automation: str
    number: int
    segment: Segment
    before: LineState
    after: LineState
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LineStates:
    """The states in force for one automation: of the whole line, and of its segments that are not automatic."""

    whole: LineState = LineState.AUTOMATIC
    segments: Sequence[tuple[Segment, LineState]] = ()

    def of(self, given: Mapping[str, Any]) -> LineState:
        """Return the state for one input: the most severe among the whole line's and its segments'."""
        state = self.whole
        for segment, own in self.segments:
            if own.severity > state.severity and belongs(given, segment):
                state = own
        return state

    @property
    def drills(self) -> tuple[str, ...]:
        """The drills whose segments are held."""
        return tuple(str(segment[DRILL_FIELD]) for segment, _ in self.segments if DRILL_FIELD in segment)

    def each(self, inputs: Sequence[Mapping[str, Any]]) -> Sequence[LineState] | None:
        """Return the state for each input; None if all are automatic."""
        if self.segments:
            return [self.of(given) for given in inputs]
        return None if self.whole is LineState.AUTOMATIC else [self.whole] * len(inputs)


ALL_AUTOMATIC = LineStates()
ALL_SUPERVISED = LineStates(LineState.SUPERVISED)


def states_of(changes: Sequence[LineStateChange]) -> LineStates:
    """Return the states in force, given the last change of each segment."""
    whole = next((change.after for change in changes if not change.segment), LineState.AUTOMATIC)
    parts = [(c.segment, c.after) for c in changes if c.segment and c.after is not LineState.AUTOMATIC]
    return LineStates(whole, tuple(parts))


def check_pull(before: LineState, after: LineState, reason: str) -> None:
    """Raise CordInvalid unless this makes the line more careful."""
    faults = reasons.faults_of(reason)
    if after.severity <= before.severity:
        faults.append(Fault("state", f"The line is {before} already; pulling the cord can only make it more careful"))
    if faults:
        raise CordInvalid(faults=faults)


def check_release(before: LineState, after: LineState, reason: str) -> None:
    """Raise CordInvalid unless this makes the line less careful."""
    faults = reasons.faults_of(reason)
    if after.severity >= before.severity:
        faults.append(Fault("state", f"The line is {before}; releasing the cord to {after} would change nothing"))
    if faults:
        raise CordInvalid(faults=faults)


def segment_of(given: Mapping[str, str | Scalar], contract: Mapping[str, Any]) -> Segment:
    """Return a segment with the types of the contract's JSON schema; text is parsed as the field's type.

    Raises CordInvalid.
    """
    fields: Mapping[str, Any] = contract.get("properties", {})
    faults, segment = list[Fault](), dict[str, Scalar]()
    for name, value in sorted(given.items()):
        where = f"segment.{name}"
        if name not in fields:
            faults.append(Fault(where, f"The contract has no field {name!r}; there are {', '.join(sorted(fields))}"))
            continue
        kind = _kind_of(fields[name], contract.get("$defs", {}))
        if kind is None:
            faults.append(Fault(where, "A segment compares text, numbers and booleans; this field is none of them"))
            continue
        try:
            segment[name] = _READ[kind](value)
        except (TypeError, ValueError):
            faults.append(Fault(where, f"Expected a value of type {kind}, got {value!r}"))
    if faults:
        raise CordInvalid(faults=faults)
    return segment


def belongs(given: Mapping[str, Any], segment: Segment) -> bool:
    """Return whether an input belongs to a segment."""
    return all(name in given and to_jsonable_python(given[name]) == value for name, value in segment.items())


def _kind_of(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str | None:
    """Return the JSON type of a comparable field, which may be nullable or an enumeration."""
    if "$ref" in schema:
        return _kind_of(named.get(str(schema["$ref"]).rpartition("/")[2], {}), {})
    if "anyOf" in schema:
        kinds = {_kind_of(one, named) for one in schema["anyOf"] if one.get("type") != "null"}
        return kinds.pop() if len(kinds) == 1 else None
    kind = schema.get("type")
    return kind if kind in _READ and schema.get("format") not in ("date", "time", "date-time", "duration") else None


def _text(value: Scalar) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(value)
    return value


def _integer(value: Scalar) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError(value)
    return int(value)


def _number(value: Scalar) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    if number != number or abs(number) == float("inf"):
        raise ValueError(value)
    return number


def _boolean(value: Scalar) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError(value)
    return text == "true"


_READ: Mapping[str, Callable[[Scalar], Scalar]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
