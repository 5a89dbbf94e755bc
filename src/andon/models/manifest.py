"""The manifest: everything known about a packaged model, as one JSON document whose digest names the version.

The parts are plain values. For their meaning see `profile`, `calibration`, `metrics` and `risk` in this folder.
"""

import hashlib
from datetime import datetime
from enum import StrEnum

import numpy as np
import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from andon.kernel.errors import Fault
from andon.models.errors import PackageInvalid
from andon.models.signature import Signature
from andon.runtimes import Matrix
from andon.statistics.scores import CALIBRATION_BINS

MANIFEST_FILE = "manifest.json"

_DIGEST = r"^[0-9a-f]{64}$"


class Runtime(StrEnum):
    """The program that runs a model file."""

    ONNX = "onnx"
    LIGHTGBM = "lightgbm"
    SKLEARN = "sklearn"
    XGBOOST = "xgboost"
    PYTHON = "python"
    PYFUNC = "pyfunc"
    REMOTE = "remote"
    EMBEDDINGS = "embeddings"
    NONE = "none"

    @property
    def isolated_only(self) -> bool:
        """Whether it runs a model's own code, and so never within a process of Andon."""
        return self in (Runtime.PYTHON, Runtime.PYFUNC)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class File(_Part):
    """One file of the package."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")
    digest: str = Field(pattern=_DIGEST)
    size: int = Field(ge=0)


class NumericProfile(_Part):
    """The distribution of a feature's values; `counts[i]` of them lie in [edges[i], edges[i+1]), the last bin closed.

    The values are numbers, booleans (0, 1), times (epoch seconds) or the numbers of characters of texts.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    mean: float | None
    missing: int
    rows: int


class CategoryProfile(_Part):
    """The count of each known category; `missing` counts absent and unknown values."""

    counts: dict[str, int]
    missing: int
    rows: int


class Profile(_Part):
    """The distribution of the training data, and of the calibrated scores of the held-out data.

    Drift is measured against it.
    """

    numeric: dict[str, NumericProfile]
    category: dict[str, CategoryProfile]
    scores: NumericProfile
    """Held-out scores in 50 equal bins of [0, 1]: P(positive), or P(label) with more classes."""


class Curve(_Part):
    """A piecewise linear map of raw to calibrated probability; flat beyond its ends."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class Calibration(_Part):
    """One curve for the positive class, or one for each class (then normalised).

    Without curves the raw probabilities are used.
    """

    curves: tuple[Curve, ...]
    rows: int
    note: str = ""


class Estimate(_Part):
    """A figure with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


