"""Packing: the function, called at the end of a builder's training script, that writes a folder ready to register."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from andon.models import calibration, keeping, measuring, metrics, profile, risk
from andon.models.asking import PackedFile
from andon.models.coherence import text_fault_of
from andon.models.elsewhere import Elsewhere
from andon.models.encoding import Rows, columns_of, encode, encode_labels
from andon.models.environment import capture
from andon.models.errors import PackageInvalid
from andon.models.manifest import MANIFEST_FILE, Calibration, Code, File, Manifest, Probes, TrainingData
from andon.models.outputs import fault_of
from andon.models.package import digest_of
from andon.models.savers import save
from andon.models.signature import FeatureKind, FeatureSpec, Signature, task_of
from andon.models.texts import invented_texts
from andon.runtimes import Matrix

if TYPE_CHECKING:  # a gateway never draws, and so saves two megabytes
    from numpy.random import Generator

FOLDER_VARIABLE = "ANDON_PACKAGE_FOLDER"
"""The environment variable by which `andon models register --from-script` sets the target folder."""

SEED = 20_261_124
PROBES = 16


def pack(
    folder: Path | str,
    *,
    name: str,
    model: Any,
    features: Sequence[FeatureSpec],
    classes: Sequence[str],
    training: tuple[Rows, Sequence[Any]],
    held_out: tuple[Rows, Sequence[Any]],
    split: str,
    groups: str | None = None,
    data: Path | str | None = None,
    description: str = "",
    model_classes: Sequence[str] | None = None,
    untrained: Sequence[str] = (),
    allow_pickle: bool = False,
    requires: Sequence[str] = (),
) -> Path:
    """Write a package of a fitted model to `folder`.

    The package is the model file and a manifest with profile, calibration, metrics and origin. `model` is a
    LightGBM or XGBoost booster or classifier, a scikit-learn classifier, a PythonModel, a RemoteModel, or the path
    of an ONNX file or of a saved MLflow model. Rows are raw values, labels are raw classes. `held_out` must be rows
    the model was not trained on (some calibrate, most measure). Give all that the line will see, not only the model's
    features: the rows are kept in the package, and what a policy leaves automatic is proven by them (`keeping.py`).
    `split` says in words how they were split; `data` is the file they came from. `groups` names a column of the
    held-out rows whose equal values belong together, such as an account: one row of each counts. `model_classes` is
    the order of the model's own output if the model does not say it (ONNX). `untrained` are classes of held-out rows
    that the model was not trained for: all its answers there count as wrong. `requires` names installed distributions
    that the model needs and that its imports do not show (plugins). ANDON_PACKAGE_FOLDER, if set, overrides `folder`.
    Raises PackageInvalid, ValueUnusable, and Unavailable for a model elsewhere.
    """
    signature = Signature(task=task_of(tuple(classes)), features=tuple(features), classes=tuple(classes))
    target = Path(os.environ.get(FOLDER_VARIABLE, folder))
    trained = encode(features, training[0]), encode_labels(classes, training[1])
    held = encode(features, held_out[0]), encode_labels([*classes, *untrained], held_out[1])
    _check_lengths(trained, held)
    kept = np.arange(len(held[1]))
    if groups is not None:
        kept = measuring.one_a_group(_column(held_out[0], groups, len(held[1])), np.random.default_rng([SEED, 1]))
        held = held[0][kept], held[1][kept]
        _check_lengths(trained, held)
    with _draft_of(target) as draft:
        saved = save(model, draft, allow_pickle=allow_pickle)
        if fault := text_fault_of(signature, saved.runtime):
            raise PackageInvalid(fault)
        order = _order(signature, saved.classes or model_classes)
        elsewhere = model if isinstance(model, Elsewhere) else None
        asked = PackedFile(saved.runtime, draft / saved.file, signature, elsewhere=elsewhere)
        rng = np.random.default_rng(SEED)
        probes = _probe(asked, signature, trained[0], rng)
        raw, rarest = _predict(asked, held[0], signature)[:, order], _rarest_share(trained[1], len(signature.classes))
        measured, rows = _measure(raw, held[1], signature, trained[0], rarest, rng)
        labels = [[*classes, *untrained][at] for at in held[1].tolist()]
        given = keeping.columns_at(held_out[0], kept)
        (draft / keeping.HELD_OUT_FILE).write_bytes(
            keeping.kept(given, labels, classes, *rows, rng.permutation(len(labels)))
        )
        manifest = Manifest(
            name=name,
            description=description,
            runtime=saved.runtime,
            model_file=saved.file,
            output_order=order,
            signature=signature,
            **measured,
            probes=_answered(*probes, order, measured["calibration"]),
            training=TrainingData(
                digest=digest_of(Path(data)) if data else _digest(trained),
                rows=len(trained[1]),
                held_out_rows=len(held[1]),
                split=split,
                source=Path(data).name if data else None,
                groups=groups,
            ),
            code=_code(),
            environment=capture(asked.modules | set(saved.modules), {*saved.requires, *requires}),
            created_at=datetime.now(UTC),
            files=(_file(draft / saved.file), _file(draft / keeping.HELD_OUT_FILE)),
            held_out=keeping.HELD_OUT_FILE,
        )
        (draft / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    return target


def _measure(
    raw: Matrix, labels: NDArray[np.int64], signature: Signature, trained: Matrix, rarest: float, rng: "Generator"
) -> tuple[dict[str, Any], tuple[Matrix, NDArray[np.int64]]]:
    """Calibrate on some randomly drawn held-out rows, measure on the others.

    Returns the findings, the calibrated probabilities of all rows, and the places of those that measure.
    """
    found = measuring.measured(raw, labels, rarest, rng)
    confidence, predicted = found.calibrated.max(axis=1), found.calibrated.argmax(axis=1)
    wrong, known = predicted != labels, labels < len(signature.classes)
    binary = signature.task == "binary"
    scores, came_true = (found.calibrated[:, 1], labels == 1) if binary else (confidence, ~wrong)
    fitted, tested = found.fitting, found.measuring
    scored = tested[known[tested]]
    if not len(scored):
        raise PackageInvalid("No held-out row that measures is of a class that the model was trained for")
    by_class = risk.evidence_by_class(
        signature.classes,
        (confidence[fitted], predicted[fitted], wrong[fitted]),
        (confidence[tested], predicted[tested], wrong[tested]),
    )
    findings = {
        "calibration": found.fitted,
        "metrics": metrics.metrics_of(found.calibrated[scored], labels[scored], signature.classes, rng=rng).model_copy(
            update={"scored": metrics.scored_rows(scores[tested], came_true[tested])}
        ),
        "risk": found.evidence.model_copy(update={"by_class": by_class}),
        "profile": profile.profile_of(signature.features, trained, scores),
    }
    return findings, (found.calibrated, tested)


def _rarest_share(labels: NDArray[np.int64], classes: int) -> float:
    """Return the share of the rarest class in training.

    Never use that of held-out rows, whose labels must not influence what they measure.
    """
    return float(np.bincount(labels, minlength=classes).min() / len(labels))


def _predict(asked: PackedFile, matrix: Matrix, signature: Signature) -> Matrix:
    probabilities = asked.predict(matrix)
    fault = fault_of(probabilities, len(matrix), len(signature.classes))
    if fault:
        raise PackageInvalid(f"The model does not return probabilities of {len(signature.classes)} classes: {fault}")
    return probabilities


def _probe(asked: PackedFile, signature: Signature, trained: Matrix, rng: "Generator") -> tuple[Matrix, Matrix]:
    """Return invented rows and the model's answers to them.

    The rows are drawn from each column's own distribution; the last one has only missing values.
    """
    whole = {FeatureKind.CATEGORY, FeatureKind.BOOLEAN}
    coded = {feature.name for feature in signature.features if feature.kind in whole}
    texts = {feature.name for feature in signature.features if feature.kind is FeatureKind.TEXT}
    rows: Matrix = np.full((PROBES, trained.shape[1]), np.nan, dtype=object if texts else np.float64)
    for at, column in enumerate(columns_of(signature.features)):
        if column in texts:
            rows[:, at] = [*invented_texts(trained[:, at], PROBES - 1, rng), None]
            continue
        numbers = trained[:, at].astype(np.float64)
        present = numbers[np.isfinite(numbers)]
        if len(present):
            method: Any = "nearest" if column in coded else "linear"
            rows[:-1, at] = np.quantile(present, rng.random(PROBES - 1), method=method)
    try:
        return rows, _predict(asked, rows, signature)
    except (ValueError, PackageInvalid) as error:
        _predict(asked, _filled(rows), signature)  # a model that also fails without missing values raises here
        raise PackageInvalid(
            f"The model cannot take a row with missing values, which occur in service ({error}). Put an "
            "imputer before "
            "it (for scikit-learn: make_pipeline(SimpleImputer(...), ...)) or use a model that takes them"
        ) from error


def _filled(rows: Matrix) -> Matrix:
    """Return rows without missing values: numbers filled in, or, with texts, without the last row, which is empty."""
    return np.nan_to_num(rows) if rows.dtype != object else rows[:-1]


def _answered(rows: Matrix, answers: Matrix, order: Sequence[int], fitted: Calibration) -> Probes:
    """Return probes with the model's answers and a decision's probabilities; serving must answer alike."""
    return Probes(
        rows=tuple(tuple(None if v is None or v != v else v for v in row) for row in rows.tolist()),
        probabilities=tuple(map(tuple, answers.tolist())),
        calibrated=tuple(map(tuple, calibration.Calibrator(fitted)(answers[:, order]).tolist())),
    )


def _order(signature: Signature, output: Sequence[str] | None) -> tuple[int, ...]:
    if output is None:
        return tuple(range(len(signature.classes)))
    if sorted(output) != sorted(signature.classes):
        raise PackageInvalid(
            f"The model's classes {', '.join(output)} are not the classes given: {', '.join(signature.classes)}"
        )
    return tuple(list(output).index(name) for name in signature.classes)


def _column(rows: Rows, name: str, length: int) -> Sequence[Any]:
    """Return the column of held-out rows that says which of them belong together."""
    if isinstance(rows, Mapping):
        found: Sequence[Any] | None = rows.get(name)
    else:
        found = [row[name] for row in rows] if all(name in row for row in rows) else None
    if found is None or len(found) != length:
        raise PackageInvalid(f"groups: {name!r} must be a column of all {length} held-out rows")
    return found


def _check_lengths(trained: tuple[Matrix, NDArray[np.int64]], held: tuple[Matrix, NDArray[np.int64]]) -> None:
    for what, (matrix, labels) in (("training", trained), ("held-out", held)):
        if len(matrix) != len(labels):
            raise PackageInvalid(f"{len(matrix)} {what} rows have {len(labels)} labels")
        if len(labels) < 2:
            raise PackageInvalid(f"At least two {what} rows are needed, got {len(labels)}")


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """Yield a fresh folder next to the target, which replaces the target once everything is written.

    An interrupted write leaves nothing half done. An older package is replaced; any other content is left alone and
    refused.
    """
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST_FILE).is_file():
        raise PackageInvalid(f"{target} is not empty and is not a package; give another folder")
    place = target.resolve()
    draft = place.with_name(f".{place.name}.packing")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        if place.is_dir():
            shutil.rmtree(place)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _file(path: Path) -> File:
    return File(name=path.name, digest=digest_of(path), size=path.stat().st_size)


def _digest(data: tuple[Matrix, NDArray[np.int64]]) -> str:
    digest = hashlib.sha256()
    for array in data:
        plain = json.dumps(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes()
        digest.update(plain)
    return digest.hexdigest()


def _code() -> Code | None:
    """Return the running script and its commit, as far as they exist."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None or not Path(file).is_file():  # an interactive session, a program from standard input
        return None
    script = Path(file).resolve()
    commit = _git(script.parent, "rev-parse", "HEAD")
    modified = bool(commit and _git(script.parent, "status", "--porcelain", "--", script.name))
    return Code(file=script.name, digest=digest_of(script), commit=commit, modified=modified)


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
        [git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False, timeout=10
    )
    return done.stdout.strip() or None if done.returncode == 0 else None
