"""Checks that the parts of a manifest fit each other.

Even if each part is well-formed, the whole may differ from what was measured.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from andon.kernel.errors import Fault
from andon.models.calibration import Calibrator
from andon.models.encoding import columns_of
from andon.models.manifest import Curve, Manifest, Runtime
from andon.models.signature import FeatureKind, Signature

_READ_TEXT = (Runtime.SKLEARN, Runtime.EMBEDDINGS, Runtime.PYTHON, Runtime.PYFUNC)
"""The runtimes that give a model raw columns, and so texts."""

_TOLERANCE = 1e-6
"""Tolerance for another CPU's rounding of the same arithmetic."""


def misfits_of(manifest: Manifest) -> list[Fault]:
    """Return the parts that do not fit the model's classes and features, or its probes' answers at packing.

    Each fault names its part.
    """
    faults = [
        *_text_faults(manifest.signature, manifest.runtime),
        *_file_faults(manifest),
        *_order_faults(manifest),
        *_calibration_faults(manifest),
        *_probe_faults(manifest),
    ]
    return faults or list(_answer_faults(manifest))


def text_fault_of(signature: Signature, runtime: Runtime) -> str | None:
    """Return why a model of this runtime cannot take the texts among its features.

    Returns None if it can, or if there are no texts.
    """
    texts = [feature.name for feature in signature.features if feature.kind is FeatureKind.TEXT]
    if not texts or runtime in _READ_TEXT:
        return None
    return (
        f"A model of {runtime} takes numbers only, and {', '.join(texts)} is text: use a "
        "scikit-learn pipeline that reads text"
    )


def _text_faults(signature: Signature, runtime: Runtime) -> Iterator[Fault]:
    if fault := text_fault_of(signature, runtime):
        yield Fault("signature.features", fault)


def _file_faults(manifest: Manifest) -> Iterator[Fault]:
    for name, times in Counter(file.name for file in manifest.files).items():
        if times > 1:
            yield Fault("files", f"{name} is listed {times} times")


def _order_faults(manifest: Manifest) -> Iterator[Fault]:
    classes = len(manifest.signature.classes)
    if sorted(manifest.output_order) != list(range(classes)):
        yield Fault("output_order", f"It must name each of the columns 0 to {classes - 1} once, one for each class")


def _calibration_faults(manifest: Manifest) -> Iterator[Fault]:
    classes = len(manifest.signature.classes)
    wanted = 1 if classes == 2 else classes
    curves = manifest.calibration.curves
    if len(curves) not in (0, wanted):
        yield Fault("calibration.curves", f"{classes} classes need {wanted} curves or none, got {len(curves)}")
    for at, curve in enumerate(curves):
        if not _is_sound(curve):
            yield Fault(
                f"calibration.curves.{at}",
                "A curve needs as many x as y, at least one; x must rise, and y must be probabilities that never fall",
            )


def _is_sound(curve: Curve) -> bool:
    return (
        0 < len(curve.x) == len(curve.y)
        and all(a < b for a, b in pairwise(curve.x))
        and all(a <= b for a, b in pairwise((0.0, *curve.y, 1.0)))
    )


def _probe_faults(manifest: Manifest) -> Iterator[Fault]:
    probes, classes = manifest.probes, len(manifest.signature.classes)
    columns = len(columns_of(manifest.signature.features))
    if not probes.rows:
        yield Fault(
            "probes.rows", "There are none: without probes, nothing shows that this is the model that was measured"
        )
    if any(len(row) != columns for row in probes.rows):
        yield Fault("probes.rows", f"Each must have a value for each of the {columns} columns")
    if len(probes.probabilities) != len(probes.rows) or any(len(answer) != classes for answer in probes.probabilities):
        yield Fault("probes.probabilities", f"Each probe needs an answer: the probabilities of {classes} classes")


def _answer_faults(manifest: Manifest) -> Iterator[Fault]:
    """Yield a fault if order and calibration turn the probes' answers into other values than at packing."""
    probes = manifest.probes
    if probes.calibrated is None:
        return
    ordered = np.array(probes.probabilities)[:, manifest.output_order]
    calibrated, expected = Calibrator(manifest.calibration)(ordered), np.array(probes.calibrated)
    if calibrated.shape != expected.shape or np.abs(calibrated - expected).max() > _TOLERANCE:
        yield Fault(
            "probes.calibrated",
            "output_order and calibration turn the probes' answers into other probabilities than when the model "
            "was packed",
        )
