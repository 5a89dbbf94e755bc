"""One loaded model version, from raw rows to predictions, wherever its model runs.

Inline: on the caller's thread. Patient: in processes of its own (`isolated`) or elsewhere; then predicting is awaited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from andon import runtimes
from andon.authoring import RiskBound
from andon.models import (
    Calibrator,
    Encoder,
    HeldOutRows,
    Matrix,
    ModelVersion,
    RiskEvidence,
    Runtime,
    columns_of,
    fault_of,
    misfits_of,
    rows_in,
    threshold_for,
)
from andon.serving.domain import ALWAYS, NEVER, Contribution, Prediction, RiskGate
from andon.serving.errors import EndpointUnavailable, PredictionFailed
from andon.serving.hosting import HERE, Hosting
from andon.serving.inline import InlineWatch
from andon.serving.isolated import Environments, IsolatedPredictor, Launch, Trial
from andon.serving.ports import PatientPredictor, PoolStatus, Predictor
from andon.serving.remote import open_remote

_TOLERANCE = 1e-4
"""The allowed deviation of a probe's answer from packing: another CPU's rounding, not another library's result."""


class LoadedVersion:
    """One loaded version, including encoding, calibration and checks of the output.

    A gateway calls `start` and `close`.
    """

    def __init__(
        self,
        version: ModelVersion,
        predictor: Predictor,
        *,
        patient: PatientPredictor | None = None,
        max_batch: int = HERE.max_batch,
        timeout: float = HERE.timeout_seconds,
        folder: Path | None = None,
    ) -> None:
        signature = version.manifest.signature
        self.version = version
        self.patient = patient
        self._folder = folder
        self._watch = InlineWatch(self._shown, timeout)
        self._max_batch = max_batch
        self._cpu_taken = self._gpu_taken = 0.0
        self._predictor = predictor
        self._classes = signature.classes
        self._binary = signature.task == "binary"
        self._encoder = Encoder(signature.features)
        self._calibrator = Calibrator(version.manifest.calibration)
        order = version.manifest.output_order
        self._order = None if order == tuple(range(len(order))) else list(order)

    @property
    def inline(self) -> bool:
        """Whether predicting takes microseconds on the caller's thread; if not, an event loop awaits `predict_soon`."""
        return self.patient is None

    @property
    def capacity(self) -> int:
        """The number of batches that may usefully be under way at the same time now; 1 inline."""
        return 1 if self.patient is None else self.patient.capacity

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Return one prediction per row, in order; blocks wherever the model runs, and bypasses the breaker.

        Raises ValueUnusable, PredictionFailed.
        """
        return self._of(self.raw(self._encoder.encode(rows))) if rows else []

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        """Return one prediction per row, in order, within `within` seconds. Raises ValueUnusable, PredictionFailed.

        PredictionFailed includes timed out and busy. Inline the time is not bounded; but a version that repeatedly
        fails or is late is skipped for a while.
        """
        if not rows:
            return []
        matrix = self._encoder.encode(rows)
        if self.patient is None:
            return self._watch.prediction(lambda: self._of(self.raw(matrix)))
        return self._of(self._checked(await self.patient.predict_soon(matrix, within=within), len(rows)))

    def contributions(self, row: Mapping[str, Any], label: str) -> list[Contribution] | None:
        """Return the contributions to a class of one row, greatest first; None if the model cannot tell. Blocks."""
        parts = getattr(self._predictor, "parts", None)
        if parts is None:
            return None
        at = self._classes.index(label)
        found = parts(self._encoder.encode([row]), [at if self._order is None else self._order[at]])
        return None if found is None else [Contribution(*part) for part in found[0]]

    @property
    def max_batch(self) -> int:
        """The most rows in one call of the model."""
        return self._max_batch

    def take_cpu_us(self) -> int:
        """Return the CPU time of the model's processes since the last call, in microseconds; 0 inline."""
        if self.patient is None:
            return 0
        so_far = self.patient.cpu_seconds
        taken, self._cpu_taken = so_far - self._cpu_taken, so_far
        return int(taken * 1e6)

    def take_gpu_us(self) -> int:
        """Return the same of GPU time."""
        if self.patient is None:
            return 0
        so_far = self.patient.gpu_seconds
        taken, self._gpu_taken = so_far - self._gpu_taken, so_far
        return int(taken * 1e6)

    async def start(self) -> None:
        """Bring up the model's processes, warm; nothing to do inline. Raises EndpointUnavailable."""
        if self.patient is not None:
            await self.patient.start()

    async def close(self) -> None:
        """End the model's processes when what is under way is finished."""
        if self.patient is not None:
            await self.patient.close()

    def status(self) -> PoolStatus | None:
        """Return the status of the model's processes; None inline."""
        return None if self.patient is None else self.patient.status()

    def health(self) -> PoolStatus:
        """Return the incidents and the breaker's state, wherever the model runs."""
        return self._watch.status() if self.patient is None else self.patient.status()

    def held_out_rows(self) -> HeldOutRows | None:
        """Return the held-out rows that its package keeps; None for an older package. Raises PackageDamaged."""
        return None if self._folder is None else rows_in(self._folder, self.version.manifest)

    def raw(self, matrix: Matrix) -> Matrix:
        """Return the model's own probabilities of an encoded batch, in its own order. Raises PredictionFailed."""
        try:
            probabilities = self._predictor.predict(matrix)
        except PredictionFailed:
            raise
        except (
            Exception
        ) as error:  # any error of a library is its refusal; its message may hold values, so it stays in the log
            raise PredictionFailed(f"{self._shown} failed with {type(error).__name__}") from error
        return self._checked(probabilities, len(matrix))

    def _checked(self, probabilities: Matrix, rows: int) -> Matrix:
        fault = fault_of(probabilities, rows, len(self._classes))
        if fault:
            raise PredictionFailed(f"{self._shown} gave no usable probabilities: {fault}")
        return probabilities

    def _of(self, raw: Matrix) -> list[Prediction]:
        """Convert probabilities in the model's own order to calibrated predictions."""
        ordered = raw if self._order is None else raw[:, self._order]
        given = ordered.tolist()
        if self._binary:
            return list(map(self._of_two, self._calibrator.of_two(given), given))
        return list(map(self._of_many, self._calibrator(ordered).tolist(), given))

    @property
    def _shown(self) -> str:
        return f"Model {self.version.name} {self.version.number}"

    def _of_two(self, calibrated: Sequence[float], raw: Sequence[float]) -> Prediction:
        negative, positive = calibrated
        sure = positive > negative
        return Prediction(
            score=positive,
            label=self._classes[sure],
            confidence=positive if sure else negative,
            probabilities={self._classes[0]: negative, self._classes[1]: positive},
            raw={self._classes[0]: raw[0], self._classes[1]: raw[1]},
        )

    def _of_many(self, probabilities: list[float], raw: list[float]) -> Prediction:
        best = max(probabilities)
        label = self._classes[probabilities.index(best)]
        return Prediction(
            best,
            label,
            best,
            dict(zip(self._classes, probabilities, strict=True)),
            dict(zip(self._classes, raw, strict=True)),
        )


