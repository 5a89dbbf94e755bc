"""Facts about a data file before a project is written from it: its columns, its target and how it will be split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from andon.datafile import Source
from andon.models import ClassQuality, SentenceEmbedding, TargetProspect

ORDERING = "orders the rows; as a number it would only say where in the file a row stands"
"""Why the model does not see the time that the rows are split by."""


class ColumnKind(StrEnum):
    """What the values of a column are. The last five say nothing that a model could learn from."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TIME = "time"
    TEXT = "text"
    IDENTIFIER = "identifier"
    INDEX = "index"
    CONSTANT = "constant"
    EMPTY = "empty"
    NESTED = "nested"

    @property
    def learnable(self) -> bool:
        """Whether a model can use such a column."""
        return self in (
            ColumnKind.NUMBER,
            ColumnKind.INTEGER,
            ColumnKind.BOOLEAN,
            ColumnKind.CATEGORY,
            ColumnKind.TIME,
            ColumnKind.TEXT,
        )

    @property
    def carried(self) -> bool:
        """Whether a caller sends such a column."""
        return self.learnable or self in (ColumnKind.IDENTIFIER, ColumnKind.INDEX)


class Notation(StrEnum):
    """How numbers stand in a text file, where Python could not read them as they are."""

    COMMA = "decimal comma"
    GROUPED = "thousands separated by commas"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` in the file and on the wire, `field` in Python. `reason` says why the model does not use it.

    `cell` is the SQL of its raw cell, `number` that of its value as a number where it has one.
    """

    name: str
    field: str
    kind: ColumnKind
    cell: str
    number: str | None = None
    missing: float = 0.0
    distinct: int = 0
    low: float | None = None
    high: float | None = None
    median: float | None = None
    longest: int = 0
    categories: tuple[str, ...] = ()
    notation: Notation | None = None
    time_format: str | None = None
    reason: str | None = None

    @property
    def learnable(self) -> bool:
        """Whether a model could learn from it."""
        return self.kind.learnable

    @property
    def keepable(self) -> bool:
        """Whether a model could learn from it if the owner says so."""
        return self.learnable or self.kind in (ColumnKind.IDENTIFIER, ColumnKind.INDEX)

    @property
    def used(self) -> bool:
        """Whether the model learns from its values as they are. Of a time it learns from the parts."""
        return self.learnable and self.kind is not ColumnKind.TIME and self.reason is None

    @property
    def required(self) -> bool:
        """Whether a caller must send it."""
        return self.learnable and self.reason is None and not self.missing


@dataclass(frozen=True, slots=True)
class Target:
    """What the model predicts. `classes` in order; of two the second is the positive one."""

    name: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    unlabelled: int = 0

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def rarest_share(self) -> float:
        """The share of the rarest class among the labelled rows."""
        return min(self.counts) / sum(self.counts)


class TimePart(StrEnum):
    """A part of a time that a model sees; never the raw number, which only says where in the file a row stands."""

    HOUR = "hour"
    WEEKDAY = "weekday"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class TimeFeature:
    """A value made of a time. An age is counted in days up to the time `since`, or up to the decision if that is None.

    `now` is whether the decision's moment replaces a time that a caller leaves out.
    """

    name: str
    part: TimePart
    field: str
    since: str | None = None
    now: bool = False


@dataclass(frozen=True, slots=True)
class WindowTrial:
    """Count and sum of a field by an identifier over the last hour and day, and what they gain on the newest rows.

    `without` and `with_it` are values of `measure`; None where there were too few rows to measure. `written` is whether
    the project has them. `most` is the largest value seen of each feature, by its name.
    """

    field: str
    by: str
    measure: str
    without: float | None
    with_it: float | None
    rows: int
    gains: bool
    written: bool = False
    most: tuple[tuple[str, float], ...] = ()


def shown_number(number: float) -> str:
    """Write a number as a person would, with all its digits."""
    return f"{number:.15g}"


@dataclass(frozen=True, slots=True)
class Cuts:
    """The classes of a quantity, from low to high, and where they part: a value at a cut belongs to the class above it.

    `reader` is the Python expression that makes a number of a `value` of the file.
    """

    classes: tuple[str, ...]
    at: tuple[float, ...]
    reader: str

    def words(self) -> str:
        """Describe the numbers of each class."""
        first, *_, last = self.classes
        bounds = [shown_number(cut) for cut in self.at]
        middle = [
            f"{name} from {low} to below {high}"
            for name, (low, high) in zip(self.classes[1:-1], pairwise(bounds), strict=True)
        ]
        return "; ".join([f"{first} below {bounds[0]}", *middle, f"{last} from {bounds[-1]}"])


@dataclass(frozen=True, slots=True)
class FileTrial:
    """The result of a first model of a sample: what each target makes automatic on `held_out` rows, and its error.

    `by_class` is how well the model recognises each class, where there are more than two.
    """

    prospects: tuple[TargetProspect, ...]
    held_out: int
    error: float
    by_class: Mapping[str, ClassQuality] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The error that is proposed, and the share of decisions that it would make automatic.

    `blind` is how often always giving the most frequent class would be wrong. `why_little` says why the share is small.
    """

    risk: float
    blind: float
    share: float
    trial: FileTrial
    why_little: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The values of the templates. `held_out` is the share of rows that test the model; `notes` go to the builder."""

    name: str
    source: Source
    rows: int
    columns: tuple[Column, ...]
    target: Target
    time: Column | None
    proposal: Proposal
    held_out: float
    notes: tuple[str, ...] = field(default=())
    times: tuple[TimeFeature, ...] = ()
    windows: tuple[WindowTrial, ...] = ()
    sheet: str | None = None
    header: int | None = None
    any_case: bool = False
    """Whether the target is true or false in a mix of case."""
    cuts: Cuts | None = None
    embedding: SentenceEmbedding | None = None
    groups: Column | None = None
    """The column whose equal values belong together: the automation's subject. One held-out row of each counts."""

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns the model learns from as they are."""
        return tuple(column for column in self.columns if column.used)

    @property
    def has_text(self) -> bool:
        """Whether the model learns from free text."""
        return any(column.kind is ColumnKind.TEXT for column in self.features)

    @property
    def written_windows(self) -> tuple[WindowTrial, ...]:
        """The windows that the project has."""
        return tuple(window for window in self.windows if window.written)