class CurvePoints(_Part):
    """Points of one curve for the console."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class ClassQuality(_Part):
    """How well one class is separated from the others on held-out rows; a share that cannot be computed is None."""

    rows: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class ScoredRows(_Part):
    """The measuring rows in equal bins of the calibrated score: rows, the sum of their scores, how many came true.

    The score is P(positive), or with more classes P(label), which came true if the label is right.
    """

    rows: tuple[int, ...] = Field(min_length=CALIBRATION_BINS, max_length=CALIBRATION_BINS)
    scores: tuple[float, ...] = Field(min_length=CALIBRATION_BINS, max_length=CALIBRATION_BINS)
    came_true: tuple[int, ...] = Field(min_length=CALIBRATION_BINS, max_length=CALIBRATION_BINS)

    @model_validator(mode="after")
    def _fits(self) -> "ScoredRows":
        if any(not 0 <= true <= rows for rows, true in zip(self.rows, self.came_true, strict=True)):
            raise ValueError("more rows came true than there are")
        return self


class ModelQuality(_Part):
    """Quality on the held-out rows that calibration has not seen. A figure that cannot be computed is omitted."""

    rows: int
    class_counts: dict[str, int]
    estimates: dict[str, Estimate]
    roc: CurvePoints | None = None
    precision_recall: CurvePoints | None = None
    reliability: CurvePoints | None = None
    by_class: dict[str, ClassQuality] | None = Field(None, exclude_if=lambda by_class: by_class is None)
    """Quality by class, for more than two classes. Older packages lack it, and their digests do not cover it."""
    scored: ScoredRows | None = Field(None, exclude_if=lambda scored: scored is None)
    """How the scores came true, for estimates without labels. Older packages lack it, and get none."""


class RiskRow(_Part):
    """Of `rows` evidence rows with at least this confidence, `errors` were wrong; `planned` rows were expected.

    The expectation was fixed before the errors were counted.
    """

    threshold: float
    planned: int
    rows: int
    errors: int


class RiskEvidence(_Part):
    """How often confident predictions were wrong, by falling confidence; the risk gate is computed from it.

    `foreseen` has, for each row of the table, the calibrating rows above its threshold and how many of them were wrong.
    `by_class` has all this for the rows predicted as each class. Older packages lack both, and their digests do not
    cover them.
    """

    table: tuple[RiskRow, ...]
    rows: int
    foreseen: tuple[tuple[int, int], ...] | None = Field(None, exclude_if=lambda foreseen: foreseen is None)
    by_class: dict[str, "RiskEvidence"] | None = Field(None, exclude_if=lambda by_class: by_class is None)

    @model_validator(mode="after")
    def _foreseen_fits(self) -> "RiskEvidence":
        counts = () if self.foreseen is None else self.foreseen
        if self.foreseen is not None and len(counts) != len(self.table):
            raise ValueError(f"foreseen has {len(counts)} entries, the table {len(self.table)} rows")
        if any(not 0 <= errors <= rows for rows, errors in counts):
            raise ValueError("foreseen has more errors than rows")
        return self


class Probes(_Part):
    """Invented rows, encoded, and the raw probabilities that the model gave when it was packed.

    In a row, None is a missing value, and a text stays a text. `calibrated` has the probabilities that a decision uses:
    by class, calibrated. Older packages lack it, and their digests do not cover it.
    """

    rows: tuple[tuple[float | str | None, ...], ...]
    probabilities: tuple[tuple[float, ...], ...]
    calibrated: tuple[tuple[float, ...], ...] | None = Field(None, exclude_if=lambda calibrated: calibrated is None)

    def matrix(self, has_texts: bool) -> Matrix:
        """Return the rows as a model receives them; `has_texts` is the signature's."""
        if not has_texts:
            return np.array(self.rows, dtype=np.float64)
        matrix: Matrix = np.array(self.rows, dtype=object)
        return matrix


class TrainingData(_Part):
    """The data on which the model was trained.

    `groups` is the column whose equal values belong together: at most one held-out row of each value was kept.
    """

    digest: str = Field(pattern=_DIGEST)
    rows: int
    held_out_rows: int
    split: str
    source: str | None = None
    groups: str | None = Field(None, exclude_if=lambda groups: groups is None)


class Code(_Part):
    """The script that packed the model."""

    file: str
    digest: str = Field(pattern=_DIGEST)
    commit: str | None = None
    modified: bool = False


class Environment(_Part):
    """The environment of packing. `packages` are the distributions that the model needs, with their requirements."""

    python: str
    platform: str
    packages: dict[str, str]


class Manifest(_Part):
    """One packaged model. Immutable; equal manifests have equal digests."""

    format: int = Field(1, ge=1, le=1)
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    description: str = ""
    runtime: Runtime
    model_file: str
    output_order: tuple[int, ...]
    """For each class, the column of the runtime's output that holds it."""
    signature: Signature
    profile: Profile
    calibration: Calibration
    metrics: ModelQuality
    risk: RiskEvidence
    probes: Probes
    training: TrainingData
    code: Code | None
    environment: Environment
    created_at: datetime
    files: tuple[File, ...]
    held_out: str | None = Field(None, exclude_if=lambda held_out: held_out is None)
    """The file of the kept held-out rows (`keeping.py`). Older packages lack it, and their digests do not cover it."""

    @property
    def held_out_file(self) -> File | None:
        """The entry of that file."""
        return next((file for file in self.files if file.name == self.held_out), None)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON (RFC 8785); it covers the files by their digests."""
        return hashlib.sha256(rfc8785.dumps(self.model_dump(mode="json"))).hexdigest()

    def to_json(self) -> str:
        """Return the document as written to disk and to the database."""
        return self.model_dump_json(indent=1)


def parse(text: str | bytes, *, source: str) -> Manifest:
    """Return the manifest in `text`. Raises PackageInvalid, which names each wrong part."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        faults = [Fault(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_input=False)]
        raise PackageInvalid(
            f"{source} is not a manifest that this version of Andon can read", faults=faults
        ) from error
