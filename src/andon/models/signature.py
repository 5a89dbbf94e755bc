"""A model's input and output: raw features with their kinds, and classes. `encoding` encodes them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from andon.models.errors import PackageInvalid

Task: TypeAlias = Literal["binary", "multiclass"]

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$")


class FeatureKind(StrEnum):
    """How a raw value is read. A text reaches the model unchanged; everything else becomes numbers."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TIME = "time"
    TEXT = "text"


@dataclass(frozen=True)
class FeatureSpec:
    """One raw feature; a category has the values that the model has learnt (any other counts as missing)."""

    name: str
    kind: FeatureKind
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise PackageInvalid(
                f"Feature {self.name!r}: a name is letters, digits, '_', '.' and '-', at most 128, a letter or "
                "'_' first"
            )
        if (self.kind is FeatureKind.CATEGORY) != bool(self.categories):
            raise PackageInvalid(f"Feature {self.name!r}: a category needs its known values; other kinds have none")
        if len(set(self.categories)) != len(self.categories):
            raise PackageInvalid(f"Feature {self.name!r}: a category value occurs twice")


@dataclass(frozen=True)
class Signature:
    """The model's interface. Of two classes, the second is the positive one, whose probability is the score."""

    task: Task
    features: tuple[FeatureSpec, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if not names or len(set(names)) != len(names):
            raise PackageInvalid("A model needs at least one feature, and no feature name twice")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise PackageInvalid(
                f"A model needs at least two different classes, got {', '.join(self.classes) or 'none'}"
            )
        if self.task != task_of(self.classes):
            raise PackageInvalid(f"{len(self.classes)} classes make a {task_of(self.classes)} model, not {self.task}")

    @property
    def has_texts(self) -> bool:
        """Whether the model takes texts, so that its rows are arrays of objects."""
        return any(feature.kind is FeatureKind.TEXT for feature in self.features)

    @property
    def positive(self) -> str | None:
        """The class whose probability is the score; None with more than two classes."""
        return self.classes[1] if self.task == "binary" else None


def task_of(classes: tuple[str, ...]) -> Task:
    """Return the task: two classes are binary, more are multiclass."""
    return "binary" if len(classes) == 2 else "multiclass"
