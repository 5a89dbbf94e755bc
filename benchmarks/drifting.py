"""The error of label-free estimates on a table whose classes drift: accuracy and AUC, window by window, beside the truth.

The table is scikit-learn's breast cancer data, which every installation carries. A logistic regression, which is calibrated by itself, learns from one
half; the other half is drawn again with weights that move, window by window, to larger tumours: the distribution of the
inputs changes, the classes given the inputs do not.
"""

from typing import Any

import numpy as np
from rich.table import Table
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from andon.monitors.label_free import estimate, expected_auc

WINDOWS = 8
ROWS = 1_000
FEATURES = 6
BINS = 50


def errors(seed: int = 7) -> dict[str, Any]:
    """Return the estimates of each window beside the truth, and the mean absolute errors."""
    data = load_breast_cancer()
    inputs, labels = data.data[:, 4 : 4 + FEATURES], data.target
    train, test, train_labels, test_labels = train_test_split(inputs, labels, test_size=0.5, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(train, train_labels)
    scores = model.predict_proba(test)[:, 1]
    rng = np.random.default_rng(seed)
    size = (test[:, 0] - test[:, 0].mean()) / test[:, 0].std()
    windows = []
    for number in range(WINDOWS):
        weight = np.exp(number / (WINDOWS - 1) * size)
        drawn = rng.choice(len(test), ROWS, p=weight / weight.sum())
        windows.append(_window(scores[drawn], test_labels[drawn]))
    return {
        "windows": windows,
        "auc_error": round(float(np.mean([abs(w["auc"] - w["auc_true"]) for w in windows])), 4),
        "error_error": round(float(np.mean([abs(w["error"] - w["error_true"]) for w in windows])), 4),
    }


def table_of(found: dict[str, Any]) -> Table:
    """The estimates for a terminal."""
    title = (
        f"Without labels: AUC is off by {found['auc_error']:.3f}, the error by {found['error_error']:.3f} on average"
    )
    table = Table("window", "AUC estimated", "AUC", "error estimated", "error", title=title, title_justify="left")
    for number, one in enumerate(found["windows"], start=1):
        cells = (one["auc"], one["auc_true"], one["error"], one["error_true"])
        table.add_row(str(number), *(f"{value:.3f}" for value in cells))
    return table


def _window(scores: Any, labels: Any) -> dict[str, float]:
    confidence = np.maximum(scores, 1 - scores)
    sums = {
        "rows": len(scores),
        "sum": float(confidence.sum()),
        "variance": float((confidence * (1 - confidence)).sum()),
    }
    found = estimate(sums)
    edges = np.linspace(0, 1, BINS + 1)
    auc = expected_auc(edges.tolist(), np.histogram(scores, edges)[0].tolist())
    wrong = float(((scores > 0.5) != labels).mean())
    return {
        "error": 0.0 if found is None else round(found.error, 4),
        "error_true": round(wrong, 4),
        "auc": round(auc or 0.0, 4),
        "auc_true": round(float(roc_auc_score(labels, scores)), 4),
    }
