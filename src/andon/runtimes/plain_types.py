"""The types of a skops file that are known to be plain data.

scikit-learn, which only these models need, is imported lazily.
"""

from pathlib import Path


def foreign_types(file: Path) -> list[str]:
    """Return the types in a skops file that neither skops trusts nor are known plain internals of scikit-learn."""
    from skops.io import get_untrusted_types

    return sorted(set(get_untrusted_types(file=file)) - PLAIN_TYPES)


PLAIN_TYPES = frozenset(
    {
        "numpy.dtype",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
    }
)
"""Internals of scikit-learn's classifiers that hold numbers and run nothing when they are built.

A forged one can be wrong or crash, as can a forged file of any runtime; skops leaves it to its users whether that is
acceptable.
"""