def load(version: ModelVersion, folder: Path, hosting: Hosting = HERE) -> LoadedVersion:
    """Load a fetched package and ask it the probes it answered when it was packed. Raises EndpointUnavailable.

    An isolated version gets its environment built here, which may take minutes (EnvironmentInvalid if it cannot be), so
    that nothing is built when a request waits.
    """
    manifest = version.manifest
    if faults := misfits_of(manifest):
        raise EndpointUnavailable(
            f"The parts of the manifest of {version.name} {version.number} do not match each other", faults=faults
        )
    if manifest.runtime is Runtime.REMOTE:
        remote = open_remote(folder / manifest.model_file, columns_of(manifest.signature.features), hosting)
        pool, loaded = None, LoadedVersion(version, remote, patient=remote, max_batch=hosting.max_batch, folder=folder)
    elif manifest.runtime.isolated_only or (hosting.isolated and manifest.runtime is not Runtime.NONE):
        pool = _pool_of(version, folder, hosting)
        loaded = LoadedVersion(version, pool, patient=pool, max_batch=hosting.max_batch, folder=folder)
    else:
        pool = None
        loaded = LoadedVersion(version, _opened(version, folder), timeout=hosting.timeout_seconds, folder=folder)
    try:
        answers = loaded.raw(_probes_of(version))
    except PredictionFailed as error:
        raise EndpointUnavailable(str(error)) from error
    finally:
        if pool is not None:
            pool.end_aside()
    if apart := _difference(version, answers):
        raise EndpointUnavailable(f"Model {version.name} {version.number} {apart}")
    return loaded


def _opened(version: ModelVersion, folder: Path) -> Predictor:
    manifest = version.manifest
    try:
        return runtimes.open_model(
            manifest.runtime,
            folder / manifest.model_file,
            trusted=version.trusted,
            signature=asdict(manifest.signature),
        )
    except runtimes.ModelUnreadable as error:
        raise EndpointUnavailable(str(error)) from error


def _pool_of(version: ModelVersion, folder: Path, hosting: Hosting) -> IsolatedPredictor:
    """Return the processes of a version, none of them started; their environment exists."""
    manifest = version.manifest
    launch = Launch(
        shown=f"Model {version.name} {version.number}",
        python=Environments(hosting.environments).python_for(manifest),
        folder=folder,
        opening={
            "runtimes": str(Path(runtimes.__file__).parent),
            "runtime": manifest.runtime,
            "file": str((folder / manifest.model_file).absolute()),
            "trusted": version.trusted,
            "signature": asdict(manifest.signature),
        },
        memory_bytes=hosting.memory_mb * 1_000_000,
    )
    classes = len(manifest.signature.classes)
    trial = Trial(
        probes=_probes_of(version),
        fault_of_probes=lambda answers: _difference(version, answers),
        fault_of=lambda answers, rows: fault_of(answers, rows, classes),
    )
    return IsolatedPredictor(launch, hosting, trial)


def gate_of(evidence: RiskEvidence, risk: RiskBound | None) -> RiskGate:
    """Return the gate that held-out rows prove for `risk`; without one, everything is certain."""
    if risk is None:
        return RiskGate(threshold=ALWAYS, target=1.0)
    threshold = threshold_for(evidence, risk.target / risk.highest, risk.confidence, risk.local)
    return RiskGate(threshold=NEVER if threshold is None else threshold, target=risk.target)


def _probes_of(version: ModelVersion) -> Matrix:
    return version.manifest.probes.matrix(version.manifest.signature.has_texts)


def _difference(version: ModelVersion, answers: Matrix) -> str | None:
    """Return how the answers to the probes differ from those at packing; None if they are the same."""
    manifest = version.manifest
    expected = np.array(manifest.probes.probabilities)
    if fault := fault_of(answers, *expected.shape):
        return f"gave no usable probabilities: {fault}"
    apart = float(np.abs(answers - expected).max())
    if apart <= _TOLERANCE:
        return None
    return (
        f"answers differently here than when it was packed (by {apart:.3g}); it was packed with Python "
        f"{manifest.environment.python}; `andon models show` lists the packages"
    )
